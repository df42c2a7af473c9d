internal import Foundation

/// One run of the conformance cases against one implementation.
public struct ConformanceRun: Sendable {
  /// What the run says about itself while it can: a status for the command to exit with.
  private enum Status {
    static let wrongUsage: Int32 = 2
    static let failure: Int32 = 1
  }

  let options: ConformanceOptions
  let stop: RunStop?

  /// A run with these options.
  ///
  /// - Parameters:
  ///   - options: what is run, and how.
  ///   - stop: what asks the run to end early. Default, nil: nothing does.
  public init(_ options: ConformanceOptions, stop: RunStop? = nil) {
    self.options = options
    self.stop = stop
  }

  /// Runs the cases, prints the table for people and writes the reports that were asked for.
  ///
  /// Cancelling the task has no effect: a run ends by itself, and quickly, or by its ``RunStop``. Then, and where the
  /// testee turns out to be none, the reports are written all the same, and say that the run is not complete.
  ///
  /// - Returns: the exit status of the command: 0 if everything that was declared ran and passed; 1 after a failure;
  ///   2 if the options or the data are wrong; 3 if the kit itself was in trouble or a case stayed inconclusive; 128 and
  ///   the number of the signal for which the run was asked to end.
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
    let specification = try SpecificationIndex.embedded()
    let loader = try CaseLoader(specification: specification)
    let whole = try options.casesDirectory.map(loader.suite(inDirectory:)) ?? loader.embeddedSuite()
    let selection = CaseSelection(options)
    let suite = try edition(of: whole, selection)
    let level = Configuration.Level(rawValue: options.level.rawValue) ?? .live
    let configurations = Configuration.all(on: level)
    try selection.checkPatterns(suite.cases, configurations)
    var planned: [(item: Case, configuration: Configuration)] = []
    for item in suite.cases {
      planned += configurations.filter { selection.includes(item, $0) }.map { (item, $0) }
    }
    guard !planned.isEmpty else {
      throw DataError(file: "the selection", message: "no case matches: --list shows what there is")
    }
    if options.listsOnly { return list(suite, selection, configurations) }
    guard level != .live || options.splitting != .every else {
      let message = "live, the kit writes whole or in bytes; every is for the levels core and memory"
      throw DataError(file: "--split", message: message)
    }
    var supplement: PageSupplement?
    if options.htmlPath != nil {
      supplement = try PageSupplement(
        suite: suite,
        specification: specification,
        includedPaths: options.includedPaths
      )
    }
    if level != .live { return try await runInMemory(planned, suite, specification, supplement, level) }
    return try await run(planned, suite, specification, supplement)
  }

  /// The suite in the version that was asked for.
  private func edition(of suite: CaseSuite, _ selection: CaseSelection) throws(DataError) -> CaseSuite {
    guard let number = options.suiteVersion else { return suite }
    guard let ledger = suite.ledger else {
      let message = "the cases have no ledger, which would tell what version \(number) was: \(CaseLedger.path)"
      throw DataError(file: "--suite", message: message)
    }
    let edition = try ledger.edition(number, of: suite.cases)
    guard edition.lost.isEmpty else {
      let lines = edition.lost.prefix(10).map { "  \($0.id): \($0.reason)" }
      let more = edition.lost.count > 10 ? ["  and \(edition.lost.count - 10) more"] : []
      let message = """
        version \(number) cannot be played with these cases, since \(edition.lost.count) of it are not as they were:
        \((lines + more).joined(separator: "\n"))
        use a release of the command with that version, or its cases with --cases-folder
        """
      throw DataError(file: "--suite", message: message)
    }
    var suite = suite
    suite.cases = edition.cases
    suite.version = edition.version
    return suite
  }

  // MARK: Running

  private func run(
    _ planned: [(item: Case, configuration: Configuration)],
    _ suite: CaseSuite,
    _ specification: SpecificationIndex,
    _ supplement: PageSupplement?
  ) async throws -> Int32 {
    let start = ContinuousClock.now
    let implementation = try Implementation(options.testee)
    let contract = options.checksContract ? try TesteeContract() : nil
    let declaration: Declaration
    let pace = Pace()
    switch await preflight(implementation, contract, pace) {
    case .success(let found): declaration = found
    case .failure(let failure):
      var summary = summary([], planned, suite, implementation, nil, .now - start)
      summary.ending = stop?.signal == nil ? failure.ending : ending
      try report(summary, specification, supplement)
      return summary.exitStatus
    }
    var results: [CaseResult] = []
    var declared: [(item: Case, configuration: Configuration)] = []
    for (item, configuration) in planned {
      if let lack = declaration.lack(for: item, in: configuration) {
        var result = CaseResult(item: item, configuration: configuration, state: .notDeclared, duration: .zero)
        result.problem = CaseResult.Problem(expected: lack, got: "not declared by hello")
        results.append(result)
      } else {
        declared.append((item, configuration))
      }
    }
    let directory = try RunSurroundings.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let progress = ProgressLine(totalCount: declared.count)
    let capsules = try capsules(of: implementation, declaration, suite, checksContract: options.checksContract)
    let scheduler = Scheduler(
      implementation: implementation,
      timeLimit: options.timeLimit,
      jobCount: options.jobCount,
      pace: pace,
      contract: contract,
      directory: directory,
      capsules: capsules,
      writesByteByByte: options.splitting == .bytes,
      stop: stop
    )
    results += await scheduler.run(declared) { progress.note($0) }
    progress.clear()
    var summary = summary(results, planned, suite, implementation, declaration, .now - start)
    summary.ending = ending
    summary.pace = pace.measured
    summary.splitting = Splitting(rawValue: options.splitting.rawValue) ?? .whole
    try report(summary, specification, supplement)
    return summary.exitStatus
  }

  /// Where the failures of the run are kept, if they are to be.
  func capsules(
    of implementation: Implementation,
    _ declaration: Declaration,
    _ suite: CaseSuite,
    checksContract: Bool
  ) throws -> CapsuleFolder? {
    try options.capsulesPath.map { path in
      try CapsuleFolder(
        path,
        implementation: implementation.name,
        declaration: declaration,
        suiteDigest: suite.digest,
        checksContract: checksContract
      )
    }
  }

  /// How the run has ended, once no more cases are played.
  var ending: RunEnding { stop?.ending ?? .complete }

  private struct NoTestee: Error {
    let ending: RunEnding
  }

  private func preflight(
    _ implementation: Implementation,
    _ contract: TesteeContract?,
    _ pace: Pace
  ) async -> Result<Declaration, NoTestee> {
    await onOwnThread { () -> Result<Declaration, NoTestee> in
      do {
        return .success(try Preflight.run(implementation, contract: contract, pace: pace, stop: stop))
      } catch {
        let isUnstarted = error is SystemCallError
        let reason = isUnstarted ? "the testee cannot be started: \(error)" : "this is no testee: \(error)"
        if stop?.isRequested != true {
          RunSurroundings.complain(reason)
          let lines = (error as? PreflightFailure)?.errorText.split(separator: "\n").suffix(20) ?? []
          for line in lines { RunSurroundings.complain("  | \(line)") }
        }
        let status = isUnstarted ? Status.wrongUsage : Status.failure
        return .failure(NoTestee(ending: .stopped(reason: reason, exitStatus: status)))
      }
    }
  }

  func summary(
    _ results: [CaseResult],
    _ planned: [(item: Case, configuration: Configuration)],
    _ suite: CaseSuite,
    _ implementation: Implementation,
    _ declaration: Declaration?,
    _ duration: Duration
  ) -> RunSummary {
    var results = results
    for index in results.indices {
      let texts = [results[index].item.id, results[index].path]
      let excuse = implementation.expectedFailures.first { expected in
        texts.contains { Wildcard.matches(expected.pattern, $0) }
      }
      results[index].excuse = results[index].state.isPlayed ? excuse?.reason : nil
    }
    // The order of the data files, whatever the threads did.
    let order = Dictionary(
      uniqueKeysWithValues: planned.enumerated().map { ($1.item.id + "/" + $1.configuration.path, $0) }
    )
    results.sort { order[$0.path, default: 0] < order[$1.path, default: 0] }
    let allPaths = suite.cases.flatMap { item in
      [item.id] + Configuration.everywhere.filter { item.applies(to: $0) }.map { "\(item.id)/\($0.path)" }
    }
    let useless = implementation.expectedFailures.map(\.pattern).filter { pattern in
      !allPaths.contains { Wildcard.matches(pattern, $0) }
    }
    let played = Configuration.Transport.allCases.map(\.rawValue)
    let declaredTransports = declaration?.transports ?? []
    return RunSummary(
      implementation: implementation.name,
      declaration: declaration,
      suiteDigest: suite.digest,
      suiteVersion: suite.version ?? suite.ledger.map { SuiteVersion($0.newest) },
      suiteCaseCount: suite.cases.count,
      results: results,
      uselessExcuses: useless,
      unplayedTransports: declaredTransports.filter { !played.contains($0) },
      unmadeCount: planned.count - results.count,
      isStrict: options.isStrict,
      duration: duration
    )
  }

  // MARK: Output

  func report(_ summary: RunSummary, _ specification: SpecificationIndex, _ supplement: PageSupplement?) throws {
    let lines = JSONLinesReport.lines(summary)
    if options.jsonPath == "-" {
      print(lines.joined(separator: "\n"))
    } else {
      let table = TableReport(
        summary: summary,
        specification: specification,
        showsTraces: options.showsTraces,
        columnCount: TerminalWidth.columnCount
      )
      print(table.lines().joined(separator: "\n"))
    }
    // Whoever reads it need not wait for the files.
    fflush(nil)
    if let path = options.jsonPath, path != "-" {
      try RunSurroundings.write(lines.joined(separator: "\n") + "\n", to: path)
    }
    if let path = options.htmlPath, let supplement {
      let page = HTMLReport(summary: summary, specification: specification, supplement: supplement)
      try RunSurroundings.write(page.text(), to: path)
    }
    if let path = options.junitPath { try RunSurroundings.write(JUnitReport.text(summary), to: path) }
  }

  private func list(_ suite: CaseSuite, _ selection: CaseSelection, _ configurations: [Configuration]) -> Int32 {
    for item in suite.cases where selection.includes(item, in: configurations) {
      let count = configurations.count { selection.includes(item, $0) }
      let clauses = item.clauses.joined(separator: " ")
      print("\(item.id)  [\(item.level.rawValue), \(count) configurations, \(clauses)]  \(item.title)")
    }
    return 0
  }
}
