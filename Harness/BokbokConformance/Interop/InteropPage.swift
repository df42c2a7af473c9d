internal import BokbokCore

/// The interop matrix for a page: a table for each way, with what the scenarios do, every failure with what both sides
/// said, and who took no part.
struct InteropPage {
  let document: InteropDocument

  func text() -> String {
    HTMLPage(
      title: "Interop matrix of \(document.implementations.count) implementations",
      introduction: "<p>\(verdict.html)</p>\n",
      sections: sections
    ).text
  }

  var verdict: HTMLVerdict {
    let failures = document.count(.fail)
    if let text = document.incompleteness {
      return .incomplete(text, failures: failures == 0 ? nil : "of what was played, \(failures) failed")
    }
    switch document.exitStatus {
    case 0: return HTMLVerdict(kind: .good, text: "✓ Passed")
    case 1 where failures > 0: return HTMLVerdict(kind: .bad, text: "✗ Failed: \(failures)")
    case 1: return HTMLVerdict(kind: .bad, text: "✗ Failed: an implementation that is required did not start")
    default: return HTMLVerdict(kind: .none, text: "– Nothing ran")
    }
  }

  var sections: [HTMLSection] {
    [
      HTMLSection(id: "summary", title: "Summary", content: "\(facts)\(absent)"),
      HTMLSection(id: "matrix", title: "Who meets whom", content: Self.legend, sections: ways.map(table)),
      HTMLSection(id: "scenarios", title: "What they do together", content: scenarios),
      HTMLSection(id: "problems", title: "What did not pass", content: problems),
    ]
  }

  private static let legend: HTMLText = """
    <p>A row for each client, a column for each server. ✓ all scenarios passed; ✗ some failed; – not declared. “3/5” is \
    three of five passed.</p>

    """

  // MARK: The summary

  private var facts: HTMLText {
    let names = document.implementations.map { "\($0.name) \($0.version)" }
    let counts = InteropResult.State.allCases.map { (state: $0, count: document.count($0)) }.filter { $0.count > 0 }
    let duration = HTMLReport.seconds(.milliseconds(document.milliseconds))
    return .facts([
      ("Implementations", names.isEmpty ? "none" : names.joined(separator: ", ")),
      ("Ran", "\(document.scenarios.count) scenarios in \(duration) s"),
      ("Outcome", counts.map { "\($0.count) \($0.state.rawValue)" }.joined(separator: ", ")),
    ])
  }

  private var absent: HTMLText {
    guard !document.absent.isEmpty else { return "" }
    let items = document.absent.map { missing -> HTMLText in
      let commands = HTMLText.joined(missing.setup.map { "<pre class=\"wide\" tabindex=\"0\">\($0)</pre>\n" })
      let reason = String(displaying: missing.reason, charactersMax: 1000)
      return "<li><strong>\(missing.name)</strong> did not run: \(reason). To make it ready:\n\(commands)</li>\n"
    }
    return "<ul>\n\(HTMLText.joined(items))</ul>\n"
  }

  // MARK: The matrix

  private var ways: [String] {
    document.scenarios.reduce(into: []) { if !$0.contains($1.way) { $0.append($1.way) } }
  }

  private func table(_ way: String) -> HTMLSection {
    let results = document.scenarios.filter { $0.way == way }
    let names = document.implementations.map(\.name)
    let heads: [HTMLText] = ["client ↓ server →"] + names.map { "\($0)" }
    let rows = names.map { client -> HTMLText in
      let cells = names.map { server in cell(results.filter { $0.client == client && $0.server == server }) }
      return "<tr><th scope=\"row\">\(client)</th>\(HTMLText.joined(cells))</tr>\n"
    }
    let content = HTMLText.table(label: way, heads: heads, rows: rows, class: "matrix")
    return HTMLSection(id: way, title: way, content: content)
  }

  private func cell(_ results: [InteropDocument.Scenario]) -> HTMLText {
    guard !results.isEmpty else { return "<td></td>" }
    let played = results.filter { $0.state != .notDeclared }
    guard !played.isEmpty else { return "<td class=\"none\">–</td>" }
    let passed = played.count { $0.state == .pass }
    guard let failed = played.first(where: { $0.state == .fail }) else { return "<td class=\"good\">✓ \(passed)</td>" }
    return "<td class=\"bad\"><a href=\"#\(failed.path)\">✗ \(passed)/\(played.count)</a></td>"
  }

  private var scenarios: HTMLText {
    let titles = document.scenarios.reduce(into: [(name: String, title: String)]()) { titles, scenario in
      if !titles.contains(where: { $0.name == scenario.name }) { titles.append((scenario.name, scenario.title)) }
    }
    return "<dl>\n\(HTMLText.joined(titles.map { "<dt>\($0.name)</dt><dd>\($0.title)</dd>\n" }))</dl>\n"
  }

  // MARK: Failures

  private var problems: HTMLText {
    let failures = document.scenarios.filter { $0.state == .fail }
    guard !failures.isEmpty else {
      return document.scenarios.isEmpty ? "<p>Nothing ran.</p>\n" : "<p>Everything that ran passed.</p>\n"
    }
    return HTMLText.joined(failures.map(problem))
  }

  private func problem(_ scenario: InteropDocument.Scenario) -> HTMLText {
    let lines = scenario.trace.map { String(displaying: $0, charactersMax: 500) }.joined(separator: "\n")
    let trace: HTMLText = lines.isEmpty ? "" : "<pre class=\"wide\" tabindex=\"0\">\(lines)</pre>\n"
    return """
      <details open id="\(scenario.path)">
      <summary><span class="sign bad">✗</span> \(scenario.path)</summary>
      <p>\(scenario.title).</p>
      <dl>
      <dt>Expected</dt><dd>\(String(displaying: scenario.expected, charactersMax: 1000))</dd>
      <dt>Got</dt><dd>\(String(displaying: scenario.got, charactersMax: 1000))</dd>
      </dl>
      \(trace)</details>

      """
  }
}
