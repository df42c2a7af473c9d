internal import Foundation

/// Plays cases on the levels that need no processes, no sockets and none of the system's time.
struct LevelRunner: Sendable {
  let level: Configuration.Level
  let splitting: Splitting
  /// In how many ways at most each case is cut; nil: in all.
  let waysMax: Int?
  let jobCount: Int
  /// Where each failure is kept as a file; nil if it is not.
  var capsules: CapsuleFolder?
  /// What asks the run to end: then cases that have not been judged get no result. Nil where nothing does.
  var stop: RunStop?

  /// Plays all cases and gives their results in no particular order.
  func run(
    _ planned: [(item: Case, configuration: Configuration)],
    report: @escaping @Sendable (CaseResult) -> Void
  ) async -> [CaseResult] {
    let work = LevelWork(planned)
    await withTaskGroup(of: Void.self) { tasks in
      for _ in 0..<min(jobCount, ProcessInfo.processInfo.activeProcessorCount) {
        tasks.addTask {
          await onOwnThread {
            while let (item, configuration) = work.next() {
              guard let result = play(item, configuration) else { break }
              work.add(result)
              report(result)
            }
          }
        }
      }
    }
    return work.results
  }

  /// Plays a case with the kit's bytes cut in all the ways that were asked for. The first way that does not pass decides. Nil where
  /// the run was stopped before the case was judged.
  func play(_ item: Case, _ configuration: Configuration) -> CaseResult? {
    let start = ContinuousClock.now
    guard let first = play(item, configuration, splitting == .bytes ? .bytes : .whole) else { return nil }
    var result = first.result
    if splitting == .every, result.state == .pass {
      for split in ways(first.longestSend, result.path) {
        guard var other = play(item, configuration, split)?.result else { return nil }
        guard other.state != .pass else { continue }
        other.problem?.got += "; the kit's bytes were cut \(split), and uncut the case passes"
        result = other
        break
      }
    }
    result.duration = .now - start
    return result
  }

  private func ways(_ longestSend: Int, _ path: String) -> [Split] {
    guard let waysMax else { return Split.all(longestSend: longestSend) }
    return Split.some(waysMax, longestSend: longestSend, of: path)
  }

  /// Plays a case with the kit's bytes cut in one way; nil where the run was stopped before it was judged.
  func play(
    _ item: Case,
    _ configuration: Configuration,
    _ split: Split
  ) -> (result: CaseResult, longestSend: Int)? {
    let clock = VirtualClock(stop: stop)
    let entropy = VirtualEntropy(seed: 0x626F_6B62_6F6B)
    let meeting = VirtualMeeting(split: split, clock: clock, entropy: entropy)
    let testee: VirtualTestee =
      switch level {
      case .memory: LibraryTestee(clock: clock, meeting: meeting)
      default: CoreTestee(clock: clock, entropy: entropy, meeting: meeting)
      }
    meeting.testee = testee
    defer {
      testee.release()
      clock.removeAll()
    }
    let player = CasePlayer(
      item,
      configuration: configuration,
      testee: .running(testee),
      clock: clock,
      meeting: meeting,
      timeLimit: Self.timeLimit(of: item),
      entropy: Self.entropy
    )
    let start = clock.now
    var result = CaseResult(item: item, configuration: configuration, state: .pass, duration: .zero)
    if split == .whole || splitting != .every { capsules?.remove(result.path) }
    do {
      try player.play()
    } catch is RunStopped {
      return nil
    } catch {
      var (state, problem) = Self.judge(error)
      problem.moment = player.isFinishing ? .afterwards : .playing
      problem.step = player.currentStep?.place
      problem.stepSource = player.currentStep?.source.encodedText
      problem.trace = CaseTrace(connections: player.connections, testees: [testee], start: start)
      (result.state, result.problem) = (state, problem)
      let timing = Capsule.Timing(timeLimit: Self.timeLimit(of: item), stretch: 1)
      let path = capsules?.write(player, result, timing, start: start, split: split)
      result.problem?.capsulePath = path
    }
    return (result, meeting.longestSend)
  }

  /// What the kit's secrets are made of: the same in each play, as all else is.
  private static let entropy = KitEntropy(seed: Array("the kit's secrets in memory play".utf8)) ?? KitEntropy()

  /// How long is waited for what should come: here everything that needs no time needs none at all, so that what is late
  /// by a time limit of the testee, the longest one that the case names or else that of a last word (F-3), is too late.
  private static func timeLimit(of item: Case) -> Duration {
    let times = item.testee.limits?.object?.members.compactMap { $0.name.hasSuffix("Ms") ? $0.value.integer : nil }
    return .milliseconds((times?.max() ?? 1000) + 1)
  }

  /// No machine can be blamed: nothing was left to do until then.
  static func judge(_ timeOut: TimedOut) -> (CaseResult.State, CaseResult.Problem) {
    let got = "nothing within \(timeOut.limit), in which everything else came to rest"
    return (.fail, CaseResult.Problem(expected: timeOut.waitedFor, got: got))
  }

  private static func judge(_ error: any Error) -> (CaseResult.State, CaseResult.Problem) {
    switch error {
    case let failure as CaseFailure:
      return (.fail, CaseResult.Problem(clause: failure.clause, expected: failure.expected, got: failure.got))
    case let timeOut as TimedOut: return judge(timeOut)
    case let refusal as UnsupportedByTestee:
      let expected = "the command \(refusal.command), which what hello declared includes"
      return (.unsupported, CaseResult.Problem(expected: expected, got: "unsupported: \(refusal.message)"))
    default:
      return (.error, CaseResult.Problem(expected: "the kit can play the case", got: "\(error)"))
    }
  }
}

/// The cases that wait and the results that have come, shared by the threads.
private final class LevelWork: @unchecked Sendable {
  // Sendable is safe: everything is behind the lock.
  private let lock = NSLock()
  private let planned: [(item: Case, configuration: Configuration)]
  private var nextIndex = 0
  private var collected: [CaseResult] = []

  init(_ planned: [(item: Case, configuration: Configuration)]) {
    self.planned = planned
  }

  func next() -> (item: Case, configuration: Configuration)? {
    lock.lock()
    defer { lock.unlock() }
    guard nextIndex < planned.count else { return nil }
    defer { nextIndex += 1 }
    return planned[nextIndex]
  }

  func add(_ result: CaseResult) {
    lock.lock()
    defer { lock.unlock() }
    collected.append(result)
  }

  var results: [CaseResult] {
    lock.lock()
    defer { lock.unlock() }
    return collected
  }
}
