internal import BokbokCore
internal import Foundation

/// Plays a capsule again: against the recorded testee, whose part needs no implementation, or against a live one.
public struct CapsuleReplay: Sendable {
  /// The statuses of the command.
  private enum Status {
    static let same: Int32 = 0
    static let failure: Int32 = 1
    static let wrongUsage: Int32 = 2
    static let trouble: Int32 = 3
  }

  private let path: String
  private let testee: ConformanceOptions.Testee?
  private let stop: RunStop?

  /// - Parameters:
  ///   - path: the capsule's file.
  ///   - testee: an implementation that plays the case now, with the same secrets of the kit; nil to judge again what
  ///     was recorded.
  ///   - stop: what asks the play to end early. Default, nil: nothing does.
  public init(_ path: String, testee: ConformanceOptions.Testee? = nil, stop: RunStop? = nil) {
    self.path = path
    self.testee = testee
    self.stop = stop
  }

  /// Plays, and prints the verdicts and the trace.
  ///
  /// Cancelling the task has no effect: a play ends by itself, or by its ``RunStop``, and then leaves no process.
  ///
  /// - Returns: the exit status of the command. Against the recording: 0 if today's verdict is the recorded one, 1 if it
  ///   is another. Against an implementation: 0 if the case passes, 1 if it does not. 2 if the file is no capsule or an
  ///   option is wrong, 3 after trouble of the kit's own; 128 and the number of the signal for which the play was asked
  ///   to end.
  public func run() async -> Int32 {
    do {
      return try await runOrThrow()
    } catch {
      return RunSurroundings.exitStatus(complainingOf: error)
    }
  }

  private func runOrThrow() async throws -> Int32 {
    guard let file = FileManager.default.contents(atPath: path) else {
      throw DataError(file: path, message: "cannot be read")
    }
    let capsule = try Capsule(file, name: path)
    let item = try capsule.loadCase(file: path)
    let implementation = try testee.map { try Implementation($0) }
    let contract = capsule.header.checksContract ? try TesteeContract() : nil
    let directory = try RunSurroundings.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let play = CapsulePlay(capsule: capsule, item: item, contract: contract, directory: directory)
    print("\(capsule.path)\n  \(item.title)")
    print("  recorded of \(capsule.header.implementation): \(capsule.verdict.text)")
    for line in try capsule.suiteRemarks() + capsule.levelRemarks(isLive: implementation != nil) { print("  \(line)") }
    if let implementation {
      let result = await onOwnThread { play.live(implementation, stop: stop) }
      if let signal = stop?.signal {
        print("NOT COMPLETE: \(RunEnding.interrupted(signal: signal).incompleteness(unmadeCount: 1) ?? "")")
        return 128 + signal
      }
      return show(result, of: implementation.name, capsule)
    }
    return show(await onOwnThread { play.recorded() }, capsule)
  }

  // MARK: Output

  private func show(_ outcome: CapsulePlay.Outcome, _ capsule: Capsule) -> Int32 {
    showProblem(outcome.result)
    let verdict = Capsule.Verdict(outcome.result)
    if verdict == capsule.verdict {
      print("  judged again: the same verdict")
      return Status.same
    }
    print("  judged again: \(verdict.text)")
    for line in capsule.differences(to: verdict, outcome) { print("  \(line)") }
    return Status.failure
  }

  private func show(_ result: CaseResult, of name: String, _ capsule: Capsule) -> Int32 {
    showProblem(result)
    let verdict = Capsule.Verdict(result)
    print("  played against \(name): \(verdict.text)")
    if result.state == .pass {
      for line in capsule.limitsOfLivePlay { print("  \(line)") }
      return Status.same
    }
    if verdict == capsule.verdict { print("  which is the recorded verdict") }
    return [.error, .inconclusive, .notApplicable].contains(result.state) ? Status.trouble : Status.failure
  }

  private func showProblem(_ result: CaseResult) {
    guard let problem = result.problem else { return }
    if let step = problem.step { print("  step \(step): \((problem.stepSource ?? "").prefix(300))") }
    print("  trace:")
    for line in problem.trace.shownLines { print("    \(line)") }
    let errorLines = problem.errorText.split(separator: "\n").suffix(20)
    if !errorLines.isEmpty {
      print("  the testee's standard error:")
      for line in errorLines { print("    | \(String(displaying: line, charactersMax: 300))") }
    }
  }
}

/// Plays the one case of a capsule. Blocks the calling thread.
struct CapsulePlay: Sendable {
  let capsule: Capsule
  let item: Case
  let contract: TesteeContract?
  /// A folder for sockets, with a short path.
  let directory: String

  /// What came of playing a recording.
  struct Outcome: Sendable {
    let result: CaseResult
    /// Where the recording stood at the end.
    let standing: String
    /// Whether the kit has come to the end of the recording.
    let hasPlayedAll: Bool
  }

  private var timeLimit: Duration { .milliseconds(capsule.header.timeLimitMilliseconds) }
  private var group: CaseGroup { CaseGroup(configuration: capsule.header.configuration, cases: [item]) }

  /// Judges again what was recorded.
  func recorded() -> Outcome {
    let playback = CapsulePlayback(capsule, directory: directory)
    // Only the case is played, and no other command is looked up.
    let nobody = Implementation(name: capsule.header.implementation, command: [])
    let runner = GroupRunner(
      group,
      implementation: nobody,
      timeLimit: timeLimit,
      stretch: capsule.header.stretch,
      contract: contract,
      directory: directory,
      audit: SealedAudit(earlier: capsule.header.comparedWith),
      entropy: capsule.header.entropy,
      playback: playback
    )
    let result = play(runner)
    defer { playback.close() }
    return Outcome(result: result, standing: playback.standing, hasPlayedAll: playback.isAtEnd)
  }

  /// Plays the case with the recorded secrets of the kit against a process of the implementation.
  ///
  /// Whether its sealed connections repeat what the recorded ones did is looked at; its refusals need not be those of the
  /// implementation that was recorded. Where it is asked to stop before it has judged, its result is none.
  func live(_ implementation: Implementation, stop: RunStop? = nil) -> CaseResult {
    let configuration = capsule.header.configuration
    // What was recorded in memory is played over the stream that is most like it.
    let live = Configuration(
      security: configuration.security,
      transport: configuration.transport,
      role: configuration.role
    )
    let runner = GroupRunner(
      CaseGroup(configuration: live, cases: [item]),
      implementation: implementation,
      timeLimit: configuration.level == .live ? timeLimit : max(timeLimit, ConformanceOptions().timeLimit),
      stretch: capsule.header.stretch,
      contract: contract,
      directory: directory,
      audit: SealedAudit(earlier: capsule.header.comparedWith.filter { $0.kind != .refusal }),
      entropy: capsule.header.entropy,
      writesByteByByte: capsule.header.split == .bytes,
      stop: stop
    )
    return play(runner)
  }

  private func play(_ runner: GroupRunner) -> CaseResult {
    var played: CaseResult?
    runner.run { played = $0 }
    return played ?? CaseResult(item: item, configuration: group.configuration, state: .error, duration: .zero)
  }
}

extension Capsule {
  /// The case as today's kit reads it. Throws ``DataError`` if it does not.
  func loadCase(file: String) throws(DataError) -> Case {
    let loader = try CaseLoader(specification: try SpecificationIndex.embedded())
    let document: JSON = ["subject": .string(header.subject), "cases": .array([header.item])]
    guard let item = try loader.load(document.encodedBytes, file: "\(file), line 1").first else {
      throw DataError(file: file, place: "line 1", message: "the header holds no case")
    }
    guard item.applies(to: header.configuration) else {
      let message = "the case \(item.id) does not apply to \(header.configuration.path)"
      throw DataError(file: file, place: "line 1", message: message)
    }
    return item
  }

  /// What today's suite has in place of the case, where that is not the same.
  func suiteRemarks() throws(DataError) -> [String] {
    let suite = try CaseLoader(specification: try SpecificationIndex.embedded()).embeddedSuite()
    guard suite.digest != header.suite else { return [] }
    guard let today = suite.cases.first(where: { $0.id == header.item["id"]?.string }) else {
      return ["the suite of this command has no such case: the capsule's own is played"]
    }
    guard today.source != header.item else { return [] }
    return ["the suite of this command has the case in another form: the capsule's own is played"]
  }

  /// How it was recorded where that was not live or the kit's bytes were cut, for people.
  func levelRemarks(isLive: Bool) -> [String] {
    var lines: [String] = []
    let (level, split) = (header.configuration.level, header.split)
    if level != .live { lines.append("on the level \(level.rawValue): with this project's library, and no streams") }
    if split != .whole { lines.append("the kit's bytes were cut \(split)") }
    guard isLive else { return lines }
    if level != .live { lines.append("it is played live now, over a UNIX socket") }
    if case .at = split { lines.append("what the kit sends is not cut now: no stream keeps such cuts") }
    return lines
  }

  /// What a play against an implementation does not show about the recorded verdict, for people.
  var limitsOfLivePlay: [String] {
    guard verdict.moment == .auditing else { return [] }
    guard let earlier = comparedWith else { return [] }
    let fact = "the recorded verdict compares connections, one of which was in \(earlier.place)"
    let limit =
      earlier.kind == .refusal
      ? "one play shows no other refusal to compare with"
      : "one play shows whether the same secret comes again, and not whether others repeat"
    return [fact, "\(limit): run more cases with 'bokbok conformance' to see that it is mended"]
  }

  private var comparedWith: SealedAudit.Sighting? { header.comparedWith.first }

  /// Why a verdict is not the recorded one, for people.
  func differences(to verdict: Verdict, _ outcome: CapsulePlay.Outcome) -> [String] {
    var lines: [String] = []
    if header.item["testee"]?["relay"] != nil {
      lines.append("the case has a relay that reports to the kit beside the contract, which no recording holds")
    } else if verdict.state == .error {
      lines.append(
        "today's kit does not do what the kit of the recording did, so that the recorded bytes are no answers"
      )
    } else if outcome.hasPlayedAll {
      lines.append(
        "today's kit takes the recorded bytes to their end, and finds what the recorded verdict says no more"
      )
    } else {
      lines.append("the verdict came before the recording was at its end; \(outcome.standing)")
    }
    if self.verdict.got.contains("new ones, also when the case was played again") {
      lines.append("the recorded verdict is about the descriptors of the process, which no recording holds")
    }
    if self.verdict.got.hasPrefix(CasePlayer.memoryVerdict) {
      lines.append("the recorded verdict is about the memory of the process, which no recording holds")
    }
    return lines
  }
}
