internal import BokbokCore

/// The matrix as one page that needs nothing else: a table for each way, with what the scenarios do, every failure with
/// what both sides said, and who took no part.
struct InteropHTMLReport {
  let summary: InteropSummary

  func text() -> String {
    let title = "Interop matrix of \(summary.implementations.count) implementations"
    let page: HTMLText = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(title)</title>
      <style>
      \(HTMLReport.style)</style>
      </head>
      <body>
      <header>
      <h1>\(title)</h1>
      <p>\(verdict)</p>
      </header>
      <main>
      <section id="summary">
      <h2>Summary</h2>
      \(facts)\(absent)</section>
      <section id="matrix">
      <h2>Who meets whom</h2>
      <p>A row for each client, a column for each server. ✓ all scenarios passed; ✗ some failed; – not declared. “3/5” is \
      three of five passed.</p>
      \(HTMLText.joined(ways.map(table)))</section>
      <section id="scenarios">
      <h2>What they do together</h2>
      \(scenarios)</section>
      <section id="problems">
      <h2>What did not pass</h2>
      \(problems)</section>
      </main>
      </body>
      </html>

      """
    return page.text
  }

  // MARK: The summary

  private var verdict: HTMLText {
    let failures = summary.count(.fail)
    switch summary.exitStatus {
    case 0: return "<strong class=\"sign good\">✓ Passed</strong>"
    case 1 where failures > 0: return "<strong class=\"sign bad\">✗ Failed: \(failures)</strong>"
    case 1: return "<strong class=\"sign bad\">✗ Failed: an implementation that is required did not start</strong>"
    default: return "<strong class=\"sign none\">– Nothing ran</strong>"
    }
  }

  private var facts: HTMLText {
    let names = summary.implementations.map { "\($0.name) \($0.declaration.version)" }
    let counts = InteropResult.State.allCases.map { (state: $0, count: summary.count($0)) }.filter { $0.count > 0 }
    let facts = [
      ("Implementations", names.isEmpty ? "none" : names.joined(separator: ", ")),
      ("Ran", "\(summary.results.count) scenarios in \(HTMLReport.seconds(summary.duration)) s"),
      ("Outcome", counts.map { "\($0.count) \($0.state.rawValue)" }.joined(separator: ", ")),
    ]
    let rows = facts.map { name, text -> HTMLText in
      "<dt>\(name)</dt><dd>\(String(displaying: text, charactersMax: 1000))</dd>\n"
    }
    return "<dl>\n\(HTMLText.joined(rows))</dl>\n"
  }

  private var absent: HTMLText {
    guard !summary.absent.isEmpty else { return "" }
    let items = summary.absent.map { missing -> HTMLText in
      let commands = HTMLText.joined(missing.setup.map { "<pre class=\"wide\">\($0)</pre>\n" })
      let reason = String(displaying: missing.reason, charactersMax: 1000)
      return "<li><strong>\(missing.name)</strong> did not run: \(reason). To make it ready:\n\(commands)</li>\n"
    }
    return "<ul>\n\(HTMLText.joined(items))</ul>\n"
  }

  // MARK: The matrix

  private var ways: [String] {
    var ways: [String] = []
    for result in summary.results where !ways.contains(result.configuration.way) {
      ways.append(result.configuration.way)
    }
    return ways
  }

  private func table(_ way: String) -> HTMLText {
    let results = summary.results.filter { $0.configuration.way == way }
    let names = summary.implementations.map(\.name)
    let heads = HTMLText.joined(names.map { "<th scope=\"col\">\($0)</th>" })
    let rows = names.map { client -> HTMLText in
      let cells = names.map { server in
        cell(results.filter { $0.configuration.client.name == client && $0.configuration.server.name == server })
      }
      return "<tr><th scope=\"row\">\(client)</th>\(HTMLText.joined(cells))</tr>\n"
    }
    return """
      <h3>\(way)</h3>
      <div class="wide" tabindex="0" role="region" aria-label="\(way)">
      <table>
      <thead><tr><th scope="col">client ↓ server →</th>\(heads)</tr></thead>
      <tbody>
      \(HTMLText.joined(rows))</tbody>
      </table>
      </div>

      """
  }

  private func cell(_ results: [InteropResult]) -> HTMLText {
    guard !results.isEmpty else { return "<td></td>" }
    let played = results.filter { $0.state != .notDeclared }
    guard !played.isEmpty else { return "<td class=\"none\">–</td>" }
    let passed = played.count { $0.state == .pass }
    guard let failed = played.first(where: { $0.state == .fail }) else { return "<td class=\"good\">✓ \(passed)</td>" }
    return "<td class=\"bad\"><a href=\"#\(failed.path)\">✗ \(passed)/\(played.count)</a></td>"
  }

  private var scenarios: HTMLText {
    var titles: [(name: String, title: String)] = []
    for result in summary.results where !titles.contains(where: { $0.name == result.scenario.name }) {
      titles.append((result.scenario.name, result.scenario.title))
    }
    return "<dl>\n\(HTMLText.joined(titles.map { "<dt>\($0.name)</dt><dd>\($0.title)</dd>\n" }))</dl>\n"
  }

  // MARK: Failures

  private var problems: HTMLText {
    let failures = summary.results.filter { $0.state == .fail }
    guard !failures.isEmpty else { return "<p>Everything that ran passed.</p>\n" }
    return HTMLText.joined(failures.map(problem))
  }

  private func problem(_ result: InteropResult) -> HTMLText {
    let problem = result.problem
    let trace = (problem?.trace ?? []).joined(separator: "\n")
    let shown: HTMLText = trace.isEmpty ? "" : "<pre class=\"wide\" tabindex=\"0\">\(trace)</pre>\n"
    return """
      <details open id="\(result.path)">
      <summary><span class="sign bad">✗</span> \(result.path)</summary>
      <p>\(result.scenario.title).</p>
      <dl>
      <dt>Expected</dt><dd>\(String(displaying: problem?.expected ?? "", charactersMax: 1000))</dd>
      <dt>Got</dt><dd>\(String(displaying: problem?.got ?? "", charactersMax: 1000))</dd>
      </dl>
      \(shown)</details>

      """
  }
}
