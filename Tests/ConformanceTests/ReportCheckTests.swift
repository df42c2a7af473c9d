import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// A report that a program may rely on, and those on which it may not.
@Suite struct ReportCheckTests {
  /// A report of a real run on the core alone, line by line.
  private static func report(_ change: (inout ConformanceOptions) -> Void = { _ in }) async throws -> [String] {
    let folder = try ScratchFolder()
    var options = ConformanceOptions()
    options.level = .core
    options.casePatterns = ["P-1/*", "O-3/*"]
    options.jsonPath = "\(folder.path)/report.jsonl"
    change(&options)
    _ = await ConformanceRun(options).run()
    let contents = try #require(FileManager.default.contents(atPath: "\(folder.path)/report.jsonl"))
    return String(decoding: contents, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private static func faults(_ lines: [String], end: String = "\n") throws -> [String] {
    try ReportCheck(Array((lines.joined(separator: "\n") + end).utf8)).faults
  }

  @Test func theReportOfARunIsWhole() async throws {
    let lines = try await Self.report()
    let check = try ReportCheck(Array((lines.joined(separator: "\n") + "\n").utf8))
    #expect(check.faults == [])
    #expect(check.summary.contains("\(lines.count - 2) lines"))
  }

  @Test func theReportOfAFailingRunIsWholeToo() async throws {
    let folder = try ScratchFolder()
    let text = """
      {"subject": "reports", "cases": [{"id": "P-1/never", "title": "Demands what no one does", "clauses": ["P-1.a"], "why": "The report tells it.",
        "steps": [{"expect": {"kind": "CANCEL", "id": 99}}]}]}
      """
    try folder.write(text, to: "reports.json")
    let lines = try await Self.report { options in
      options.casesDirectory = folder.path
      options.casePatterns = []
      options.showsTraces = false
    }
    #expect(lines.contains { $0.contains("\"fail\"") })
    #expect(try Self.faults(lines) == [])
  }

  @Test func aReportWithoutAFooterIsAnError() async throws {
    let lines = try await Self.report()
    let faults = try Self.faults(Array(lines.dropLast()))
    #expect(
      faults == ["line \(lines.count - 1): no footer follows: the run did not end, and its report proves nothing"]
    )
  }

  @Test func aReportThatIsCutOffAnywhereIsAnError() async throws {
    let text = try await Self.report().joined(separator: "\n") + "\n"
    let bytes = Array(text.utf8)
    for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 40)) {
      #expect(try !ReportCheck(bytes[..<count]).faults.isEmpty, "\(count) of \(bytes.count) bytes")
    }
    #expect(try !ReportCheck(bytes.dropLast()).faults.isEmpty)
  }

  @Test func aLineThatStandsTwiceIsAnError() async throws {
    var lines = try await Self.report()
    lines.insert(lines[1], at: 2)
    let faults = try Self.faults(lines)
    #expect(faults.contains { $0.hasPrefix("line 3: ") && $0.hasSuffix("has a line already, 2") })
  }

  @Test func aLineThatIsMissingDoesNotAgreeWithTheFooter() async throws {
    var lines = try await Self.report()
    lines.remove(at: 1)
    #expect(try Self.faults(lines).contains { $0.contains("the footer counts") })
  }

  @Test func aFailureThatTheFooterDoesNotKnowIsAnError() async throws {
    var lines = try await Self.report()
    lines[1] = lines[1].replacingOccurrences(of: "\"red\":false", with: "\"red\":true")
    let faults = try Self.faults(lines)
    #expect(faults.contains { $0.hasSuffix("the run failed, and its exit status is not 1") })
  }

  @Test(arguments: [
    ("\"state\":\"pass\"", "\"state\":\"passed\""),
    ("\"red\":false", "\"red\":\"no\""),
    ("\"milliseconds\":", "\"seconds\":"),
    ("\"type\":\"case\"", "\"type\":\"result\""),
  ])
  func aLineOfAnotherFormIsAnError(original: String, replacement: String) async throws {
    var lines = try await Self.report()
    try #require(lines[1].contains(original))
    lines[1] = lines[1].replacingOccurrences(of: original, with: replacement)
    #expect(try Self.faults(lines).contains { $0.hasPrefix("line 2: ") })
  }

  @Test func whatFollowsTheFooterIsAnError() async throws {
    let lines = try await Self.report()
    #expect(try Self.faults(lines + [lines[1]]).contains { $0.contains("stands behind the footer") })
  }

  @Test(arguments: ["", "\n", "garbage\n"])
  func whatIsNoReportIsAnError(text: String) throws {
    #expect(try !ReportCheck(Array(text.utf8)).faults.isEmpty)
  }
}
