/// One fault with the testee in one role: what is played against it, and how it went.
struct FaultTrial: Sendable {
  enum Outcome: String, Sendable {
    /// A case of the clause fails in one of its steps.
    case killed
    /// Cases fail, but only in what follows their steps: the orderly close, the proof of survival.
    case survivalOnly = "survival-only"
    /// Every case passes.
    case survived
    /// The testee does not start, or stumbles over the edit itself: the fault is badly written.
    case broken
    /// The kit could not tell.
    case trouble
  }

  let fault: Fault
  let role: Configuration.Role
  let groups: [CaseGroup]
  var outcome = Outcome.survived
  /// The case that decided, and every one that failed in a step if all were run.
  var killer: CaseResult?
  var killers: [String] = []
  var duration = Duration.zero

  var caseCount: Int { groups.map(\.cases.count).reduce(0, +) }

  init(_ fault: Fault, role: Configuration.Role, cases: [Case]) {
    self.fault = fault
    self.role = role
    let requirement = SpecificationIndex.requirement(of: fault.clause)
    let own = cases.filter { $0.level == .must && $0.clauses.contains(fault.clause) }
    // Those that are about the requirement come first: they most likely kill.
    let ordered = own.filter { $0.requirement == requirement } + own.filter { $0.requirement != requirement }
    let order = Self.configurations(of: role, fault.security)
    self.groups = order.compactMap { configuration in
      let cases = ordered.filter { item in order.first(where: item.applies) == configuration }
      return cases.isEmpty ? nil : CaseGroup(configuration: configuration, cases: cases)
    }
  }

  /// The configurations of a role, those that tell the most for the least first: each case is played in the first one
  /// that it applies to.
  private static func configurations(
    of role: Configuration.Role,
    _ security: Configuration.Security?
  ) -> [Configuration] {
    let transports: [Configuration.Transport] = [.unix, .tcp, .stdio]
    let kinds = security.map { [$0] } ?? Configuration.Security.allCases
    return transports.flatMap { transport in
      kinds.map { Configuration(security: $0, transport: transport, role: role) }
    }
  }

  /// Plays the cases. Blocks the calling thread.
  mutating func run(_ implementation: Implementation, directory: String, timeLimit: Duration, findsAll: Bool) {
    let start = ContinuousClock.now
    for group in groups {
      let runner = GroupRunner(
        group,
        implementation: implementation,
        timeLimit: timeLimit,
        contract: nil,
        directory: directory
      )
      var isDecided = false
      runner.runWhile { result in
        note(result)
        isDecided = outcome == .broken || (outcome == .killed && !findsAll)
        return !isDecided
      }
      if isDecided { break }
    }
    duration = .now - start
  }

  private mutating func note(_ result: CaseResult) {
    let found: Outcome
    switch result.state {
    case .pass, .notDeclared, .notApplicable: return
    case .fail, .crashed, .unsupported: found = Self.judge(result)
    case .inconclusive, .error: found = .trouble
    }
    if found == .killed { killers.append(result.path) }
    // The strongest finding stands, and of equal ones the first.
    let ranks: [Outcome] = [.survived, .trouble, .survivalOnly, .killed, .broken]
    guard let old = ranks.firstIndex(of: outcome), let new = ranks.firstIndex(of: found), new > old else { return }
    outcome = found
    killer = result
  }

  /// What Python says when an edit is wrong in itself. Its own errors would be caught by any case, and prove nothing.
  private static let stumbles = ["NameError", "AttributeError", "SyntaxError", "UnboundLocalError", "FaultError"]

  private static func judge(_ result: CaseResult) -> Outcome {
    guard let problem = result.problem, problem.moment != .starting else { return .broken }
    if stumbles.contains(where: problem.errorText.contains) { return .broken }
    return problem.moment == .afterwards ? .survivalOnly : .killed
  }
}
