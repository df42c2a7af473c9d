import BokbokTestSupport
import Foundation
import Testing

@Suite(.timeLimit(.minutes(3)))
struct CoverageCommandTests {
  private static let oneCase = """
    {"subject": "frames", "cases": [{"id": "F-1/x", "title": "A fence holds here", "clauses": ["F-1.a"],
     "why": "Because the clause says so.", "steps": [{"fence": {}}]}]}
    """

  @Test func `the data that the command carries have no gap`() async throws {
    let folder = try ScratchFolder()
    let result = try await run(
      "conformance",
      "--coverage",
      "--json",
      folder.file("c.json"),
      "--html",
      folder.file("c.html")
    )
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("No gap: each clause has a case of the level must or a unit test."))
    let data = try #require(FileManager.default.contents(atPath: folder.file("c.json")))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect((object["gaps"] as? [String])?.isEmpty == true)
    let clauses = try #require(object["clauses"] as? [[String: Any]])
    let first = try #require(clauses.first { $0["clause"] as? String == "F-1.f" })
    for name in ["cases", "vectors", "faults", "unitTests"] {
      #expect((first[name] as? [Any])?.isEmpty == false, "\(name)")
    }
    let page = try String(contentsOfFile: folder.file("c.html"), encoding: .utf8)
    #expect(page.contains("✓ No gap"))
    #expect(page.contains(">F-1.f</th>"))
  }

  @Test func `a clause that only a case proved is a gap without that case, and ends with 1`() async throws {
    let folder = try ScratchFolder()
    try folder.write(Self.oneCase, to: "frames.json")
    let result = try await run("conformance", "--coverage", "--cases-folder", folder.path)
    #expect(result.status == 1)
    let gap = try #require(result.output.split(separator: "\n").first { $0.contains(" has no case and no unit test") })
    let clause = try #require(gap.split(separator: " ").first)
    #expect(result.output.contains(".clauses(\"\(clause)\")"))
    let json = try await run("conformance", "--coverage", "--cases-folder", folder.path, "--json", "-")
    #expect(json.status == 1)
    #expect(json.output.contains(#""gap":"\#(clause) has no case"#))
  }

  @Test func `a list of unit tests that is out of date ends with 1, says what to do, and is written`() async throws {
    let folder = try ScratchFolder()
    for name in ["Tests", "Harness/Coverage"] {
      try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
    }
    let list = "Harness/Coverage/unit-tests.json"
    try folder.write(#"@Suite struct S { @Test(.clauses("F-1.a")) func one() {} }"#, to: "Tests/S.swift")
    let missing = try await run("conformance", "unit-tests", "--project-folder", folder.path)
    #expect(missing.status == 1)
    #expect(missing.output.contains("is not there: bokbok conformance unit-tests --write brings it up to date"))

    let written = try await run("conformance", "unit-tests", "--project-folder", folder.path, "--write")
    #expect(written.status == 0)
    #expect(written.output.hasPrefix("1 unit tests and suites name 1 of "))
    #expect(try await run("conformance", "unit-tests", "--project-folder", folder.path).status == 0)
    let text = try String(contentsOfFile: folder.file(list), encoding: .utf8)
    #expect(text.contains(#"{"file":"Tests/S.swift","suite":"S","test":"one"}"#))

    try folder.write(#"@Suite struct S { @Test(.clauses("F-1.b")) func two() {} }"#, to: "Tests/S.swift")
    let old = try await run("conformance", "unit-tests", "--project-folder", folder.path)
    #expect(old.status == 1)
    #expect(old.output.contains("\(list) is out of date: bokbok conformance unit-tests --write"))
    #expect(old.output.contains("not in the file: F-1.b: Tests/S.swift: S: two"))
    #expect(old.output.contains("not in the tests: F-1.a: Tests/S.swift: S: one"))
    #expect(try String(contentsOfFile: folder.file(list), encoding: .utf8) == text)
  }

  @Test func `sources that are not there end with 65 and say where to run it`() async throws {
    let folder = try ScratchFolder()
    let result = try await run("conformance", "unit-tests", "--project-folder", folder.path)
    #expect(result.status == 65)
    #expect(result.errors.contains("run it in the project's folder"))
  }
}
