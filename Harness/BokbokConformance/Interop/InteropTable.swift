/// The matrix for people: for each way a table with a row for each client and a column for each server, and every failure
/// with what both sides said.
enum InteropTable {
  /// - Parameter columnCount: how many columns a line of a table may have; a table is folded into as many as that takes.
  static func lines(
    _ summary: InteropSummary,
    columnCount: Int = TerminalWidth.usualColumnCount
  ) -> [String] {
    var lines: [String] = []
    for result in summary.results where result.state == .fail { lines += failure(result) }
    for way in ways(of: summary) { lines += tables(way, summary, columnCount) }
    for missing in summary.absent {
      lines.append("not run: \(missing.name): \(missing.reason)")
      lines += missing.setup.map { "  to make it ready: \($0)" }
    }
    let counts = InteropResult.State.allCases.map { "\(summary.count($0)) \($0.rawValue)" }.joined(separator: ", ")
    let milliseconds = summary.duration.milliseconds
    lines.append("")
    lines.append(
      "\(summary.implementations.count) implementations, \(summary.results.count) scenarios in "
        + "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s: \(counts)"
    )
    if let text = summary.incompleteness { lines.append("NOT COMPLETE: \(text)") }
    return lines
  }

  private static func ways(of summary: InteropSummary) -> [String] {
    var ways: [String] = []
    for result in summary.results where !ways.contains(result.configuration.way) {
      ways.append(result.configuration.way)
    }
    return ways
  }

  private static func tables(_ way: String, _ summary: InteropSummary, _ columnCount: Int) -> [String] {
    let names = summary.implementations.map(\.name)
    let width = max(16, (names.map(\.count).max() ?? 0) + 3)
    // Tables of the same size, rather than one that is full and one with what is left.
    let countMax = max(1, columnCount / width - 1)
    let tableCount = max(1, (names.count + countMax - 1) / countMax)
    let size = max(1, (names.count + tableCount - 1) / tableCount)
    return stride(from: 0, to: names.count, by: size).flatMap { start in
      table(way, summary, clients: names, servers: Array(names[start...].prefix(size)), width: width)
    }
  }

  private static func table(
    _ way: String,
    _ summary: InteropSummary,
    clients: [String],
    servers: [String],
    width: Int
  ) -> [String] {
    func line(_ texts: [String]) -> String {
      let padded = texts.dropLast().map { $0 + String(repeating: " ", count: max(1, width - $0.count)) }
      return padded.joined() + (texts.last ?? "")
    }
    let results = summary.results.filter { $0.configuration.way == way }
    return ["", line([way] + servers.map { "→ " + $0 })]
      + clients.map { client in
        let cells = servers.map { server in
          cell(results.filter { $0.configuration.client.name == client && $0.configuration.server.name == server })
        }
        return line([client] + cells)
      }
  }

  /// `14`, all passed; `12/14`, not all; `–`, none ran.
  private static func cell(_ results: [InteropResult]) -> String {
    let played = results.filter { $0.state != .notDeclared }
    let passed = played.count { $0.state == .pass }
    if played.isEmpty { return "–" }
    return passed == played.count ? "\(passed)" : "\(passed)/\(played.count)"
  }

  private static func failure(_ result: InteropResult) -> [String] {
    guard let problem = result.problem else { return [] }
    return [
      "", "FAIL  \(result.path)", "  \(result.scenario.title)", "  expected: \(problem.expected)",
      "  got: \(problem.got)",
    ] + problem.trace.map { "    \($0)" }
  }
}
