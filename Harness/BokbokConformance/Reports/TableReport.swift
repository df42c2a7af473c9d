internal import BokbokCore

/// The report for people: a table of sections and configurations, then everything that did not pass, with why.
struct TableReport {
  let summary: RunSummary
  let specification: SpecificationIndex
  let showsTraces: Bool
  /// How many columns a line may have; the table is folded into as many tables as that takes.
  var columnCount = TerminalWidth.usualColumnCount

  private static let nameWidth = 14
  private static let cellWidth = 9

  /// What the sections of the specification are about, by their letters.
  static let sectionNames = [
    "O": "opening", "H": "handshake", "R": "records", "F": "frames", "S": "settings", "P": "ping", "X": "exchanges",
    "E": "errors", "C": "closing", "V": "values", "K": "keys", "A": "addresses",
  ]

  func lines() -> [String] {
    var lines: [String] = []
    var alike: [Manner: [CaseResult]] = [:]
    var manners: [Manner] = []
    for result in summary.results where result.state != .pass && result.state.isPlayed {
      let manner = Manner(result, isStrict: summary.isStrict)
      if alike[manner] == nil { manners.append(manner) }
      alike[manner, default: []].append(result)
    }
    for manner in manners {
      let results = alike[manner] ?? []
      if let first = results.first { lines += problemLines(first, also: results.dropFirst()) }
    }
    lines += table()
    lines += notes()
    return lines
  }

  // MARK: The table

  private func table() -> [String] {
    let configurations = Configuration.everywhere.filter { configuration in
      summary.results.contains { $0.configuration == configuration }
    }
    guard !configurations.isEmpty else { return [] }
    var sections: [String] = []
    for result in summary.results where !sections.contains(result.item.section) { sections.append(result.item.section) }
    let order = ["O", "H", "R", "F", "S", "P", "X", "E", "C", "V", "K", "A"]
    sections.sort { (order.firstIndex(of: $0) ?? 99, $0) < (order.firstIndex(of: $1) ?? 99, $1) }
    // Tables of the same size, rather than one that is full and one with what is left.
    let countMax = max(1, (columnCount - Self.nameWidth) / Self.cellWidth)
    let tableCount = (configurations.count + countMax - 1) / countMax
    let size = (configurations.count + tableCount - 1) / tableCount
    var lines = ["", summary.title, "suite \(summary.suiteVersionText)"]
    for start in stride(from: 0, to: configurations.count, by: size) {
      lines += [""] + part(Array(configurations[start...].prefix(size)), sections)
    }
    return lines
  }

  /// The table of some configurations.
  private func part(_ configurations: [Configuration], _ sections: [String]) -> [String] {
    let heads = configurations.map { $0.path.split(separator: "/").map(String.init) }
    var lines = (0..<3).map { row in
      pad("", Self.nameWidth) + heads.map { padLeft($0[row], Self.cellWidth) }.joined()
    }
    for section in sections {
      let cells = configurations.map { configuration in
        cell(summary.results.filter { $0.item.section == section && $0.configuration == configuration })
      }
      let name = Self.sectionNames[section] ?? ""
      lines.append(pad("\(section) \(name)", Self.nameWidth) + cells.map { padLeft($0, Self.cellWidth) }.joined())
    }
    return lines
  }

  /// `12` where all passed, `11/12` where not, `–` where nothing was run.
  private func cell(_ results: [CaseResult]) -> String {
    let run = results.filter(\.state.isPlayed)
    guard !run.isEmpty else { return results.isEmpty ? "" : "–" }
    let passed = run.count { $0.state == .pass }
    return passed == run.count ? "\(passed)" : "\(passed)/\(run.count)"
  }

  private func notes() -> [String] {
    var lines = [""]
    let counts = CaseResult.State.allCases.map { (state: $0, count: summary.count($0)) }.filter { $0.count > 0 }
    let text = counts.map { "\($0.count) \($0.state.rawValue)" }.joined(separator: ", ")
    let run = summary.results.count(where: \.state.isPlayed)
    lines.append("\(run) run in \(seconds(summary.duration)) s: \(text.isEmpty ? "nothing" : text)")
    if let text = summary.incompleteness { lines.append("NOT COMPLETE: \(text)") }
    for reason in summary.reasonsNotApplicable {
      lines.append("\(reason.count) not applicable here: \(reason.reason)")
    }
    let warnings = summary.results(weighing: .warning).count
    if warnings > 0 { lines.append("\(warnings) of level should did not pass: warnings") }
    let excused = summary.results.count { $0.excuse != nil && $0.state != .pass }
    if excused > 0 { lines.append("\(excused) failed as the manifest expects") }
    let unexpected = summary.results.filter { $0.excuse != nil && $0.state == .pass }
    for result in unexpected { lines.append("\(result.path) passes, though the manifest expects it to fail") }
    for pattern in summary.uselessExcuses { lines.append("the expected failure \"\(pattern)\" matches no case") }
    if !summary.unplayedTransports.isEmpty {
      let transports = summary.unplayedTransports.joined(separator: ", ")
      lines.append("declared, but not played by this kit: \(transports)")
    }
    for result in summary.passedAtSecondAttempt {
      lines.append("\(result.path) passed at the second attempt, alone; the first: \(result.firstAttempt?.got ?? "")")
    }
    if summary.pace.factorMax > 1 {
      let tenths = Int(summary.pace.factorMax * 10)
      lines.append("the testee answered slowly: time limits were stretched up to \(tenths / 10).\(tenths % 10) times")
    }
    lines.append(
      "suite \(summary.suiteVersionText): \(summary.suiteCaseCount) cases, digest \(summary.suiteDigest.prefix(16))"
    )
    return lines
  }

  // MARK: Problems

  /// How a case did not pass. Those that failed in the same manner, in other configurations, are told in one place.
  private struct Manner: Hashable {
    let id: String
    let state: CaseResult.State
    let weight: CaseResult.Weight
    let excuse: String?
    let texts: [String?]

    init(_ result: CaseResult, isStrict: Bool) {
      id = result.item.id
      state = result.state
      weight = result.weight(isStrict: isStrict)
      excuse = result.excuse
      // The manifest says why, whatever came.
      let problems = result.excuse == nil ? [result.problem, result.firstAttempt] : []
      texts = problems.flatMap { [$0?.clause, $0?.step, $0?.expected, $0?.got] }
    }
  }

  private func problemLines(_ result: CaseResult, also others: ArraySlice<CaseResult>) -> [String] {
    let weight = result.weight(isStrict: summary.isStrict)
    var word = result.state.rawValue.uppercased()
    if weight == .warning { word = "WARNING (\(result.state.rawValue))" }
    if result.excuse != nil { word = "expected failure (\(result.state.rawValue))" }
    var lines = ["", "\(word)  \(result.path)"]
    if !others.isEmpty {
      lines += wrap("also: " + others.map(\.configuration.path).joined(separator: ", "), indentation: "  ")
    }
    lines.append("  \(result.item.title)")
    if let excuse = result.excuse { return lines + ["  the manifest says why: \(excuse)"] }
    let clause = result.problem?.clause
    for id in [clause].compactMap({ $0 }) + result.item.clauses.filter({ $0 != clause }) {
      lines += wrap("\(id)  \(specification.text(of: id) ?? "")", indentation: "    ")
    }
    lines += wrap("why: \(result.item.why)", indentation: "  ")
    guard let problem = result.problem else { return lines }
    if let first = result.firstAttempt {
      lines += ["  this is the second attempt, alone; the first:"]
      lines += outcomeLines(first).map { "  " + $0 }
    }
    lines += outcomeLines(problem)
    if !problem.trace.isEmpty {
      let all = problem.trace.shownLines
      let shown = showsTraces ? all[...] : all.suffix(8)
      lines.append("  trace:")
      if shown.count < all.count { lines.append("    … \(all.count - shown.count) lines before") }
      lines += shown.map { "    " + $0 }
    }
    if let path = problem.capsulePath { lines.append("  capsule:  \(path)") }
    let errorLines = problem.errorText.split(separator: "\n").suffix(20)
    if !errorLines.isEmpty {
      lines.append("  the testee's standard error:")
      lines += errorLines.map { "    | \(String(displaying: $0, charactersMax: 300))" }
    }
    return lines
  }

  private func outcomeLines(_ problem: CaseResult.Problem) -> [String] {
    var lines: [String] = []
    if let step = problem.step {
      lines.append("  step \(step): \(problem.stepSource.map { String($0.prefix(300)) } ?? "")")
    } else {
      lines.append("  outside of the steps (the opening, or what follows the last step)")
    }
    lines += wrap("expected: \(problem.expected)", indentation: "  ")
    lines += wrap("got:      \(problem.got)", indentation: "  ")
    return lines
  }

  // MARK: Text

  private func wrap(_ text: String, indentation: String) -> [String] {
    let text = String(displaying: text, charactersMax: 2000)
    return TerminalWidth.fold(text, indentation: indentation, columnCount: min(118, columnCount))
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func padLeft(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private func seconds(_ duration: Duration) -> String {
    let tenths = duration.milliseconds / 100
    return "\(tenths / 10).\(tenths % 10)"
  }
}

extension RunSummary {
  fileprivate var title: String {
    let testee = declaration.map { "\($0.name) \($0.version)" } ?? "the testee has not said what it is"
    return "conformance of \(implementation): \(testee)" + levelText
  }
}
