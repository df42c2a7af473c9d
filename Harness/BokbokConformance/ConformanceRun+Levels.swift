// Runs that need no testee.
extension ConformanceRun {
  /// Plays the cases with this command's own library, in memory.
  func runInMemory(
    _ planned: [(item: Case, configuration: Configuration)],
    _ suite: CaseSuite,
    _ specification: SpecificationIndex,
    _ supplement: PageSupplement?,
    _ level: Configuration.Level
  ) async throws -> Int32 {
    let start = ContinuousClock.now
    guard options.testee == .executable else {
      let message = """
        on the level \(level.rawValue) the library of this command itself is played; another implementation has the level \
        live only
        """
      throw DataError(file: "--level", message: message)
    }
    var results: [CaseResult] = []
    var applicable: [(item: Case, configuration: Configuration)] = []
    for (item, configuration) in planned {
      if let reason = level.reasonAgainst(item) {
        var result = CaseResult(item: item, configuration: configuration, state: .notApplicable, duration: .zero)
        result.problem = CaseResult.Problem(expected: reason, got: "not applicable on the level \(level.rawValue)")
        results.append(result)
      } else {
        applicable.append((item, configuration))
      }
    }
    let implementation = try Implementation(options.testee)
    let declaration = try Declaration(
      reply: ["ok": level == .core ? CoreTestee.declaration : LibraryTestee.declaration]
    )
    let capsules = try capsules(of: implementation, declaration, suite, checksContract: false)
    let progress = ProgressLine(totalCount: applicable.count)
    let splitting = Splitting(rawValue: options.splitting.rawValue) ?? .whole
    let runner = LevelRunner(
      level: level,
      splitting: splitting,
      waysMax: options.splitWaysMax,
      jobCount: options.jobCount,
      capsules: capsules,
      stop: stop
    )
    results += await runner.run(applicable) { progress.note($0) }
    progress.clear()
    var summary = summary(results, planned, suite, implementation, declaration, .now - start)
    summary.ending = ending
    summary.level = level
    summary.splitting = splitting
    try report(summary, specification, supplement)
    return summary.exitStatus
  }
}

extension Configuration.Level {
  /// Why a case makes no sense on the level; nil if it does.
  func reasonAgainst(_ item: Case) -> String? {
    guard self != .live else { return nil }
    if item.transports == [.stdio] { return "the case is about standard input and output" }
    if item.boundsMemory { return "the memory that is judged is a process's" }
    let processFeatures = ["exec", "control-fd", "key-log"]
    if let feature = item.needs.first(where: { processFeatures.contains($0) }) {
      return "the feature \(feature) is a process's"
    }
    if self == .core, item.testee.limits?["maxOpening"] != nil {
      return "a server bounds its opening streams, not a connection (O-12)"
    }
    return nil
  }
}
