import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// Every clause of the specification is proved by a test that names it in its trait, or by a conformance case.
@Suite struct ClauseCoverageTests {
  /// Clauses that nothing proves yet, and why. An entry whose clause is proved after all is an error too.
  private static let notYet: [String: String] = [:]

  @Test func everyClauseHasATestOrACase() throws {
    let specification = try SpecificationIndex.embedded()
    let tests = try Self.clausesOfTests()
    let cases = Set(try CaseLoader(specification: specification).embeddedSuite().cases.flatMap(\.clauses))
    #expect(tests.count > 200, "the traits of the tests are not found")

    let unknown = tests.filter { !specification.contains($0) }.sorted()
    #expect(unknown.isEmpty, "tests name clauses that the specification does not have")

    let proved = tests.union(cases)
    let missing = specification.ids.filter { !proved.contains($0) && Self.notYet[$0] == nil }
    #expect(missing.isEmpty, "clauses without a test or a case")

    let excusedForNothing = Self.notYet.keys.filter { proved.contains($0) }.sorted()
    #expect(excusedForNothing.isEmpty, "clauses that are proved and still stand in the list of those that are not")
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

  /// The clauses that unit tests name in their traits.
  static func clausesOfTests() throws -> Set<String> {
    var clauses: Set<String> = []
    for path in try swiftFiles(in: "Tests") {
      let text = try String(contentsOfFile: path, encoding: .utf8)
      for trait in text.matches(of: /\.clauses\(([^)]*)\)/) {
        for id in trait.output.1.matches(of: /"([A-Z]-[0-9]+\.[a-z])"/) { clauses.insert(String(id.output.1)) }
      }
    }
    return clauses
  }

  private static func swiftFiles(in folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: "\(Project.root)/\(folder)")
      .filter { $0.hasSuffix(".swift") }
      .map { "\(Project.root)/\(folder)/\($0)" }
  }
}
