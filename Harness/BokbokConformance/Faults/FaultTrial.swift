/// One fault with the testee in one role: what is played against it, and how it went.
struct FaultTrial: Sendable {
  enum Outcome: String, Sendable, CaseIterable {
    /// A case of the clause fails in one of its steps, or its connections break the clause together.
    case killed
    /// Cases fail, but only in what follows their steps: the orderly close, the proof of survival.
    case survivalOnly = "survival-only"
    /// Every case passes.
    case survived
    /// The testee does not start, or stumbles over the edit itself: the fault is badly written.
    case broken
    /// The kit could not tell.
    case trouble

    /// 0 if every fault is killed in each of its roles; 1 if one is not; 2 if one is badly written; 3 if the kit could
    /// not tell of one.
    static func exitStatus(of outcomes: [Outcome]) -> Int32 {
      if outcomes.contains(.broken) { return 2 }
      if outcomes.contains(.survived) || outcomes.contains(.survivalOnly) { return 1 }
      return outcomes.contains(.trouble) ? 3 : 0
    }
  }

  let fault: Fault
  let role: Configuration.Role
  /// What is played, each by a process of its own.
  let groups: [CaseGroup]
  var outcome = Outcome.survived
  /// The case that decided, and every one that killed if all were run, by its path.
  var killer: CaseResult?
  var killers: [String] = []
  var duration = Duration.zero

  var caseCount: Int { groups.map(\.cases.count).reduce(0, +) / fault.processCount }

  /// Whether what killed it was found by comparing connections, and not in a step.
  var isKilledByAudit: Bool { outcome == .killed && killer?.problem?.moment == .auditing }

  init(_ fault: Fault, role: Configuration.Role, cases: [Case]) {
    self.fault = fault
    self.role = role
    let requirement = SpecificationIndex.requirement(of: fault.clause)
    let own = cases.filter { $0.level == .must && $0.clauses.contains(fault.clause) }
    // Those that are about the requirement come first: they most likely kill.
    let ordered = own.filter { $0.requirement == requirement } + own.filter { $0.requirement != requirement }
    let order = Self.configurations(of: role, fault.security)
    let groups = order.compactMap { configuration -> CaseGroup? in
      let cases = ordered.filter { item in order.first(where: item.applies) == configuration }
      return cases.isEmpty ? nil : CaseGroup(configuration: configuration, cases: cases)
    }
    self.groups = (0..<fault.processCount).flatMap { _ in groups }
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
  ///
  /// - Parameter stop: what asks the run to end: then the trial may be given up. Nil where nothing does.
  /// - Returns: whether the trial came to its end, so that its outcome counts.
  mutating func run(
    _ implementation: Implementation,
    directory: String,
    timeLimit: Duration,
    stretch: Double,
    findsAll: Bool,
    stop: RunStop?
  ) -> Bool {
    let start = ContinuousClock.now
    // Its own: another fault's connections, or the same one's in another role, prove nothing here.
    let audit = SealedAudit()
    var isDecided = false
    for group in groups {
      let runner = GroupRunner(
        group,
        implementation: implementation,
        timeLimit: timeLimit,
        stretch: stretch,
        contract: nil,
        directory: directory,
        audit: audit,
        stop: stop
      )
      isDecided = false
      runner.runWhile { result in
        note(result)
        isDecided = outcome == .broken || (outcome == .killed && !findsAll)
        return !isDecided
      }
      if isDecided { break }
    }
    duration = .now - start
    return isDecided || stop?.isRequested != true
  }

  private mutating func note(_ result: CaseResult) {
    let found: Outcome
    switch result.state {
    case .pass, .notDeclared, .notApplicable: return
    case .fail, .crashed, .unsupported: found = judge(result)
    case .inconclusive, .error: found = .trouble
    }
    if found == .killed {
      let isByAudit = result.problem?.moment == .auditing
      killers.append(result.path + (isByAudit ? ", by the audit" : ""))
    }
    // The strongest finding stands, and of equal ones the first.
    let ranks: [Outcome] = [.survived, .trouble, .survivalOnly, .killed, .broken]
    guard let old = ranks.firstIndex(of: outcome), let new = ranks.firstIndex(of: found), new > old else { return }
    outcome = found
    killer = result
  }

  /// What Python says when an edit is wrong in itself. Its own errors would be caught by any case, and prove nothing.
  private static let stumbles = ["NameError", "AttributeError", "SyntaxError", "UnboundLocalError", "FaultError"]

  private func judge(_ result: CaseResult) -> Outcome {
    guard let problem = result.problem, problem.moment != .starting else { return .broken }
    if Self.stumbles.contains(where: problem.errorText.contains) { return .broken }
    switch problem.moment {
    case .starting: return .broken
    case .playing: return .killed
    case .afterwards: return .survivalOnly
    // The audit names the clause itself, whatever case was played.
    case .auditing: return problem.clause == fault.clause ? .killed : .survivalOnly
    }
  }
}
