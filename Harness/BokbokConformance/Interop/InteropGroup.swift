internal import Foundation

/// The scenarios of one configuration, one after the other, by the same two processes. After a failure both are replaced.
struct InteropGroup: Sendable {
  let configuration: InteropConfiguration
  let scenarios: [InteropScenario]

  /// Plays them on the calling thread, which nothing else may use meanwhile.
  func run(directory: String, limit: Duration) -> [InteropResult] {
    var pair = InteropPair(configuration, directory: directory, limit: limit)
    defer { pair.end(atOnce: false) }
    return scenarios.map { scenario in
      var result = InteropResult(configuration: configuration, scenario: scenario, state: .pass)
      let start = ContinuousClock.now
      do {
        pair.beginScenario()
        try pair.start()
        try scenario.play(pair)
      } catch {
        result.state = .fail
        result.problem = Self.problem(error, trace: pair.trace)
        pair.end(atOnce: true)
        pair = InteropPair(configuration, directory: directory, limit: limit)
      }
      result.duration = .now - start
      return result
    }
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
