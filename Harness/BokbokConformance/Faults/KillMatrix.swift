internal import Foundation
internal import Synchronization

/// Proves that the kit finds faults: each planted one must fail a case of the clause that it breaks.
public struct KillMatrix: Sendable {
  private let options: KillMatrixOptions

  /// A matrix with these options.
  public init(_ options: KillMatrixOptions) {
    self.options = options
  }

  /// Plays the cases of each fault's clause against the faulty testee, in each role of the fault, and prints the table.
  ///
  /// The testee without a fault has to pass the same cases first. Cancelling the task has no effect.
  ///
  /// - Returns: the exit status of the command: 0 if each fault is killed by a step of a `must` case of its clause; 1 if
  ///   one is not, or the testee without a fault fails; 2 if the options or the data are wrong, such as a fault whose
  ///   text is not found; 3 if the kit itself was in trouble.
  public func run() async -> Int32 {
    do {
      return try await runOrThrow()
    } catch {
      return RunSurroundings.exitStatus(complainingOf: error)
    }
  }

  private func runOrThrow() async throws -> Int32 {
    try RunSurroundings.checkJobCount(options.jobCount)
    let start = ContinuousClock.now
    let (suite, trials) = try plan()
    let directory = try RunSurroundings.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    guard await correctTesteePasses(trials, directory) else { return 1 }
    let finished = await run(trials, directory)
    let report = KillMatrixReport(
      suite: suite,
      trials: finished,
      duration: .now - start,
      namesTwins: options.findsAllKillers
    )
    try write(report)
    return report.exitStatus
  }

  /// The digest of the cases, and the trials.
  private func plan() throws -> (suite: String, trials: [FaultTrial]) {
    let specification = try SpecificationIndex.embedded()
    let cases = try CaseLoader(specification: specification)
    let suite = try options.casesDirectory.map(cases.suite(inDirectory:)) ?? cases.embeddedSuite()
    let loader = FaultLoader(root: options.projectDirectory, specification: specification)
    let folder = options.faultsDirectory ?? "\(options.projectDirectory)/\(FaultLoader.folder)"
    let faults = try loader.faults(inDirectory: folder)
    if options.faultPatterns.isEmpty, options.faultsDirectory == nil {
      let scope = try FaultScope(
        projectDirectory: options.projectDirectory,
        specification: specification,
        faults: faults
      )
      if let problem = scope.problems.first { throw DataError(file: FaultScope.path, message: problem) }
    }
    let chosen = faults.filter { fault in
      options.faultPatterns.isEmpty || options.faultPatterns.contains { Wildcard.matches($0, fault.id) }
    }
    guard !chosen.isEmpty else { throw DataError(file: folder, message: "no fault is selected") }
    let trials = chosen.flatMap { fault in fault.roles.map { FaultTrial(fault, role: $0, cases: suite.cases) } }
    return (suite.digest, trials)
  }

  // MARK: Running

  private func correctTesteePasses(_ trials: [FaultTrial], _ directory: String) async -> Bool {
    var planned: [(item: Case, configuration: Configuration)] = []
    var seen: Set<String> = []
    for group in trials.flatMap(\.groups) {
      for item in group.cases where seen.insert("\(item.id)/\(group.configuration.path)").inserted {
        planned.append((item, group.configuration))
      }
    }
    let scheduler = Scheduler(
      implementation: implementation(["testee.py"], name: "the testee without a fault"),
      timeLimit: options.timeLimit,
      jobCount: options.jobCount,
      contract: nil,
      directory: directory
    )
    let results = await scheduler.run(planned) { _ in }
    let failures = results.filter { $0.state != .pass && $0.state.isPlayed }
    for result in failures {
      let got = result.problem.map { "expected \($0.expected), got \($0.got)" } ?? ""
      RunSurroundings.complain("the testee without a fault: \(result.path): \(result.state.rawValue): \(got)")
    }
    return failures.isEmpty
  }

  private func run(_ trials: [FaultTrial], _ directory: String) async -> [FaultTrial] {
    let work = TrialQueue(trials)
    await withTaskGroup(of: Void.self) { tasks in
      for _ in 0..<min(options.jobCount, trials.count) {
        tasks.addTask {
          await onOwnThread {
            while let (index, trial) = work.next() {
              work.finish(index, run(trial, "\(directory)/t\(index)"))
            }
          }
        }
      }
    }
    return work.trials
  }

  private func run(_ planned: FaultTrial, _ folder: String) -> FaultTrial {
    mkdir(folder, 0o700)
    var trial = planned
    let program = "\(absolute(options.projectDirectory))/\(FaultLoader.programPath)"
    let testee = implementation([program, absolute(trial.fault.source), trial.fault.id], name: trial.fault.id)
    // What is not decided may be the machine's fault: once more.
    for _ in 0..<2 {
      trial = planned
      trial.run(testee, directory: folder, timeLimit: options.timeLimit, findsAll: options.findsAllKillers)
      if trial.outcome != .trouble { break }
    }
    return trial
  }

  private func implementation(_ arguments: [String], name: String) -> Implementation {
    Implementation(
      name: name,
      command: ["python3"] + arguments,
      directory: "\(absolute(options.projectDirectory))/\(FaultLoader.implementationPath)"
    )
  }

  private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).path }

  // MARK: Output

  private func write(_ report: KillMatrixReport) throws {
    let text = report.json.encodedText
    if options.jsonPath == "-" {
      print(text)
      return
    }
    print(report.lines.joined(separator: "\n"))
    guard let path = options.jsonPath else { return }
    try RunSurroundings.write(text + "\n", to: path)
  }
}

/// The trials that wait and those that have been run, shared by the threads.
private final class TrialQueue: Sendable {
  private struct State {
    var trials: [FaultTrial]
    var startedCount = 0
  }

  private let state: Mutex<State>

  init(_ trials: [FaultTrial]) {
    self.state = Mutex(State(trials: trials))
  }

  func next() -> (index: Int, trial: FaultTrial)? {
    state.withLock { state in
      guard state.startedCount < state.trials.count else { return nil }
      state.startedCount += 1
      return (state.startedCount - 1, state.trials[state.startedCount - 1])
    }
  }

  func finish(_ index: Int, _ trial: FaultTrial) {
    state.withLock { $0.trials[index] = trial }
  }

  var trials: [FaultTrial] { state.withLock { $0.trials } }
}
