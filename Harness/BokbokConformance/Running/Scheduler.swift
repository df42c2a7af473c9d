internal import Foundation

/// Runs groups of cases on a few threads of its own, each with its own testee process.
struct Scheduler: Sendable {
  /// The most cases that share a testee process: more processes start more often, fewer leave threads without work.
  private static let groupCaseCountMax = 48

  /// By how much the times of a second attempt are stretched, on top of what the pace stretches.
  private static let repeatStretch = 4.0
  /// After so many second attempts in a row that ended like the first, the testee is the cause: no more are made.
  private static let fruitlessRepeatCountMax = 8

  let implementation: Implementation
  let timeLimit: Duration
  let jobCount: Int
  /// What all groups measure and are measured by.
  var pace = Pace()
  /// The forms that the messages of the testee contract are checked against; nil if they are not.
  let contract: TesteeContract?
  /// A folder for sockets, with a short path.
  let directory: String
  /// Where each failure is kept as a file; nil if it is not.
  var capsules: CapsuleFolder?
  /// What looks at all sealed connections of the run.
  let audit = SealedAudit()
  /// Whether the kit writes each byte by itself.
  var writesByteByByte = false
  /// What asks the run to end: then cases that have not been judged get no result. Nil where nothing does.
  var stop: RunStop?

  /// Runs all cases and gives their results in no particular order. What more time might have changed is run again once,
  /// alone and with longer time limits.
  func run(
    _ planned: [(item: Case, configuration: Configuration)],
    report: @escaping @Sendable (CaseResult) -> Void
  ) async -> [CaseResult] {
    let first = await run(groups(of: planned), jobCount: jobCount, patience: Patience()) { result in
      if !result.isToBeRepeated { report(result) }
    }
    var results = first.filter { !$0.isToBeRepeated }
    var fruitlessCount = 0
    for attempt in first where attempt.isToBeRepeated {
      guard fruitlessCount < Self.fruitlessRepeatCountMax else {
        var result = attempt
        result.problem?.got += "; not run again: \(fruitlessCount) others that were ended in the same way"
        report(result)
        results.append(result)
        continue
      }
      let group = CaseGroup(configuration: attempt.configuration, cases: [attempt.item])
      let again = await run([group], jobCount: 1, stretch: Self.repeatStretch, report: { _ in })
      for var result in again {
        result.firstAttempt = attempt.problem
        fruitlessCount = result.state == attempt.state ? fruitlessCount + 1 : 0
        report(result)
        results.append(result)
      }
      if again.isEmpty { results.append(Self.unrepeated(attempt)) }
    }
    return results
  }

  /// What is left of a first attempt that proved nothing, where the run is stopped before the second.
  private static func unrepeated(_ attempt: CaseResult) -> CaseResult {
    var result = attempt
    result.state = .inconclusive
    result.problem?.got += "; not run again, since the run was ended"
    return result
  }

  private func groups(of planned: [(item: Case, configuration: Configuration)]) -> [CaseGroup] {
    var groups: [CaseGroup] = []
    for configuration in Configuration.all {
      let cases = planned.filter { $0.configuration == configuration }.map(\.item)
      // Equal shares: the last group of a configuration should not be a small one. And each has some of all sections:
      // those of one wait for most of their time, those of another compute, and either alone leaves something idle.
      let count = (cases.count + Self.groupCaseCountMax - 1) / Self.groupCaseCountMax
      for index in 0..<count {
        let share = stride(from: index, to: cases.count, by: count).map { cases[$0] }
        groups.append(CaseGroup(configuration: configuration, cases: share))
      }
    }
    return groups
  }

  private func run(
    _ groups: [CaseGroup],
    jobCount: Int,
    stretch: Double = 1,
    patience: Patience? = nil,
    report: @escaping @Sendable (CaseResult) -> Void
  ) async -> [CaseResult] {
    let work = Work(groups, stop: stop)
    await withTaskGroup(of: Void.self) { tasks in
      for _ in 0..<min(jobCount, max(1, groups.count)) {
        tasks.addTask {
          await onOwnThread {
            while let (number, group) = work.next() {
              // A socket of an earlier group may still be there.
              let folder = "\(directory)/\(number)"
              mkdir(folder, 0o700)
              let runner = GroupRunner(
                group,
                implementation: implementation,
                timeLimit: timeLimit,
                pace: pace,
                stretch: stretch,
                patience: patience,
                contract: contract,
                directory: folder,
                capsules: capsules,
                audit: audit,
                writesByteByByte: writesByteByByte,
                stop: stop
              )
              runner.run { result in
                work.add(result)
                report(result)
              }
            }
          }
        }
      }
    }
    return work.results
  }
}

/// The groups that wait and the results that have come, shared by the threads.
private final class Work: @unchecked Sendable {
  // Sendable is safe: everything is behind the lock.
  private let lock = NSLock()
  private var groups: [CaseGroup]
  private var startedCount = 0
  private var collected: [CaseResult] = []
  private let stop: RunStop?
  /// Folders of different runs of one process must differ.
  private static let counter = Counter()

  init(_ groups: [CaseGroup], stop: RunStop?) {
    self.groups = groups
    self.stop = stop
  }

  /// The next group; nil after the last one, and once the run is to end.
  func next() -> (number: Int, group: CaseGroup)? {
    lock.lock()
    defer { lock.unlock() }
    guard !groups.isEmpty, stop?.isRequested != true else { return nil }
    return (Self.counter.next(), groups.removeFirst())
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

private final class Counter: @unchecked Sendable {
  // Sendable is safe: the number is behind the lock.
  private let lock = NSLock()
  private var number = 0

  func next() -> Int {
    lock.lock()
    defer { lock.unlock() }
    number += 1
    return number
  }
}

/// Runs blocking work on a thread of its own, away from the threads of Swift's tasks, and waits for it.
func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in
    let thread = Thread {
      // Writing to a testee that is gone is an error here, not a signal.
      var signals = sigset_t()
      sigemptyset(&signals)
      sigaddset(&signals, SIGPIPE)
      pthread_sigmask(SIG_BLOCK, &signals, nil)
      continuation.resume(returning: body())
    }
    thread.stackSize = 8 << 20
    thread.start()
  }
}
