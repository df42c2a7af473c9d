internal import Foundation

/// The interop matrix: every implementation as client with every other, and itself, as server, driven over the testee
/// contract. The kit's own protocol code takes no part.
public struct InteropRun: Sendable {
  private let options: InteropOptions
  private let stop: RunStop?

  /// A run with these options.
  ///
  /// - Parameters:
  ///   - options: what is played, and how.
  ///   - stop: what asks the run to end early. Default, nil: nothing does.
  public init(_ options: InteropOptions, stop: RunStop? = nil) {
    self.options = options
    self.stop = stop
  }

  /// Plays the matrix, prints it as a table and writes the reports that were asked for.
  ///
  /// Cancelling the task has no effect: a run ends by itself, or by its ``RunStop``. Then the reports are written all the
  /// same, and say that the run is not complete.
  ///
  /// - Returns: the exit status of the command: 0 if all that ran passed; 1 after a failure, or if an implementation is
  ///   required and does not start; 2 if the options or a manifest are wrong; 3 if the kit itself was in trouble, or
  ///   nothing ran; 128 and the number of the signal for which the run was asked to end.
  public func run() async -> Int32 {
    do {
      let summary = try await play()
      try report(summary)
      return summary.exitStatus
    } catch {
      return RunSurroundings.exitStatus(complainingOf: error)
    }
  }

  private func play() async throws -> InteropSummary {
    try RunSurroundings.checkJobCount(options.jobCount)
    try RunSurroundings.checkReportPaths(options.jsonPath, options.junitPath, options.htmlPath)
    let start = ContinuousClock.now
    var present: [InteropImplementation] = []
    var absent: [AbsentImplementation] = []
    for implementation in try manifests() {
      switch await onOwnThread({ meet(implementation) }) {
      case .success(let found): present.append(found)
      case .failure(let missing): absent.append(missing.implementation)
      }
    }
    let groups = groups(of: present)
    guard !groups.isEmpty || present.isEmpty || stop?.isRequested == true else {
      throw DataError(
        file: "the selection",
        message: "no scenario matches; paths are CLIENT/SERVER/SECURITY/TRANSPORT/SCENARIO, with the scenarios "
          + InteropScenario.all.map(\.name).joined(separator: ", ")
      )
    }
    let results = try await play(groups)
    let plannedCount = groups.flatMap(\.parts).map(\.scenarios.count).reduce(0, +)
    return InteropSummary(
      implementations: present,
      absent: absent,
      results: results,
      requiresAll: options.requiresAll,
      duration: .now - start,
      unmadeCount: plannedCount - results.count,
      ending: stop?.ending ?? .complete
    )
  }

  // MARK: Implementations

  private func manifests() throws -> [Implementation] {
    let folder = options.implementationsFolder
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw DataError(
        file: folder,
        message: "cannot be read: run in the project's root, or name the manifests' folder by --implementations-folder"
      )
    }
    let paths = names.filter { $0.hasSuffix(".json") && !$0.hasSuffix(".schema.json") }.sorted()
    guard !paths.isEmpty else { throw DataError(file: folder, message: "it holds no manifest") }
    var owners: [String: String] = [:]
    return try paths.map { path in
      let implementation = try Implementation(.manifest("\(folder)/\(path)"))
      if let owner = owners.updateValue(path, forKey: implementation.name) {
        let message = "its name, \(implementation.name), is also that of \(owner): paths in the report begin with names"
        throw DataError(file: "\(folder)/\(path)", message: message)
      }
      return implementation
    }
  }

  private struct Missing: Error {
    let implementation: AbsentImplementation
  }

  /// A testee that does not start may lack its runtime. One that starts and breaks the contract is a fault all the same,
  /// which the run of the cases shows best.
  private func meet(_ implementation: Implementation) -> Result<InteropImplementation, Missing> {
    do {
      if stop?.isRequested == true { throw RunStopped() }
      let declaration = try Preflight.run(implementation, contract: nil, stop: stop)
      return .success(InteropImplementation(implementation: implementation, declaration: declaration))
    } catch {
      var reason = "\(error)"
      if stop?.isRequested == true {
        reason = "the run was ended before its testee had answered"
      } else if let failure = error as? PreflightFailure,
        let line = failure.errorText.split(separator: "\n").last(where: { !$0.allSatisfy(\.isWhitespace) })
      {
        reason += ": \(line.prefix(200))"
      }
      return .failure(
        Missing(
          implementation: AbsentImplementation(
            name: implementation.name,
            reason: reason,
            setup: implementation.setup
          )
        )
      )
    }
  }

  // MARK: Playing

  /// One group for each client and server, and what is in it in the order of the report.
  private func groups(of implementations: [InteropImplementation]) -> [InteropGroup] {
    func matches(_ patterns: [String], _ texts: [String]) -> Bool {
      patterns.isEmpty || patterns.contains { pattern in texts.contains { Wildcard.matches(pattern, $0) } }
    }
    let configurations = InteropConfiguration.all(of: implementations)
    let parts = configurations.enumerated().compactMap { index, configuration -> InteropGroup.Part? in
      guard matches(options.configurationPatterns, [configuration.way]) else { return nil }
      let scenarios = InteropScenario.all.filter { scenario in
        scenario.applies(to: configuration)
          && matches(options.casePatterns, [scenario.name, "\(configuration.path)/\(scenario.name)"])
      }
      return scenarios.isEmpty ? nil : .init(index: index, configuration: configuration, scenarios: scenarios)
    }
    return Dictionary(grouping: parts) { "\($0.configuration.client.name)/\($0.configuration.server.name)" }
      .values.map(InteropGroup.init).sorted { $0.parts[0].index < $1.parts[0].index }
  }

  private func play(_ groups: [InteropGroup]) async throws -> [InteropResult] {
    let directory = try RunSurroundings.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let limit = options.timeLimit
    return await withTaskGroup(of: [(index: Int, results: [InteropResult])].self) { tasks in
      var waiting = groups.enumerated().makeIterator()
      var parts: [(index: Int, results: [InteropResult])] = []
      func startNext() {
        guard stop?.isRequested != true, let (number, group) = waiting.next() else { return }
        tasks.addTask {
          await onOwnThread {
            let folder = "\(directory)/\(number)"
            mkdir(folder, 0o700)
            return group.run(directory: folder, limit: limit, stop: stop)
          }
        }
      }
      for _ in 0..<options.jobCount { startNext() }
      for await found in tasks {
        parts += found
        startNext()
      }
      return parts.sorted { $0.index < $1.index }.flatMap(\.results)
    }
  }

  // MARK: Reports

  private func report(_ summary: InteropSummary) throws {
    let json = InteropJSONReport.lines(summary)
    let lines = json.map(\.encodedText).joined(separator: "\n")
    let table = InteropTable.lines(summary, columnCount: TerminalWidth.columnCount)
    print(options.jsonPath == "-" ? lines : table.joined(separator: "\n"))
    if let path = options.jsonPath, path != "-" { try RunSurroundings.write(lines + "\n", to: path) }
    if let path = options.junitPath { try RunSurroundings.write(InteropJUnitReport.text(summary), to: path) }
    if let path = options.htmlPath {
      let document = try InteropDocument(json, file: "the interop matrix")
      try RunSurroundings.write(InteropPage(document: document).text(), to: path)
    }
  }
}
