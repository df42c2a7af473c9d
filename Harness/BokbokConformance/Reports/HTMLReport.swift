internal import BokbokCore

/// The report as one page that needs nothing else: no network, no script. The summary, a matrix of requirements and
/// configurations, and what did not pass, each with its clause and its trace.
struct HTMLReport {
  let summary: RunSummary
  let specification: SpecificationIndex
  /// What is told beside the run.
  let supplement: PageSupplement

  func text() -> String {
    HTMLPage(
      title: "Conformance of \(summary.implementation)",
      introduction: "<p>\(verdict.html)</p>\n",
      sections: [
        HTMLSection(id: "summary", title: "Summary", content: "\(facts)\(notes)"),
        HTMLSection(id: "matrix", title: "Requirements and configurations", content: matrix),
        HTMLSection(id: "problems", title: "What did not pass", content: problems),
      ] + undeclared + supplementSections
    ).text
  }

  private var supplementSections: [HTMLSection] {
    var results: [String: [CaseResult]] = [:]
    for result in summary.results {
      for clause in Set(result.item.clauses) { results[clause, default: []].append(result) }
    }
    return supplement.sections(suiteDigest: summary.suiteDigest, specification: specification) { clause in
      cell(results[clause] ?? [])
    }
  }

  // MARK: The summary

  private var verdict: HTMLVerdict {
    let failures = summary.results(weighing: .failure).count
    if let text = summary.incompleteness {
      return .incomplete(text, failures: failures == 0 ? nil : "of what was judged, \(failures) failed")
    }
    switch summary.exitStatus {
    case 0 where summary.results.allSatisfy({ !$0.state.isPlayed }):
      return HTMLVerdict(kind: .none, text: "– Nothing ran")
    case 0: return HTMLVerdict(kind: .good, text: "✓ Passed")
    case 1 where failures > 0: return HTMLVerdict(kind: .bad, text: "✗ Failed: \(failures)")
    case 1: return HTMLVerdict(kind: .bad, text: "✗ Failed: an expected failure matches no case")
    default: return HTMLVerdict(kind: .doubt, text: "? Without a clear outcome")
    }
  }

  private var facts: HTMLText {
    let declaration = summary.declaration
    let declared = declaration.map { $0.roles + $0.transports + $0.security } ?? []
    let features = declaration?.features ?? []
    let counts = CaseResult.State.allCases.map { (state: $0, count: summary.count($0)) }.filter { $0.count > 0 }
    let unrun = summary.results.count { !$0.state.isPlayed }
    return .facts([
      ("Testee", declaration.map { "\($0.name) \($0.version)" } ?? "has not said what it is"),
      ("Declared", declared.isEmpty ? "nothing" : declared.joined(separator: ", ")),
      ("Features", features.isEmpty ? "none" : features.joined(separator: ", ")),
      ("Ran", "\(summary.results.count - unrun) in \(Self.seconds(summary.duration)) s"),
      ("Did not run", unrun == 0 ? "0" : "\(unrun), for the reasons at “What did not run”"),
      ("Outcome", counts.map { "\($0.count) \($0.state.rawValue)" }.joined(separator: ", ")),
      ("Suite", "\(summary.suiteVersionText): \(summary.suiteCaseCount) cases, digest \(summary.suiteDigest)"),
    ])
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
      "\(configuration.security.rawValue)<br>\(configuration.transport.rawValue)<br>\(configuration.role.rawValue)"
    }
    let rows = requirements.map { requirement -> HTMLText in
      let results = groups[requirement] ?? []
      let cells = configurations.map { configuration in
        cell(results.filter { $0.configuration == configuration })
      }
      return "<tr><th scope=\"row\">\(requirement)</th>\(HTMLText.joined(cells))</tr>\n"
    }
    return """
      <p>✓ all passed; ✗ some failed; ! some are warnings; ~ some failed as the manifest expects; ? some without a clear \
      outcome; – not declared. “3/5” is three of five passed.</p>
      \(HTMLText.table(
        label: "Requirements and configurations", heads: ["Requirement"] + heads, rows: rows, class: "matrix"))
      """
  }

  private func cell(_ results: [CaseResult]) -> HTMLText {
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
    guard !shown.isEmpty else {
      let hasRun = summary.results.contains(where: \.state.isPlayed)
      return hasRun ? "<p>Everything that ran passed.</p>\n" : "<p>Nothing ran.</p>\n"
    }
    let excused = shown.filter { $0.weight(isStrict: summary.isStrict) == .good }
    let red = shown.filter { $0.weight(isStrict: summary.isStrict) != .good }
    return HTMLText.joined((red + excused).map(problem))
  }

  private var undeclared: [HTMLSection] {
    let groups = Dictionary(grouping: summary.results.filter { !$0.state.isPlayed }) {
      $0.problem?.expected ?? "not declared"
    }
    guard !groups.isEmpty else { return [] }
    let items = groups.keys.sorted().map { reason -> HTMLText in
      let results = groups[reason] ?? []
      let paths = HTMLText.joined(results.map { "<li>\($0.path)</li>\n" })
      return "<details><summary>\(reason): \(results.count)</summary>\n<ul>\n\(paths)</ul>\n</details>\n"
    }
    return [HTMLSection(id: "undeclared", title: "What did not run", content: HTMLText.joined(items))]
  }

  static func seconds(_ duration: Duration) -> String {
    let tenths = duration.milliseconds / 100
    return "\(tenths / 10).\(tenths % 10)"
  }
}
