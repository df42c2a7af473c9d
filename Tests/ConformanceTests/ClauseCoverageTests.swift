import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// Every clause of the specification is proved by a unit test that names it, or by a conformance case.
@Suite struct ClauseCoverageTests {
  @Test func everyClauseHasATestOrACase() throws {
    let coverage = try ClauseCoverage()
    #expect(coverage.gaps.compactMap(\.gap).isEmpty)
    #expect(coverage.clauses.map(\.id) == (try SpecificationIndex.embedded()).ids)
    #expect(coverage.clauses.count { !$0.tests.isEmpty } > 200, "the traits of the tests are not found")
    #expect(coverage.clauses.count { !$0.cases.isEmpty } > 200, "the cases are not found")
    #expect(Set(coverage.clauses.flatMap(\.faults).map(\.id)).count > 200, "the faults are not found")
    #expect(Set(coverage.clauses.flatMap(\.vectors).map(\.id)).count > 150, "the vectors are not found")
  }

  /// The command tells what the tests say now, not what they said once.
  @Test func theUnitTestsThatTheCommandCarriesAreThoseOfTheSources() throws {
    let specification = try SpecificationIndex.embedded()
    let scanned = try UnitTestIndex(scanning: Project.root, specification: specification)
    let embedded = try UnitTestIndex.embedded(specification)
    #expect(embedded.missing(from: scanned).isEmpty, "bokbok conformance unit-tests --write")
    #expect(scanned.missing(from: embedded).isEmpty, "bokbok conformance unit-tests --write")
    let contents = EmbeddedFiles.contents(of: UnitTestIndex.path) ?? []
    #expect(String(decoding: contents, as: UTF8.self) == scanned.text(specification))
  }

  /// The faults without the project's sources are those of the kill matrix.
  @Test func theFaultsThatTheCommandCarriesAreThoseOfTheKillMatrix() throws {
    let specification = try SpecificationIndex.embedded()
    let loader = FaultLoader(root: Project.root, specification: specification)
    let faults = try loader.faults(inDirectory: "\(Project.root)/\(FaultLoader.folder)")
    #expect(try FaultLoader.embeddedFaults(specification).map(\.id) == faults.map(\.id))
  }

  @Test func aClauseThatNothingProvesIsAGapThatSaysWhatToDo() throws {
    let bytes = try #require(EmbeddedFiles.contents(of: SpecificationIndex.path))
    let text = String(decoding: bytes, as: UTF8.self) + "\n- **F-99.a** Nothing proves this. *(wire)*\n"
    let coverage = try ClauseCoverage(specification: SpecificationIndex(parsing: text))
    #expect(coverage.gaps.map(\.id) == ["F-99.a"])
    #expect(coverage.exitStatus == 1)
    let report = CoverageReport(coverage)
    let lines = report.lines
    #expect(lines.contains("Gaps: 1"))
    #expect(lines.contains { $0.contains("F-99.a has no case and no unit test that names it") })
    #expect(lines.joined().contains(".clauses(\"F-99.a\")"))
    #expect(report.json["gaps"]?.array == ["F-99.a"])
    #expect(CoverageHTMLReport(coverage: coverage).text().contains("<li>F-99.a has no case and no unit test"))
  }

  /// A case of the level should fails no run: it proves nothing.
  @Test func aClauseWithNothingButACaseOfTheLevelShouldIsAGap() throws {
    let text = "- **F-1.a** Frames. *(wire)*\n- **F-2.a** Violations. *(wire)*\n"
    let specification = try SpecificationIndex(parsing: text)
    let items = ["should", "must"].enumerated().map { index, level in
      """
      {"id": "F-\(index + 1)/x", "title": "Something holds here", "clauses": ["F-\(index + 1).a"], "level": "\(level)",
       "why": "Because the clause says so.", "steps": [\(index == 0 ? "{\"fence\": {}}" : "{\"violation\": {}}")]}
      """
    }
    let file = "{\"subject\": \"frames\", \"cases\": [\(items.joined(separator: ", "))]}"
    let suite = try CaseLoader(specification: specification).suite(of: [(name: "x.json", contents: Array(file.utf8))])
    let tests = try UnitTestIndex(Array("{\"clauses\": {}}".utf8), file: "t.json", specification: specification)
    let coverage = ClauseCoverage(specification: specification, suite: suite, vectors: [], faults: [], tests: tests)
    #expect(coverage.gaps.map(\.id) == ["F-1.a"])
    #expect(coverage.gaps.first?.gap?.hasPrefix("F-1.a has only cases of the level should and no unit test") == true)
    #expect(coverage.clauses.map(\.isPositiveOnly) == [true, false])
  }

  @Test func theReportForProgramsFitsItsSchemaAndTheOneForPeopleItsTerminal() throws {
    let report = CoverageReport(try ClauseCoverage())
    let schema = try JSONSchema(JSON(parsing: try #require(EmbeddedFiles.contents(of: CoverageReport.schemaPath))))
    #expect(schema.faults(of: report.json).isEmpty)
    #expect(report.lines.allSatisfy { $0.count <= 80 })
  }

  /// H-7.c: the only secrets that the library gives to a handshake are new ones of the system's random source.
  @Test(.clauses("H-7.c"))
  func handshakesOfTheLibraryTakeOnlySystemRandomness() throws {
    var uses = 0
    for path in try Self.swiftFiles(in: "Sources/Bokbok") {
      let text = try String(contentsOfFile: path, encoding: .utf8)
      for line in text.split(separator: "\n") {
        let code = line.trimmingCharacters(in: .whitespaces)
        guard code.hasPrefix("ephemeral:") || code.hasPrefix("sessionKey:") else { continue }
        uses += 1
        #expect(code.contains(": try SecretBytes.random(count:"), "\(path): \(code)")
      }
    }
    #expect(uses == 3)  // two of a client, one of a server
  }

  private static func swiftFiles(in folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: "\(Project.root)/\(folder)")
      .filter { $0.hasSuffix(".swift") }
      .map { "\(Project.root)/\(folder)/\($0)" }
  }
}
