/// Tells what proves each clause of the specification, and fails where nothing does. It needs nothing but what the
/// command carries.
public struct CoverageRun: Sendable {
  /// Where the result is written as JSON: a path, or `-` for standard output, which then holds nothing else. Default:
  /// nowhere.
  public var jsonPath: String?

  /// Where the result is written as one HTML page: a path. Default: nowhere.
  public var htmlPath: String?

  /// A folder whose case files replace the embedded ones. Default: the embedded ones.
  public var casesDirectory: String?

  /// The defaults of every option.
  public init() {}

  /// Prints a summary of each section, the clauses that only positive cases prove, and the gaps.
  ///
  /// - Returns: the exit status of the command: 0 if each clause has a case of the level `must` or a unit test that names
  ///   it; 1 if one has neither; 2 if the data are wrong or a file cannot be written.
  public func run() -> Int32 {
    do {
      try RunSurroundings.checkReportPaths(jsonPath, htmlPath)
      let coverage = try ClauseCoverage(casesDirectory: casesDirectory)
      let report = CoverageReport(coverage)
      if jsonPath == "-" {
        print(report.json.encodedText)
      } else {
        print(report.lines.joined(separator: "\n"))
        if let jsonPath { try RunSurroundings.write(report.json.encodedText + "\n", to: jsonPath) }
      }
      if let htmlPath { try RunSurroundings.write(CoverageHTMLReport(coverage: coverage).text(), to: htmlPath) }
      return coverage.exitStatus
    } catch {
      return RunSurroundings.exitStatus(complainingOf: error)
    }
  }
}
