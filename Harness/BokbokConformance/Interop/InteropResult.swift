/// How one scenario ended between two implementations.
struct InteropResult: Sendable {
  enum State: String, Sendable, CaseIterable {
    case pass
    case fail
    /// One of the two did not declare what the scenario needs.
    case notDeclared = "not-declared"
  }

  struct Problem: Sendable {
    let expected: String
    let got: String
    /// What both testees were told and said.
    var trace: [String] = []
  }

  let configuration: InteropConfiguration
  let scenario: InteropScenario
  var state: State
  var problem: Problem?
  var duration: Duration = .zero

  /// `bokbok-python/bokbok-chicken/sealed/unix/kill-server`.
  var path: String { "\(configuration.path)/\(scenario.name)" }
}

/// All that a run of the matrix found.
struct InteropSummary: Sendable {
  let implementations: [InteropImplementation]
  let absent: [AbsentImplementation]
  /// In the order of ``InteropConfiguration/all(of:)`` and of the scenarios.
  let results: [InteropResult]
  let requiresAll: Bool
  let duration: Duration
  /// How many scenarios between the implementations that answered have no result, since the run did not come to its end.
  var unmadeCount = 0
  var ending = RunEnding.complete

  /// Why the run is not complete, for people; nil if it is.
  var incompleteness: String? { ending.incompleteness(unmadeCount: unmadeCount, of: .scenarios) }

  func count(_ state: InteropResult.State) -> Int {
    results.count { $0.state == state }
  }

  /// 0 if all that ran passed; 1 after a failure, or if an implementation that is required did not start; 3 if nothing
  /// ran, which proves nothing; 128 and the signal that ended the run.
  var exitStatus: Int32 {
    if case .interrupted(let signal) = ending { return 128 + signal }
    if count(.fail) > 0 || (requiresAll && !absent.isEmpty) { return 1 }
    return count(.pass) == 0 ? 3 : 0
  }
}
