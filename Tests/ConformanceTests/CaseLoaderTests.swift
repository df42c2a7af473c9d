import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

@Suite struct CaseLoaderTests {
  private static func loader() throws -> CaseLoader {
    try CaseLoader(specification: try SpecificationIndex.embedded())
  }

  private static func file(_ cases: String...) -> [UInt8] {
    Array("{\"subject\": \"frames\", \"cases\": [\(cases.joined(separator: ", "))]}".utf8)
  }

  static func oneCase(
    id: String = "P-1/a-ping",
    clauses: String = "\"P-1.a\"",
    steps: String = "{ \"fence\": {} }",
    more: String = ""
  ) -> String {
    """
    { "id": "\(id)", "title": "A PING is answered", "clauses": [\(clauses)], "why": "Whoever asks has to get an answer.",\(more)
      "steps": [\(steps)] }
    """
  }

  /// Judges memory.
  static let bounded = """
    { "repeat": { "times": 8, "memory": { "bytesPerRepetitionMax": 1, "timesMax": 64 }, "steps": [{ "fence": {} }] } }
    """
  static let unix = " \"transports\": [\"unix\"],"

  /// The command does not check what it carries each time that it begins.
  @Test func theCasesThatTheCommandCarriesFitTheSchema() throws {
    let checked = try Self.loader().suite(inDirectory: "\(Project.root)/\(CaseLoader.folder)")
    let carried = try Self.loader().embeddedSuite()
    #expect(carried.digest == checked.digest)
    #expect(carried.cases.map(\.id) == checked.cases.map(\.id))
  }

  @Test func aGoodCaseIsTaken() throws {
    let cases = try Self.loader().load(Self.file(Self.oneCase()), file: "x.json")
    #expect(cases.map(\.id) == ["P-1/a-ping"])
    #expect(!cases[0].boundsMemory)
    let bounded = Self.oneCase(steps: "{ \"fence\": {} }, \(Self.bounded)", more: Self.unix)
    #expect(try Self.loader().load(Self.file(bounded), file: "x.json")[0].boundsMemory)
  }

  @Test(arguments: [
    (CaseLoaderTests.oneCase(clauses: "\"P-1.z\""), "P-1.z"),
    (CaseLoaderTests.oneCase(clauses: ""), "clauses"),
    (CaseLoaderTests.oneCase(id: "P-99/a-ping"), "P-99"),
    (CaseLoaderTests.oneCase(clauses: "\"F-1.a\""), "P-1"),
    (CaseLoaderTests.oneCase(more: " \"tilte\": \"x\","), "tilte"),
    (CaseLoaderTests.oneCase(steps: "{ \"fnece\": {} }"), "fnece"),
    (CaseLoaderTests.oneCase(steps: "{ \"fence\": { \"now\": true } }"), "now"),
    (CaseLoaderTests.oneCase(steps: CaseLoaderTests.bounded), "not for the transport stdio"),
    (
      CaseLoaderTests.oneCase(steps: "\(CaseLoaderTests.bounded), { \"fence\": {} }", more: CaseLoaderTests.unix),
      "last step"
    ),
    (
      CaseLoaderTests.oneCase(
        steps: "{ \"repeat\": { \"times\": 2, \"steps\": [\(CaseLoaderTests.bounded)] } }",
        more: CaseLoaderTests.unix
      ),
      "no part of another"
    ),
    (
      CaseLoaderTests.oneCase(
        steps: CaseLoaderTests.bounded.replacing("\"times\": 8", with: "\"times\": 80"),
        more: CaseLoaderTests.unix
      ),
      "timesMax"
    ),
  ])
  func aWrongCaseIsAnErrorThatNamesFileCaseAndFault(text: String, fault: String) throws {
    let loader = try Self.loader()
    let error = #expect(throws: DataError.self) { try loader.load(Self.file(text), file: "x.json") }
    let description = try #require(error).description
    #expect(description.contains("x.json"))
    #expect(description.contains(fault), "\(description)")
  }

  @Test func anIDThatStandsTwiceIsAnError() throws {
    let loader = try Self.loader()
    let files = [("a.json", Self.file(Self.oneCase())), ("b.json", Self.file(Self.oneCase()))]
    let error = #expect(throws: DataError.self) { try loader.suite(of: files.map { (name: $0.0, contents: $0.1) }) }
    #expect(try #require(error).description.contains("stands twice"))
  }

  @Test func textThatIsNotJSONIsAnError() throws {
    let loader = try Self.loader()
    #expect(throws: DataError.self) { try loader.load(Array("{".utf8), file: "x.json") }
  }

  /// The command carries each file of the folders, and what it carries is the file.
  @Test(
    arguments: [
      "Harness/Cases", "Harness/Implementations", "Harness/Recordings", "Harness/Capsules", "Harness/Faults",
      "Harness/Coverage", "Harness/Interop",
    ]
  )
  func embeddedFilesAreThoseOfTheFolder(folder: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(Project.root)/\(folder)")
      .filter { $0.hasSuffix(".json") }.sorted()
    #expect(!names.isEmpty)
    #expect(EmbeddedFiles.paths(in: folder, suffix: ".json") == names.map { "\(folder)/\($0)" })
    for name in names {
      let file = try #require(FileManager.default.contents(atPath: "\(Project.root)/\(folder)/\(name)"))
      #expect(EmbeddedFiles.contents(of: "\(folder)/\(name)") == Array(file), "\(name)")
    }
    let schema = try #require(FileManager.default.contents(atPath: "\(Project.root)/\(TesteeContract.schemaPath)"))
    #expect(EmbeddedFiles.contents(of: TesteeContract.schemaPath) == Array(schema))
  }
}
