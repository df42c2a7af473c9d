internal import Foundation

/// The ledger of a folder of case files, for those who change cases.
public struct LedgerFile {
  private let path: String
  private let cases: [Case]
  private var ledger: CaseLedger

  /// Reads the cases and the ledger of a folder.
  ///
  /// - Throws: an error for people if a file cannot be read or is wrong. That the cases do not agree with the ledger is
  ///   no error here.
  public init(casesDirectory: String) throws {
    let loader = try CaseLoader(specification: try SpecificationIndex.embedded())
    let suite = try loader.uncheckedSuite(inDirectory: casesDirectory)
    guard let ledger = suite.ledger else {
      throw DataError(file: "\(casesDirectory)/\(CaseLedger.path)", message: "there is no ledger")
    }
    self.path = "\(casesDirectory)/\(CaseLedger.path)"
    self.cases = suite.cases
    self.ledger = ledger
  }

  /// Where the cases do not agree with the ledger, a line for each.
  public var disagreements: [String] { ledger.disagreements(with: cases).map { "\($0)" } }

  /// The state in a line.
  public var summary: String {
    let withdrawn = ledger.entries.values.count { $0.withdrawal != nil }
    let version = SuiteVersion(ledger.newest)
    return "suite version \(version): \(ledger.entries.count - withdrawn) cases, \(withdrawn) withdrawn"
  }

  /// Adds new ids, and revisions where a reason is given.
  public mutating func update(reason: String?) { ledger.update(with: cases, reason: reason) }

  /// Withdraws a published case.
  ///
  /// - Throws: an error for people if it cannot be withdrawn.
  public mutating func withdraw(_ id: String, reason: String, replacement: [String]) throws {
    try ledger.withdraw(id, reason: reason, replacement: replacement)
  }

  /// Publishes the newest version on a day, written as `2026-01-31`.
  ///
  /// - Throws: an error for people if there is nothing to publish, or the cases do not agree with the ledger.
  public mutating func publish(on day: String) throws { try ledger.publish(on: day, with: cases) }

  /// Writes the file.
  ///
  /// - Throws: an error for people if it cannot be written.
  public func write() throws { try RunSurroundings.write(ledger.text, to: path) }
}
