/// What a run was about and how it ended: what every report states.
struct RunSummary {
  let implementation: String
  /// What the testee declared; nil where the run ended before it did.
  let declaration: Declaration?
  let suiteDigest: String
  /// The version of the suite; nil where the cases have no ledger.
  let suiteVersion: SuiteVersion?
  /// Cases and configurations of the whole suite, also those that were not selected.
  let suiteCaseCount: Int
  let results: [CaseResult]
  /// Patterns of expected failures that match no case.
  let uselessExcuses: [String]
  /// Transports that the testee declares and this kit does not play.
  let unplayedTransports: [String]
  /// How many of the planned runs have no result, since the run did not come to its end.
  let unmadeCount: Int
  let isStrict: Bool
  let duration: Duration
  /// How fast the testee answered, and by how much times were stretched for it.
  var pace = Pace.Measured()

  var ending = RunEnding.complete

  /// Why the run is not complete, for people; nil if it is.
  var incompleteness: String? { ending.incompleteness(unmadeCount: unmadeCount) }

  /// What passed only when it was run again, alone and with longer time limits.
  var passedAtSecondAttempt: [CaseResult] { results.filter { $0.state == .pass && $0.firstAttempt != nil } }

  /// On which level the cases were played, and how the kit's bytes were cut.
  var level = Configuration.Level.live
  var splitting = Splitting.whole

  /// Both for people, where they are not the usual ones.
  var levelText: String {
    (level == .live ? "" : ", level \(level.rawValue)") + (splitting == .whole ? "" : ", split \(splitting.rawValue)")
  }

  /// Why cases make no sense on the level, and how many, the most first.
  var reasonsNotApplicable: [(reason: String, count: Int)] {
    let reasons = results.filter { $0.state == .notApplicable }.map { $0.problem?.expected ?? "" }
    return Dictionary(grouping: reasons) { $0 }.map { ($0.key, $0.value.count) }
      .sorted { ($1.count, $0.reason) < ($0.count, $1.reason) }
  }

  /// The version of the suite, for people.
  var suiteVersionText: String { suiteVersion.map { "version \($0)" } ?? "without versions" }

  func count(_ state: CaseResult.State) -> Int { results.count { $0.state == state } }

  func results(weighing weight: CaseResult.Weight) -> [CaseResult] {
    results.filter { $0.weight(isStrict: isStrict) == weight }
  }

  /// 0 all passed; 1 a failure; 3 the kit's own trouble or inconclusive; another one where the run is not complete.
  var exitStatus: Int32 {
    switch ending {
    case .complete: break
    case .interrupted(let signal): return 128 + signal
    case .stopped(_, let exitStatus): return exitStatus
    }
    if !results(weighing: .failure).isEmpty || !uselessExcuses.isEmpty { return 1 }
    return results(weighing: .trouble).isEmpty ? 0 : 3
  }
}
