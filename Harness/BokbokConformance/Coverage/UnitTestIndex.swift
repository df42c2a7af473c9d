internal import Foundation

/// Which unit tests name which clause: a data file that is made of the tests' source texts, so that a command that has
/// none of them can tell.
package struct UnitTestIndex: Equatable, Sendable {
  package static let path = "Harness/Coverage/unit-tests.json"
  package static let schemaPath = "Harness/Coverage/unit-tests.schema.json"
  /// Where the tests' source texts stand, from the project's root.
  static let testsFolder = "Tests"

  private let entries: [String: [UnitTest]]

  private init(_ findings: [(clause: String, test: UnitTest)]) {
    var entries: [String: Set<UnitTest>] = [:]
    for (clause, test) in findings { entries[clause, default: []].insert(test) }
    self.entries = entries.mapValues { $0.sorted() }
  }

  /// The tests in the source texts of the project in a folder. Throws ``DataError`` if a text cannot be read, or names a
  /// clause that the specification does not have.
  package init(scanning project: String, specification: SpecificationIndex) throws(DataError) {
    let folder = "\(project)/\(Self.testsFolder)"
    let names: [String]
    do {
      names = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }.sorted()
    } catch {
      let message = "cannot be read: this needs the project's sources, run it in the project's folder"
      throw DataError(file: folder, message: message)
    }
    guard !names.isEmpty else { throw DataError(file: folder, message: "holds no Swift source file") }
    var findings: [(clause: String, test: UnitTest)] = []
    for name in names {
      guard let contents = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
        throw DataError(file: "\(folder)/\(name)", message: "cannot be read")
      }
      let text = String(decoding: contents, as: UTF8.self)
      findings += try UnitTestScanner.scan(text, file: "\(Self.testsFolder)/\(name)")
    }
    self.init(findings)
    try check(specification)
  }

  /// The file's contents. Throws ``DataError`` where they break the schema, or name a clause that the specification does
  /// not have.
  package init(_ contents: [UInt8], file: String, specification: SpecificationIndex) throws(DataError) {
    let document: JSON
    do {
      document = try JSON(parsing: contents)
      let schema = try JSONSchema.embedded(Self.schemaPath)
      if let fault = schema.faults(of: document).first { throw fault }
    } catch {
      throw DataError(file: file, message: "\(error)")
    }
    let members = document["clauses"]?.object?.members ?? []
    self.init(
      members.flatMap { clause, tests in
        (tests.array ?? []).map { test in
          (clause, UnitTest(file: test["file"]?.string ?? "", suite: test["suite"]?.string, test: test["test"]?.string))
        }
      }
    )
    try check(specification)
  }

  /// The index that the command carries.
  package static func embedded(_ specification: SpecificationIndex) throws(DataError) -> UnitTestIndex {
    guard let contents = EmbeddedFiles.contents(of: path) else {
      throw DataError(file: path, message: "the command does not carry this file")
    }
    return try UnitTestIndex(contents, file: path, specification: specification)
  }

  private func check(_ specification: SpecificationIndex) throws(DataError) {
    for (clause, tests) in entries.sorted(by: { $0.key < $1.key }) where !specification.contains(clause) {
      throw DataError(
        file: tests.first?.file ?? Self.path,
        place: tests.first?.name,
        message: "the specification has no clause \(clause)"
      )
    }
  }

  /// The clauses that some test names.
  package var clauses: Set<String> { Set(entries.keys) }

  /// The tests that name a clause, in order.
  package func tests(of clause: String) -> [UnitTest] { entries[clause] ?? [] }

  /// How many tests and suites there are.
  var count: Int { Set(entries.values.joined()).count }

  /// The file: a line for each test, in the order of the specification, so that two who add tests seldom meet.
  package func text(_ specification: SpecificationIndex) -> String {
    let clauses = specification.ids.filter { entries[$0] != nil }.map { clause in
      let lines = tests(of: clause).map { "      " + $0.json.encodedText }
      return "    \"\(clause)\": [\n" + lines.joined(separator: ",\n") + "\n    ]"
    }
    return "{\n  \"clauses\": {\n" + clauses.joined(separator: ",\n") + "\n  }\n}\n"
  }

  /// What another index has and this one has not, a line for each.
  package func missing(from other: UnitTestIndex) -> [String] {
    other.entries.sorted { $0.key < $1.key }.flatMap { clause, tests in
      tests.filter { !self.tests(of: clause).contains($0) }.map { "\(clause): \($0.file): \($0.name)" }
    }
  }
}
