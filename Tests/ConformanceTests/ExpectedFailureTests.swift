import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// The list of failures that an implementation's manifest expects, in a run against the bundled testee.
@Suite struct ExpectedFailureTests {
  /// Demands what no one does, and what everyone does.
  private static let cases = """
    {"subject": "expected", "cases": [
      {"id": "P-1/never", "title": "Demands what no one does", "clauses": ["P-1.a"], "why": "What no one does fails everywhere.",
       "steps": [{"expect": {"kind": "CANCEL", "id": 99}}]},
      {"id": "P-1/always", "title": "Demands nothing but the settings", "clauses": ["P-1.a"], "why": "What demands nothing passes everywhere.", "steps": [{"fence": {}}]}
    ]}
    """

  /// What a run with these expected failures, as patterns and reasons, ends with and writes.
  private static func run(
    _ expected: [String: String]
  ) async throws -> (status: Int32, cases: [String: [String: Any]], footer: [String: Any], junit: String) {
    let folder = try ScratchFolder()
    let manifest: [String: Any] = [
      "name": "bundled", "language": "Swift", "command": [Project.command, "testee"],
      "expectedFailures": expected.map { ["case": $0, "reason": $1] },
    ]
    let text = String(decoding: try JSONSerialization.data(withJSONObject: manifest), as: UTF8.self)
    try folder.write(text, to: "bundled.json")
    let suite = try ScratchFolder()
    try suite.write(cases, to: "expected.json")
    var options = ConformanceOptions()
    options.testee = .manifest("\(folder.path)/bundled.json")
    options.casesDirectory = suite.path
    options.configurationPatterns = ["plain/unix/server"]
    options.timeLimit = .milliseconds(500)
    options.jsonPath = "\(folder.path)/report.jsonl"
    options.junitPath = "\(folder.path)/report.xml"
    options.showsTraces = false
    let status = await ConformanceRun(options).run()
    let report = try String(contentsOfFile: "\(folder.path)/report.jsonl", encoding: .utf8)
    let lines = try report.split(separator: "\n").map { line in
      try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    var cases: [String: [String: Any]] = [:]
    for line in lines where line["type"] as? String == "case" { cases[line["case"] as? String ?? ""] = line }
    let junit = try String(contentsOfFile: "\(folder.path)/report.xml", encoding: .utf8)
    return (status, cases, try #require(lines.last), junit)
  }

  @Test func aFailureThatIsExpectedLeavesTheRunGreenAndStandsInEachReport() async throws {
    let (status, cases, footer, junit) = try await Self.run(["P-1/never": "known <to> us all"])
    #expect(status == 0)
    #expect(cases["P-1/never"]?["state"] as? String == "fail")
    #expect(cases["P-1/never"]?["red"] as? Bool == false)
    #expect(footer["uselessExcuses"] as? [String] == [])
    #expect(junit.contains("<skipped message=\"fail: expected to fail (known &lt;to&gt; us all)"))
    #expect(junit.contains("failures=\"0\""))
  }

  @Test func aCaseThatPassesThoughItIsExpectedToFailTurnsTheRunRed() async throws {
    let (status, cases, _, junit) = try await Self.run(["P-1/never": "known to us", "P-1/always": "it is not so"])
    #expect(status == 1)
    #expect(cases["P-1/always"]?["red"] as? Bool == true)
    #expect(junit.contains("failures=\"1\""))
  }

  @Test func anExpectedFailureThatMatchesNoCaseTurnsTheRunRedInEachReport() async throws {
    let (status, _, footer, junit) = try await Self.run(["P-1/never": "known to us", "P-1/nevr*": "it is misspelt"])
    #expect(status == 1)
    #expect(footer["uselessExcuses"] as? [String] == ["P-1/nevr*"])
    #expect(footer["exitStatus"] as? Int == 1)
    #expect(junit.contains("<testsuite name=\"expected failures\" tests=\"1\" failures=\"1\""))
    #expect(
      junit.contains("<failure type=\"fail\" message=\"the expected failure &quot;P-1/nevr*&quot; matches no case\"/>")
    )
  }
}
