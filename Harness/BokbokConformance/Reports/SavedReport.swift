internal import Foundation

/// The reports of a run that has ended, made again of the one for programs: also with what other runs have found since.
public struct SavedReport: Sendable {
  private let path: String
  private let options: ConformanceOptions

  /// The reports of a run.
  ///
  /// - Parameters:
  ///   - path: the file that the run has written for ``ConformanceOptions/jsonPath``.
  ///   - options: of which count the paths of the other reports, what they include and show, and the folder of the case
  ///     files, if the run did not play the embedded ones.
  public init(_ path: String, _ options: ConformanceOptions) {
    self.path = path
    self.options = options
  }

  /// Prints the table for people and writes the reports that were asked for. They are those of the run, but for what
  /// traces hold beside their text.
  ///
  /// - Returns: the exit status of the command: 0 if they are written, whatever they tell; 2 if the options or a file are
  ///   wrong: ``ReportCheck`` finds a fault in the report, or the run played other cases; 3 if the kit itself was in
  ///   trouble.
  public func run() -> Int32 {
    do {
      try RunSurroundings.checkReportPaths(path, options.junitPath, options.htmlPath)
      let specification = try SpecificationIndex.embedded()
      let loader = try CaseLoader(specification: specification)
      let suite = try options.casesDirectory.map(loader.suite(inDirectory:)) ?? loader.embeddedSuite()
      let summary = try RunSummary(file: path, suite: suite)
      let supplement = try PageSupplement(
        suite: suite,
        specification: specification,
        includedPaths: options.includedPaths
      )
      var options = options
      options.jsonPath = nil
      try ConformanceRun(options).report(summary, specification, supplement)
      return 0
    } catch {
      return RunSurroundings.exitStatus(complainingOf: error)
    }
  }
}

extension RunSummary {
  /// Reads a report. Throws ``DataError`` if it cannot be read, has a fault, or is of a run with other cases.
  init(file path: String, suite: CaseSuite) throws {
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw DataError(file: path, message: "cannot be read: give the path of a file that --json has written")
    }
    if let fault = try ReportCheck(contents).faults.first {
      let message = "\(fault); 'bokbok conformance check-report' tells all that is wrong with it"
      throw DataError(file: path, message: message)
    }
    let lines = try contents.split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
    let digest = lines.first?["suite"]?.string ?? ""
    guard digest == suite.digest else {
      let message = """
        is of a run with other cases: their digest is \(digest), and here it is \(suite.digest). Use the command that wrote \
        it, or give its cases with --cases-folder
        """
      throw DataError(file: path, message: message)
    }
    try self.init(lines, suite: suite, file: path)
  }

  /// What the lines of a report say that has been checked. Throws ``DataError`` if they name a case that is not there.
  private init(_ lines: [JSON], suite: CaseSuite, file: String) throws {
    guard let header = lines.first, let footer = lines.last else {
      throw DataError(file: file, message: "has no header and footer")
    }
    let items = Dictionary(uniqueKeysWithValues: suite.cases.map { ($0.id, $0) })
    let configurations = Dictionary(uniqueKeysWithValues: Configuration.everywhere.map { ($0.path, $0) })
    var results: [CaseResult] = []
    var isStrict = false
    for (index, line) in lines.enumerated().dropFirst().dropLast() {
      guard let item = line["case"]?.string.flatMap({ items[$0] }),
        let configuration = line["configuration"]?.string.flatMap({ configurations[$0] }),
        let state = line["state"]?.string.flatMap(CaseResult.State.init)
      else {
        let message = "is about a case or a configuration that is not there: \(line["path"]?.string ?? "")"
        throw DataError(file: file, place: "line \(index + 1)", message: message)
      }
      let duration = Duration.milliseconds(line["milliseconds"]?.integer ?? 0)
      var result = CaseResult(item: item, configuration: configuration, state: state, duration: duration)
      result.problem = line["problem"].map(CaseResult.Problem.init)
      result.firstAttempt = line["firstAttempt"].map(CaseResult.Problem.init)
      result.excuse = line["excuse"]?.string
      results.append(result)
      // The report does not say whether the run was strict; what is red does.
      if line["red"]?.bool == true, item.level == .should, result.excuse == nil { isStrict = true }
    }
    let version = header["suiteVersion"]
    self.init(
      implementation: header["implementation"]?.string ?? "",
      declaration: try header["testee"]?.object.map(Declaration.init),
      suiteDigest: suite.digest,
      suiteVersion: version?["number"]?.integer.map { number in
        SuiteVersion(number: number, published: version?["published"]?.string)
      },
      suiteCaseCount: header["suiteCases"]?.integer ?? suite.cases.count,
      results: results,
      uselessExcuses: (footer["uselessExcuses"]?.array ?? []).compactMap(\.string),
      unplayedTransports: (footer["unplayedTransports"]?.array ?? []).compactMap(\.string),
      unmadeCount: footer["notRun"]?.integer ?? 0,
      isStrict: isStrict,
      duration: .milliseconds(footer["milliseconds"]?.integer ?? 0)
    )
    ending = RunEnding(footer)
    level = header["level"]?.string.flatMap(Configuration.Level.init) ?? .live
    splitting = header["split"]?.string.flatMap(Splitting.init) ?? .whole
  }
}

extension Declaration {
  /// What the header of a report says.
  fileprivate init(_ testee: JSON.Object) throws {
    var testee = testee
    testee["contract"] = .integer(Self.contractVersion)
    try self.init(reply: ["ok": .object(testee)])
  }
}

extension CaseResult.Problem {
  /// What a line of a report says.
  fileprivate init(_ json: JSON) {
    self.init(expected: json["expected"]?.string ?? "", got: json["got"]?.string ?? "")
    clause = json["clause"]?.string
    step = json["step"]?.string
    stepSource = json["stepSource"]?.string
    capsulePath = json["capsule"]?.string
    errorText = json["standardError"]?.string ?? ""
    trace = CaseTrace(lines: (json["trace"]?.array ?? []).compactMap(\.string))
  }
}
