import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// A page is made again of the report for programs.
@Suite struct SavedReportTests {
  private static let cases = """
    {"subject": "ping", "cases": [
      {"id": "P-1/wrong", "title": "A PING is answered", "clauses": ["P-1.a"], "why": "It tells which PING is meant.",
       "steps": [{"send": {"kind": "PING", "body": {"text": "abcdefgh"}}},
                 {"expect": {"kind": "PONG", "body": {"text": "</table>"}}}]},
      {"id": "P-1/should", "title": "A PING is answered", "clauses": ["P-1.a"], "level": "should", "why": "It tells which PING is meant.",
       "steps": [{"expect": {"kind": "CANCEL", "id": 99}}]},
      {"id": "P-1/right", "title": "A PING is answered", "clauses": ["P-1.a"], "why": "It tells which PING is meant.",
       "steps": [{"send": {"kind": "PING", "body": {"text": "abcdefgh"}}},
                 {"expect": {"kind": "PONG", "body": {"text": "abcdefgh"}}}]}
    ]}
    """

  /// A folder with the report and the page of a run in which cases fail.
  private static func folder(isStrict: Bool) async throws -> ScratchFolder {
    let folder = try ScratchFolder()
    try folder.write(cases, to: "cases/ping.json")
    var options = ConformanceOptions()
    options.level = .core
    options.casesDirectory = "\(folder.path)/cases"
    options.isStrict = isStrict
    options.jsonPath = "\(folder.path)/report.jsonl"
    options.htmlPath = "\(folder.path)/page.html"
    options.junitPath = "\(folder.path)/run.xml"
    #expect(await ConformanceRun(options).run() == 1)
    return folder
  }

  private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// Without the traces, of which the report has only lines.
  private static func withoutTraces(_ page: String) -> String {
    page.replacing(#/<table class="trace">(?s:.*?)</table>/#, with: "")
  }

  /// Makes the reports again, as `again.html` and `again.xml`.
  private static func again(_ folder: ScratchFolder, including included: [String] = []) -> Int32 {
    var options = ConformanceOptions()
    options.casesDirectory = "\(folder.path)/cases"
    options.htmlPath = "\(folder.path)/again.html"
    options.junitPath = "\(folder.path)/again.xml"
    options.includedPaths = included
    return SavedReport("\(folder.path)/report.jsonl", options).run()
  }

  @Test(arguments: [false, true])
  func theReportsAreThoseOfTheRun(isStrict: Bool) async throws {
    let folder = try await Self.folder(isStrict: isStrict)
    #expect(Self.again(folder) == 0)
    let (page, again) = (try Self.text("\(folder.path)/page.html"), try Self.text("\(folder.path)/again.html"))
    #expect(Self.withoutTraces(again) == Self.withoutTraces(page))
    expectAlone(again)
    let trace = try #require(again.firstMatch(of: #/<table class="trace">((?s:.*?))</table>/#)?.output.1)
    #expect(trace.contains("<td class=\"kit\">") && trace.contains("<td class=\"testee\">"))
    #expect(trace.contains("PING") && trace.contains("PONG"))
    // The sum of times that are cut to milliseconds may be another.
    let times = #/ time="[0-9.]+"/#
    let (xml, xmlAgain) = (try Self.text("\(folder.path)/run.xml"), try Self.text("\(folder.path)/again.xml"))
    #expect(xmlAgain.replacing(times, with: "") == xml.replacing(times, with: ""))
  }

  @Test func whatOtherRunsFoundIsIncluded() async throws {
    let folder = try await Self.folder(isStrict: false)
    try folder.write(KillMatrixPageTests.document.encodedText, to: "faults.json")
    #expect(Self.again(folder, including: ["\(folder.path)/faults.json"]) == 0)
    let page = try Self.text("\(folder.path)/again.html")
    #expect(page.contains("✗ Not killed: 4 of 6 trials"))
    expectAlone(page)
    #expect(Self.again(folder, including: ["\(folder.path)/report.jsonl"]) == 2)
  }

  @Test func aReportOfOtherCasesIsAnErrorThatSaysWhatToDo() async throws {
    let folder = try await Self.folder(isStrict: false)
    let suite = try CaseLoader(specification: SpecificationIndex.embedded()).embeddedSuite()
    let error = try #require(throws: DataError.self) {
      try RunSummary(file: "\(folder.path)/report.jsonl", suite: suite)
    }
    #expect(error.description.contains("is of a run with other cases"))
    #expect(error.description.contains("--cases-folder"))
  }

  @Test func aReportThatWasCutOffIsAnError() async throws {
    let folder = try await Self.folder(isStrict: false)
    let suite = try CaseLoader(specification: SpecificationIndex.embedded()).embeddedSuite()
    let lines = try Self.text("\(folder.path)/report.jsonl").split(separator: "\n").dropLast()
    try folder.write(lines.joined(separator: "\n") + "\n", to: "cut.jsonl")
    let error = try #require(throws: DataError.self) { try RunSummary(file: "\(folder.path)/cut.jsonl", suite: suite) }
    #expect(error.description.contains("no footer follows"))
    let missing = try #require(throws: DataError.self) { try RunSummary(file: "/no/such/file", suite: suite) }
    #expect(missing.description.contains("cannot be read"))
  }

  /// The rows come back from the lines that they were written as.
  @Test(arguments: [
    ("    3 ms a kit →        0  00 01                      PING", TraceRow.Side.kit, "a" as String?),
    ("   12 ms b kit   ←      8  00                         PONG", .testee, "b"),
    (" 1200 ms command  {\"seq\":1}", .command, nil),
    ("    0 ms testee   {\"seq\":1}", .answer, nil),
    ("    4 ms a        the stream ended", .remark, "a"),
    ("what no kit writes", .remark, nil),
  ])
  func aRowIsReadAsItWasWritten(line: String, side: TraceRow.Side, connection: String?) {
    let row = TraceRow(line: line)
    #expect(row.side == side)
    #expect(row.connection == connection)
    if line.contains(" ms ") { #expect(row.line == line) }
  }
}
