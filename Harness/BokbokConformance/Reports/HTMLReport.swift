internal import BokbokCore

/// The report as one page that needs nothing else: no network, no script. The summary, a matrix of requirements and
/// configurations, and what did not pass, each with its clause and its trace.
struct HTMLReport {
  let summary: RunSummary
  let specification: SpecificationIndex

  func text() -> String {
    let title = "Conformance of \(summary.implementation)"
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
      \(Self.style)</style>
      </head>
      <body>
      <header>
      <h1>\(title)</h1>
      <p>\(verdict)</p>
      </header>
      <main>
      <section id="summary">
      <h2>Summary</h2>
      \(facts)\(notes)</section>
      <section id="matrix">
      <h2>Requirements and configurations</h2>
      \(matrix)</section>
      <section id="problems">
      <h2>What did not pass</h2>
      \(problems)</section>
      \(undeclared)</main>
      </body>
      </html>

      """
    return page.text
  }

  // MARK: The summary

  private var verdict: HTMLText {
    let failures = summary.results(weighing: .failure).count
    switch summary.exitStatus {
    case 0 where summary.results.allSatisfy({ !$0.state.isPlayed }):
      return "<strong class=\"sign none\">– Nothing ran</strong>"
    case 0: return "<strong class=\"sign good\">✓ Passed</strong>"
    case 1 where failures > 0: return "<strong class=\"sign bad\">✗ Failed: \(failures)</strong>"
    case 1: return "<strong class=\"sign bad\">✗ Failed: an expected failure matches no case</strong>"
    default: return "<strong class=\"sign doubt\">? Without a clear outcome</strong>"
    }
  }

  private var facts: HTMLText {
    let declaration = summary.declaration
    let counts = CaseResult.State.allCases.map { (state: $0, count: summary.count($0)) }.filter { $0.count > 0 }
    let unrun = summary.results.count { !$0.state.isPlayed }
    let facts = [
      ("Testee", "\(declaration.name) \(declaration.version)"),
      ("Declared", (declaration.roles + declaration.transports + declaration.security).joined(separator: ", ")),
      ("Features", declaration.features.isEmpty ? "none" : declaration.features.joined(separator: ", ")),
      ("Ran", "\(summary.results.count - unrun) in \(Self.seconds(summary.duration)) s"),
      ("Did not run", unrun == 0 ? "0" : "\(unrun), not declared by the testee"),
      ("Outcome", counts.map { "\($0.count) \($0.state.rawValue)" }.joined(separator: ", ")),
      ("Suite", "\(summary.suiteVersionText): \(summary.suiteCaseCount) cases, digest \(summary.suiteDigest)"),
    ]
    let rows = HTMLText.joined(
      facts.map { name, text in "<dt>\(name)</dt><dd>\(String(displaying: text, charactersMax: 1000))</dd>\n" }
    )
    return "<dl>\n\(rows)</dl>\n"
  }

  private var notes: HTMLText {
    var notes: [String] = []
    let warnings = summary.results(weighing: .warning).count
    if warnings > 0 { notes.append("\(warnings) of level should did not pass: warnings.") }
    for pattern in summary.uselessExcuses { notes.append("The expected failure “\(pattern)” matches no case.") }
    if !summary.unplayedTransports.isEmpty {
      let transports = summary.unplayedTransports.joined(separator: ", ")
      notes.append("Declared, but not played by this kit: \(transports).")
    }
    guard !notes.isEmpty else { return "" }
    return "<ul>\(HTMLText.joined(notes.map { "<li>\($0)</li>\n" }))</ul>\n"
  }

  // MARK: The matrix

  private var configurations: [Configuration] {
    let played = Set(summary.results.map(\.configuration))
    return Configuration.everywhere.filter(played.contains)
  }

  private var matrix: HTMLText {
    let configurations = configurations
    var order: [String: Int] = [:]
    for id in specification.ids {
      let requirement = SpecificationIndex.requirement(of: id)
      order[requirement] = order[requirement] ?? order.count
    }
    let groups = Dictionary(grouping: summary.results) { $0.item.requirement }
    let requirements = groups.keys.sorted { (order[$0] ?? .max, $0) < (order[$1] ?? .max, $1) }
    let heads = configurations.map { configuration -> HTMLText in
      let security = configuration.security.rawValue
      return """
        <th scope="col">\(security)<br>\(configuration.transport.rawValue)<br>\(configuration.role.rawValue)</th>
        """
    }
    let rows = requirements.map { requirement -> HTMLText in
      let results = groups[requirement] ?? []
      let cells = configurations.map { configuration in
        cell(results.filter { $0.configuration == configuration }, requirement)
      }
      return "<tr><th scope=\"row\">\(requirement)</th>\(HTMLText.joined(cells))</tr>\n"
    }
    return """
      <p>✓ all passed; ✗ some failed; ! some are warnings; ~ some failed as the manifest expects; ? some without a clear \
      outcome; – not declared. “3/5” is three of five passed.</p>
      <div class="wide" tabindex="0" role="region" aria-label="Requirements and configurations">
      <table>
      <thead><tr><th scope="col">Requirement</th>\(HTMLText.joined(heads))</tr></thead>
      <tbody>
      \(HTMLText.joined(rows))</tbody>
      </table>
      </div>

      """
  }

  private func cell(_ results: [CaseResult], _ requirement: String) -> HTMLText {
    guard !results.isEmpty else { return "<td></td>" }
    let run = results.filter(\.state.isPlayed)
    guard !run.isEmpty else { return "<td class=\"none\">–</td>" }
    let weights = run.map { $0.weight(isStrict: summary.isStrict) }
    let (sign, name): (String, String)
    if weights.contains(.failure) {
      (sign, name) = ("✗", "bad")
    } else if weights.contains(.trouble) {
      (sign, name) = ("?", "doubt")
    } else if weights.contains(.warning) {
      (sign, name) = ("!", "doubt")
    } else {
      (sign, name) = run.allSatisfy { $0.state == .pass } ? ("✓", "good") : ("~", "doubt")
    }
    let passed = run.count { $0.state == .pass }
    guard passed < run.count else { return "<td class=\"\(name)\">\(sign) \(passed)</td>" }
    let target = run.first { $0.state != .pass }?.path ?? ""
    return "<td class=\"\(name)\"><a href=\"#\(target)\">\(sign) \(passed)/\(run.count)</a></td>"
  }

  // MARK: The cases

  private var problems: HTMLText {
    let shown = summary.results.filter { result in
      result.weight(isStrict: summary.isStrict) != .good || (result.excuse != nil && result.state != .pass)
    }
    guard !shown.isEmpty else { return "<p>Everything that ran passed.</p>\n" }
    let excused = shown.filter { $0.weight(isStrict: summary.isStrict) == .good }
    let red = shown.filter { $0.weight(isStrict: summary.isStrict) != .good }
    return HTMLText.joined((red + excused).map(problem))
  }

  private var undeclared: HTMLText {
    let groups = Dictionary(grouping: summary.results.filter { !$0.state.isPlayed }) {
      $0.problem?.expected ?? "not declared"
    }
    guard !groups.isEmpty else { return "" }
    let items = groups.keys.sorted().map { reason -> HTMLText in
      let results = groups[reason] ?? []
      let paths = HTMLText.joined(results.map { "<li>\($0.path)</li>\n" })
      return "<details><summary>\(reason): \(results.count)</summary>\n<ul>\n\(paths)</ul>\n</details>\n"
    }
    return "<section id=\"undeclared\">\n<h2>What did not run</h2>\n\(HTMLText.joined(items))</section>\n"
  }

  static func seconds(_ duration: Duration) -> String {
    let tenths = duration.milliseconds / 100
    return "\(tenths / 10).\(tenths % 10)"
  }
}
