/// Checks a report for programs, of this kit or of another: the form of each line, and that the lines agree. It may be of a
/// run of cases, of the interop matrix, or of the kill matrix.
///
/// `Harness/Reports/FORMAT.md`, `Harness/Interop/FORMAT.md` and `Harness/Faults/FORMAT.md` say what such a report is.
public struct ReportCheck: Sendable {
  package static let schemaPath = "Harness/Reports/report.schema.json"

  /// What is wrong, in the order of the lines, each with its line's number; empty for a report that is as it should be.
  public let faults: [String]
  /// The report in one line, for people; empty where there is no footer to tell it.
  public let summary: String
  /// Why the run did not come to its end, as the report says; nil for one that did, and where nothing tells.
  public let incompleteness: String?

  /// Checks a report's text.
  ///
  /// - Parameter text: the report's bytes in UTF-8.
  /// - Throws: an error with the reason if the kit's own schema cannot be used.
  public init(_ text: some Collection<UInt8>) throws {
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let first = lines.first.flatMap { try? JSON(parsing: Array($0)) }
    if let document = first, document["trials"] != nil {
      let check = try KillMatrixCheck(document, isAlone: lines.dropFirst().allSatisfy(\.isEmpty))
      (faults, summary, incompleteness) = (check.faults, check.summary, check.incompleteness)
      return
    }
    var reader = try ReportReader(first?["kind"] == "interop-matrix" ? .interopMatrix : .cases)
    for (index, line) in lines.enumerated() { reader.take(Array(line), number: index + 1) }
    reader.finish()
    faults = reader.faults
    summary = reader.summary
    incompleteness = reader.incompleteness
  }
}
