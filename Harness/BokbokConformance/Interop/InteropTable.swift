/// The matrix for people: for each way a table with a row for each client and a column for each server, and every failure
/// with what both sides said.
enum InteropTable {
  static func lines(_ summary: InteropSummary) -> [String] {
    var lines: [String] = []
    for result in summary.results where result.state == .fail { lines += failure(result) }
    for way in ways(of: summary) { lines += table(way, summary) }
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
    return lines
  }

  private static func ways(of summary: InteropSummary) -> [String] {
    var ways: [String] = []
    for result in summary.results where !ways.contains(result.configuration.way) {
      ways.append(result.configuration.way)
    }
    return ways
  }

  private static func table(_ way: String, _ summary: InteropSummary) -> [String] {
    let names = summary.implementations.map(\.name)
    let width = max(16, (names.map(\.count).max() ?? 0) + 2)
    func padded(_ text: String) -> String { text + String(repeating: " ", count: max(1, width - text.count)) }
    var lines = ["", padded(way) + names.map { padded("→ " + $0) }.joined()]
    for client in names {
      let cells = names.map { server in
        padded(
          cell(
            summary.results.filter {
              $0.configuration.way == way && $0.configuration.client.name == client
                && $0.configuration.server.name == server
            }
          )
        )
      }
      lines.append(padded(client) + cells.joined())
    }
    return lines
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
