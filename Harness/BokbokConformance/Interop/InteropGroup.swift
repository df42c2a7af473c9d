internal import Foundation

/// All that one client and one server do together: the scenarios of each way, one after the other, by the same two
/// processes, since starting an interpreter takes longer than most scenarios. After a failure both are replaced.
struct InteropGroup: Sendable {
  /// The scenarios over one way. The index is the way's place in the report.
  struct Part: Sendable {
    let index: Int
    let configuration: InteropConfiguration
    let scenarios: [InteropScenario]
  }

  /// At least one, all with the same client and the same server.
  let parts: [Part]

  /// Plays what both declare, on the calling thread, which nothing else may use meanwhile. What a request to stop keeps
  /// from being played to its end has no result.
  func run(directory: String, limit: Duration, stop: RunStop?) -> [(index: Int, results: [InteropResult])] {
    var isStopped: Bool { stop?.isRequested == true }
    var pair: InteropPair?
    defer { pair?.end(atOnce: isStopped) }
    return parts.map { part in
      var results: [InteropResult] = []
      for scenario in part.scenarios where !isStopped {
        if let lack = part.configuration.lack {
          results.append(Self.undeclared(part.configuration, scenario, lack))
          continue
        }
        var result = InteropResult(configuration: part.configuration, scenario: scenario, state: .pass)
        let start = ContinuousClock.now
        let current = pair ?? InteropPair(part.configuration, directory: directory, limit: limit, stop: stop)
        pair = current
        do {
          current.beginScenario()
          try current.move(to: part.configuration)
          try current.start()
          try scenario.play(current)
        } catch {
          result.state = .fail
          result.problem = Self.problem(error, trace: current.trace)
          current.end(atOnce: true)
          pair = nil
          // What fails while the run is given up may fail because of that.
          if isStopped { break }
        }
        result.duration = .now - start
        results.append(result)
      }
      return (part.index, results)
    }
  }

  private static func undeclared(
    _ configuration: InteropConfiguration,
    _ scenario: InteropScenario,
    _ lack: String
  ) -> InteropResult {
    InteropResult(
      configuration: configuration,
      scenario: scenario,
      state: .notDeclared,
      problem: InteropResult.Problem(expected: "what the scenario needs", got: lack)
    )
  }

  private static func problem(_ error: any Error, trace: [String]) -> InteropResult.Problem {
    switch error {
    case let failure as CaseFailure:
      InteropResult.Problem(expected: failure.expected, got: failure.got, trace: trace)
    case let timeOut as TimedOut:
      InteropResult.Problem(expected: timeOut.waitedFor, got: "nothing within \(timeOut.limit)", trace: trace)
    case let failure as TesteeProcess.Failure:
      InteropResult.Problem(expected: "both testees go on", got: "\(failure)", trace: trace)
    default:
      InteropResult.Problem(expected: "no trouble of the kit's own", got: "\(error)", trace: trace)
    }
  }
}
