internal import Foundation

/// Cases of one configuration that share a testee process, one after the other.
struct CaseGroup: Sendable {
  let configuration: Configuration
  let cases: [Case]
}

/// Runs the cases of a group on the calling thread. A testee that fails a case, dies or hangs is replaced by a new process,
/// and the rest goes on.
final class GroupRunner {
  private let group: CaseGroup
  private let implementation: Implementation
  private let timeLimit: Duration
  private let pace: Pace
  private let stretch: Double
  private let patience: Patience?
  private let contract: TesteeContract?
  private let capsules: CapsuleFolder?
  /// What looks at all sealed connections of the run; nil where groups are no part of one.
  private let audit: SealedAudit?
  /// What the kit's secrets are made of; nil for a new one in each play.
  private let entropy: KitEntropy?
  /// What plays the testee in the place of a process; nil in a live run.
  private let playback: CapsulePlayback?
  /// What asks the run to end; nil where nothing does.
  private let stop: RunStop?
  private let poller: Poller
  private let meeting: MeetingPoint
  private var testee: TesteeProcess?
  /// Whether the process has played a case: then its heap may have room for what the next one leaves in it.
  private var hasTesteePlayed = false
  /// Whether new processes are warmed up: until one has failed in that.
  private var warmsUp = true

  /// How long a testee may take to start and to answer its first command: interpreters are slow on a busy machine.
  static let startLimit: Duration = .seconds(30)
  /// How long the kit may be held up where it has to look in time.
  static let delayLimit: Duration = .milliseconds(300)
  /// The same in multiples of the time that the first process of the run took.
  private static let startLimitFactor = 20.0
  /// How long it may take to end when it is told to.
  static let endLimit: Duration = .seconds(5)

  /// - Parameters:
  ///   - timeLimit: how long to wait for what should come at once, on an idle machine.
  ///   - pace: what stretches that, and all times of the cases, with the load of the machine.
  ///   - stretch: a further factor of all times, for another attempt at a case.
  ///   - patience: what says when no more cases are to be played; nil: all are.
  ///   - writesByteByByte: whether the kit writes each byte by itself.
  ///   - stop: what asks the run to end: then the case that plays is given up without a result, and no other begins.
  init(
    _ group: CaseGroup,
    implementation: Implementation,
    timeLimit: Duration,
    pace: Pace = Pace(),
    stretch: Double = 1,
    patience: Patience? = nil,
    contract: TesteeContract?,
    directory: String,
    capsules: CapsuleFolder? = nil,
    audit: SealedAudit? = nil,
    entropy: KitEntropy? = nil,
    playback: CapsulePlayback? = nil,
    writesByteByByte: Bool = false,
    stop: RunStop? = nil
  ) {
    self.group = group
    self.implementation = implementation
    self.timeLimit = timeLimit
    self.pace = pace
    self.stretch = stretch
    self.patience = patience
    self.contract = contract
    self.capsules = capsules
    self.audit = audit
    self.entropy = entropy
    self.playback = playback
    self.stop = stop
    self.poller = Poller(stop: stop)
    let transport = playback?.transport ?? group.configuration.transport
    self.meeting = MeetingPoint(
      transport: transport,
      poller: poller,
      directory: directory,
      writesByteByByte: writesByteByByte
    )
    playback?.attach(poller)
  }

  /// Runs the cases one after the other, for as long as `goesOn` says so of each result.
  func runWhile(_ goesOn: (CaseResult) -> Bool) {
    for item in group.cases {
      guard !isStopped, let result = run(item), goesOn(result) else { break }
    }
    endTestee()
    meeting.close()
  }

  /// Runs all cases and gives each result as it comes.
  func run(_ report: (CaseResult) -> Void) {
    runWhile { result in
      report(result)
      return true
    }
  }

  /// Whether the run is to end.
  private var isStopped: Bool { stop?.isRequested == true }

  /// Nil where the run was stopped before the case was judged.
  private func run(_ item: Case) -> CaseResult? {
    if patience?.isOver(for: group.configuration) == true {
      var result = CaseResult(item: item, configuration: group.configuration, state: .inconclusive, duration: .zero)
      result.wasPlayed = false
      result.problem = CaseResult.Problem(
        expected: "the testee goes on",
        got: "not played: \(Patience.timeOutCountMax) cases of this configuration in a row ran out of time"
      )
      return result
    }
    guard let result = play(item) else { return nil }
    patience?.note(result)
    return result
  }

  private func play(_ item: Case) -> CaseResult? {
    let start = poller.now
    let timing = Capsule.Timing(timeLimit: timeLimit, stretch: factor)
    var result = CaseResult(item: item, configuration: group.configuration, state: .pass, duration: .zero)
    capsules?.remove(result.path)
    meeting.beginCase(earlierPublicKeys: playback?.earlierPublicKeys ?? [])
    do {
      if item.boundsMemory, playback == nil {
        if hasTesteePlayed { endTestee() }
        if let reason = try reasonAgainstMemory() {
          result.state = .notApplicable
          result.problem = CaseResult.Problem(expected: reason, got: "not applicable")
          result.duration = poller.now - start
          return result
        }
      }
      let source = try testeeSource()
      hasTesteePlayed = true
      var player = makePlayer(item, source, factor: timing.stretch)
      do {
        do {
          try player.play()
        } catch is DescriptorGrowth {
          // Only what grows each time leaks.
          player = makePlayer(item, source, factor: timing.stretch)
          try player.play()
        } catch  where player.isFinishing && !(error is TesteeProcess.Failure) {
          // What shows in closing may have a reason that the audit can name.
          try examine(player.connections, of: result.path)
          throw error
        }
        try examine(player.connections, of: result.path)
      } catch {
        let testee = try judgedTestee(player)
        var (state, problem) = judge(error, testee)
        let finding = error as? SealedAudit.Finding
        // What is played back has its own time, whatever the machine does.
        if state == .fail, finding == nil, playback == nil, poller.longestDelay > Self.delayLimit {
          state = .inconclusive
          problem.got += "; the machine held the kit up for \(poller.longestDelay.milliseconds) ms"
        }
        problem.moment = finding != nil ? .auditing : player.isFinishing ? .afterwards : .playing
        problem.step = player.currentStep?.place
        problem.stepSource = player.currentStep?.source.encodedText
        problem.trace = CaseTrace(connections: player.connections, testees: player.testees, start: start)
        problem.errorText = player.testees.map { String(decoding: $0.errorText, as: UTF8.self) }.joined()
        problem.dependsOnTime = finding == nil && (problem.dependsOnTime || item.dependsOnTime)
        // What fails while the run is given up may fail because of that.
        guard !isStopped else {
          player.abandon()
          endTestee()
          return nil
        }
        result.state = state
        result.problem = problem
        let compared = [finding?.earlier].compactMap { $0 }
        problem.capsulePath = capsules?.write(
          player,
          result,
          timing,
          start: start,
          split: meeting.writesByteByByte ? .bytes : .whole,
          comparedWith: compared
        )
        result.problem = problem
        player.abandon()
        endTestee(isGraceful: !problem.isTimeOut)
      }
    } catch {
      (result.state, result.problem) = judge(error, testee)
      result.problem?.errorText = testee.map { String(decoding: $0.errorText, as: UTF8.self) } ?? ""
      endTestee()
      guard !isStopped else { return nil }
    }
    result.duration = poller.now - start
    return result
  }

  /// Throws ``SealedAudit/Finding`` if the sealed connections of a case break a rule together with those of earlier cases.
  private func examine(_ connections: [KitConnection], of path: String) throws {
    guard let audit else { return }
    for evidence in connections.compactMap(SealedEvidence.init) { try audit.examine(evidence, of: path) }
  }

  /// The process that a failure is about: one that has failed before all others.
  private func judgedTestee(_ player: CasePlayer) throws -> (any CaseTestee)? {
    if player.failedTestee == nil { try poller.serve(until: poller.now + .milliseconds(20)) }
    return player.failedTestee ?? player.testees.last
  }

  /// How long a process may take to its first answer: many times what it took at the start of the run.
  private var startLimit: Duration {
    let measured = pace.startDuration.map { max($0 * Self.startLimitFactor, timeLimit) } ?? Self.startLimit
    return min(measured, Self.startLimit) * factor
  }

  /// By how much all times are stretched at present.
  private var factor: Double { pace.factor * stretch }

  private func makePlayer(_ item: Case, _ testee: TesteeSource, factor: Double) -> CasePlayer {
    return CasePlayer(
      item.stretched(by: factor),
      configuration: group.configuration,
      testee: testee,
      clock: poller,
      meeting: meeting,
      timeLimit: timeLimit * factor,
      entropy: entropy ?? KitEntropy()
    )
  }

  // MARK: The testee

  private func testeeSource() throws -> TesteeSource {
    if let playback { return try playback.source(contract: contract) }
    guard group.configuration.isProcessForEachConnection else { return .running(try runningTestee()) }
    return .forEachConnection { [self] options, trace in try startedForOneConnection(options, trace) }
  }

  /// A process whose standard input and output are one connection of a server.
  private func startedForOneConnection(
    _ options: TesteeOptions,
    _ trace: StreamTrace
  ) throws -> (testee: any CaseTestee, stream: any CaseStream) {
    var words = ["--stdio"]
    if group.configuration.security == .sealed {
      words += ["--users-file", try meeting.writeUsers(options.users ?? CasePlayer.usualUsers)]
    }
    if let settings = options.settings { words += ["--settings", settings.encodedText] }
    if let limits = options.limits { words += ["--limits", limits.encodedText] }
    let testee = try TesteeProcess(
      command: implementation.command(with: words),
      directory: implementation.directory,
      hasControl: true,
      streams: options.standardStreams,
      poller: poller,
      contract: contract
    )
    do {
      // The time in which an interpreter starts is no part of the case.
      _ = try Preflight.hello(testee, poller: poller, limit: startLimit)
      try measure(testee)
    } catch {
      testee.release()
      for descriptor in Set([testee.child.standardInput, testee.child.standardOutput]) { close(descriptor) }
      throw error
    }
    let child = testee.child
    let stream = try ByteStream(
      input: child.standardOutput,
      output: child.standardInput,
      poller: poller,
      trace: trace,
      writesByteByByte: meeting.writesByteByByte
    )
    return (testee, stream)
  }

  /// Why the memory of the testee's process cannot be judged; nil if it can.
  private func reasonAgainstMemory() throws -> String? {
    if meeting.writesByteByByte { return "memory is judged over many repetitions, too many to write byte by byte" }
    guard try runningTestee().memoryByteCount() == nil else { return nil }
    return "the system does not tell how much memory the testee has"
  }

  private func runningTestee() throws -> TesteeProcess {
    if let testee, testee.failure == nil {
      try measure(testee)
      return testee
    }
    let testee = try startTestee()
    guard warmsUp, !warmUp(testee) else { return testee }
    // What it still says about that connection is not to be taken for part of the case: another process plays that.
    warmsUp = false
    return try startTestee()
  }

  private func startTestee() throws -> TesteeProcess {
    endTestee()
    let testee = try TesteeProcess(
      command: implementation.command,
      directory: implementation.directory,
      poller: poller,
      contract: contract
    )
    self.testee = testee
    hasTesteePlayed = false
    _ = try Preflight.hello(testee, poller: poller, limit: startLimit)
    return testee
  }

  /// Measures the pace from time to time, between two cases.
  private func measure(_ testee: TesteeProcess) throws {
    guard pace.takeTurn() else { return }
    let start = ContinuousClock.now
    _ = try Preflight.hello(testee, poller: poller, limit: startLimit)
    pace.note(.now - start)
  }

  /// One connection by the book, so that what a testee opens once and keeps does not look like a leak of the first case.
  /// Its outcome is no verdict: a testee that cannot do that yet may do what a case asks for.
  private func warmUp(_ testee: TesteeProcess) -> Bool {
    let player = makePlayer(.warmUp, .running(testee), factor: factor)
    do {
      // It is there to have them opened.
      try player.play(checksDescriptors: false)
      return true
    } catch {
      player.abandon()
      return false
    }
  }

  /// Ends the process. One that has just run out of time is not given more of it.
  private func endTestee(isGraceful: Bool = true) {
    guard let testee else { return }
    self.testee = nil
    guard testee.failure == nil, isGraceful, !isStopped else { return testee.release() }
    do { _ = try testee.end(within: Self.endLimit * factor) } catch { testee.release() }
  }

  // MARK: Judging

  private func judge(_ error: any Error, _ testee: (any CaseTestee)?) -> (CaseResult.State, CaseResult.Problem) {
    if let testee, !(error is TesteeProcess.Failure), !(error is SealedAudit.Finding) {
      // A process that died explains everything else: it is never taken for a rejection.
      try? poller.serve(until: poller.now + .milliseconds(20))
      if let failure = testee.failure { return judge(failure, testee) }
    }
    switch error {
    case let finding as SealedAudit.Finding:
      return (.fail, CaseResult.Problem(clause: finding.clause, expected: finding.expected, got: finding.got))
    case let failure as CaseFailure:
      let problem = CaseResult.Problem(
        clause: failure.clause,
        dependsOnTime: failure.dependsOnTime,
        expected: failure.expected,
        got: failure.got
      )
      return (.fail, problem)
    case let failure as TesteeProcess.Failure:
      let problem = CaseResult.Problem(expected: "the testee goes on", got: "\(failure)")
      if case .died = failure { return (.crashed, problem) }
      if case .kitBreach = failure { return (.error, problem) }
      return (.fail, problem)
    case let growth as DescriptorGrowth:
      let expected = "\(growth.countBefore) descriptors of the testee are open, as before the case"
      let got = "new ones, also when the case was played again: \(growth.additions.joined(separator: ", "))"
      return (.fail, CaseResult.Problem(dependsOnTime: true, expected: expected, got: got))
    case let timeOut as TimedOut:
      var (state, problem) = judge(timeOut, testee)
      problem.isTimeOut = state == .inconclusive || state == .fail
      return (state, problem)
    case let refusal as UnsupportedByTestee:
      let expected = "the command \(refusal.command), which what hello declared includes"
      return (.unsupported, CaseResult.Problem(expected: expected, got: "unsupported: \(refusal.message)"))
    default:
      return (.error, CaseResult.Problem(expected: "the kit can play the case", got: "\(error)"))
    }
  }

  /// A testee that answers its commands had the time to do what was waited for: then the missing of it is a fault, once
  /// the case has been played again alone. One that answers nothing may be held up by the machine.
  private func judge(_ timeOut: TimedOut, _ testee: (any CaseTestee)?) -> (CaseResult.State, CaseResult.Problem) {
    let expected = timeOut.waitedFor
    // What was recorded on another level had no machine to be slow.
    guard group.configuration.level == .live else { return LevelRunner.judge(timeOut) }
    let waited = "nothing within \(timeOut.limit.milliseconds) ms"
    guard let testee else {
      return (.inconclusive, CaseResult.Problem(dependsOnTime: true, expected: expected, got: waited))
    }
    let sequence = testee.send("hello", JSON.Object())
    let reply = try? poller.wait(until: poller.now + max(timeOut.limit, timeLimit * factor)) {
      testee.takeReply(to: sequence) ?? (testee.failure == nil ? nil : .null)
    }
    switch reply {
    case nil:
      let got = waited + "; the testee does not answer its commands either"
      return (.inconclusive, CaseResult.Problem(dependsOnTime: true, expected: expected, got: got))
    case .null?:
      return judge(testee.failure ?? .died("ended"), testee)
    case .some:
      let got = waited + ", while the testee answers its commands"
      return (.fail, CaseResult.Problem(dependsOnTime: true, expected: expected, got: got))
    }
  }
}

extension Case {
  /// Opens, asks one thing, and closes.
  static let warmUp = Case(
    id: "warm-up",
    subject: "",
    title: "",
    clauses: [],
    level: .must,
    roles: Configuration.Role.allCases,
    security: Configuration.Security.allCases,
    transports: Configuration.Transport.allCases,
    needs: [],
    why: "",
    start: .open,
    opening: OpeningStep(),
    receiveBufferByteCount: nil,
    testee: TesteeOptions(),
    closesAtEnd: true,
    steps: [
      Step(
        place: "1",
        connection: "a",
        only: [],
        timeLimit: nil,
        notBefore: nil,
        pieces: nil,
        action: .roundTrip(nil, id: nil),
        source: [:]
      )
    ]
  )
}
