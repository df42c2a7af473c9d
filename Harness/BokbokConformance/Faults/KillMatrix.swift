internal import Foundation
internal import Synchronization

/// Proves that the kit finds faults: each planted one must fail a case of the clause that it breaks.
public struct KillMatrix: Sendable {
  private let options: KillMatrixOptions
  private let stop: RunStop?

  /// By how much the times of a second attempt are stretched.
  private static let repeatStretch = 4.0

  /// A matrix with these options.
  ///
  /// - Parameters:
  ///   - options: which faults are planted, and how.
  ///   - stop: what asks the run to end early. Default, nil: nothing does.
  public init(_ options: KillMatrixOptions, stop: RunStop? = nil) {
    self.options = options
    self.stop = stop
  }

  /// Plays the cases of each fault's clause against the faulty testee, in each role of the fault, and prints the table.
  ///
  /// The testee without a fault has to pass the same cases first. Cancelling the task has no effect: a run ends by itself,
  /// or by its ``RunStop``. Then the reports are written all the same, and say that the run is not complete.
  ///
  /// - Returns: the exit status of the command: 0 if each fault is killed by a `must` case of its clause or the audit of it; 1 if
  ///   one is not, or the testee without a fault fails; 2 if the options or the data are wrong, such as a fault whose
  ///   text is not found; 3 if the kit itself was in trouble; 128 and the number of the signal for which the run was asked
  ///   to end.
  public func run() async -> Int32 {
    do {
      return try await runOrThrow()
    } catch {
      return RunSurroundings.exitStatus(complainingOf: error)
    }
  }

  private func runOrThrow() async throws -> Int32 {
    try RunSurroundings.checkJobCount(options.jobCount)
    try RunSurroundings.checkReportPaths(options.jsonPath, options.junitPath, options.htmlPath)
    let start = ContinuousClock.now
    let (suite, trials) = try plan()
    let directory = try RunSurroundings.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let failures = await failuresOfCorrectTestee(trials, directory)
    let finished = failures.isEmpty ? await run(trials, directory) : []
    let ending = stop?.ending ?? .complete
    var report = KillMatrixReport(
      suite: suite,
      trials: finished,
      duration: .now - start,
      // What was not tried might have killed, or be a twin.
      namesTwins: options.findsAllKillers && ending == .complete && failures.isEmpty
    )
    report.testeeFailures = failures
    report.unmadeCount = ending == .complete ? 0 : trials.count - finished.count
    report.ending = ending
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

  /// What the testee without a fault does not pass: then no fault can be told from it.
  private func failuresOfCorrectTestee(_ trials: [FaultTrial], _ directory: String) async -> [CaseResult] {
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
      directory: directory,
      stop: stop
    )
    let results = await scheduler.run(planned) { _ in }
    // Without its second attempt, one that proved nothing says nothing.
    let isStopped = stop?.isRequested == true
    let failures = results.filter { result in
      result.state != .pass && result.state.isPlayed && !(isStopped && result.state == .inconclusive)
    }
    for result in failures {
      let got = result.problem.map { "expected \($0.expected), got \($0.got)" } ?? ""
      RunSurroundings.complain("the testee without a fault: \(result.path): \(result.state.rawValue): \(got)")
    }
    return failures
  }

  /// The trials that came to their end, in the order of the faults.
  private func run(_ trials: [FaultTrial], _ directory: String) async -> [FaultTrial] {
    let work = TrialQueue(trials)
    await withTaskGroup(of: Void.self) { tasks in
      for _ in 0..<min(options.jobCount, trials.count) {
        tasks.addTask {
          await onOwnThread {
            while stop?.isRequested != true, let (index, trial) = work.next() {
              if let trial = run(trial, "\(directory)/t\(index)") { work.finish(index, trial) }
            }
          }
        }
      }
    }
    return work.finished
  }

  /// Nil where the run was stopped before the trial was decided.
  private func run(_ planned: FaultTrial, _ folder: String) -> FaultTrial? {
    mkdir(folder, 0o700)
    var trial = planned
    let program = "\(absolute(options.projectDirectory))/\(FaultLoader.programPath)"
    let testee = implementation([program, absolute(trial.fault.source), trial.fault.id], name: trial.fault.id)
    // What is not decided may be the machine's fault, and so may a testee that was too slow to do what is wrong while it
    // was watched: once more, with more time.
    for stretch in [1, Self.repeatStretch] {
      trial = planned
      let isFinished = trial.run(
        testee,
        directory: folder,
        timeLimit: options.timeLimit,
        stretch: stretch,
        findsAll: options.findsAllKillers,
        stop: stop
      )
      guard isFinished else { return nil }
      if trial.outcome != .trouble, trial.outcome != .survived { break }
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
    let json = report.json
    let lines = report.lines(columnCount: TerminalWidth.columnCount)
    print(options.jsonPath == "-" ? json.encodedText : lines.joined(separator: "\n"))
    if let path = options.jsonPath, path != "-" { try RunSurroundings.write(json.encodedText + "\n", to: path) }
    guard options.junitPath != nil || options.htmlPath != nil else { return }
    let document = try KillMatrixDocument(json, file: "the kill matrix")
    if let path = options.junitPath { try RunSurroundings.write(KillMatrixJUnitReport.text(document), to: path) }
    if let path = options.htmlPath {
      let page = KillMatrixPage(document: document, specification: try SpecificationIndex.embedded())
      try RunSurroundings.write(page.text(), to: path)
    }
  }
}

/// The trials that wait and those that have been run, shared by the threads.
private final class TrialQueue: Sendable {
  private struct State {
    var startedCount = 0
    var finished: [Int: FaultTrial] = [:]
  }

  private let planned: [FaultTrial]
  private let state = Mutex(State())

  init(_ trials: [FaultTrial]) {
    self.planned = trials
  }

  func next() -> (index: Int, trial: FaultTrial)? {
    state.withLock { state in
      guard state.startedCount < planned.count else { return nil }
      state.startedCount += 1
      return (state.startedCount - 1, planned[state.startedCount - 1])
    }
  }

  func finish(_ index: Int, _ trial: FaultTrial) {
    state.withLock { $0.finished[index] = trial }
  }

  /// Those that have been run, in the order of the planned ones.
  var finished: [FaultTrial] {
    state.withLock { state in planned.indices.compactMap { state.finished[$0] } }
  }
}
