internal import Foundation

/// The data file that tells which unit test names which clause, for those who change tests.
public struct UnitTestFile {
  private let path: String
  private let specification: SpecificationIndex
  private let tests: UnitTestIndex

  /// Reads the source texts of the tests of the project in a folder.
  ///
  /// - Throws: an error for people if there are none, one cannot be read, or one names a clause that the specification
  ///   does not have.
  public init(projectDirectory: String) throws {
    specification = try SpecificationIndex.embedded()
    tests = try UnitTestIndex(scanning: projectDirectory, specification: specification)
    path = "\(projectDirectory)/\(UnitTestIndex.path)"
  }

  /// How much the tests name, in a line.
  public var summary: String {
    "\(tests.count) unit tests and suites name \(tests.clauses.count) of \(specification.ids.count) clauses"
  }

  /// Where the file does not say what the tests say, a line for each, and first what to do; empty if it is up to date.
  public var differences: [String] {
    let remedy = "bokbok conformance unit-tests --write brings it up to date"
    guard let contents = FileManager.default.contents(atPath: path) else { return ["\(path) is not there: \(remedy)"] }
    guard contents != Data(tests.text(specification).utf8) else { return [] }
    let head = "\(path) is out of date: \(remedy)"
    // One of an older form, or with a clause that is gone, is out of date too.
    guard let old = try? UnitTestIndex(Array(contents), file: path, specification: specification) else { return [head] }
    return [head] + old.missing(from: tests).map { "  not in the file: \($0)" }
      + tests.missing(from: old).map { "  not in the tests: \($0)" }
  }

  /// Writes the file.
  ///
  /// - Throws: an error for people if it cannot be written.
  public func write() throws { try RunSurroundings.write(tests.text(specification), to: path) }
}
