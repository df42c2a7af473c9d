import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

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

  /// A footer says how the run ended in one way only.
  @Test(arguments: [
    ("\"ended\":\"complete\"", "\"ended\":\"interrupted\""),
    ("\"ended\":\"complete\"", "\"ended\":\"interrupted\",\"signal\":\"SIGINT\""),
    ("\"ended\":\"complete\"", "\"ended\":\"stopped\",\"reason\":\"there is no testee\""),
    ("\"ended\":\"complete\"", "\"ended\":\"complete\",\"signal\":\"SIGINT\""),
    ("\"ended\":\"complete\",", ""),
    ("\"notRun\":0", "\"notRun\":1"),
    ("\"exitStatus\":0", "\"exitStatus\":130"),
  ])
  func aFooterThatContradictsItselfIsAnError(original: String, replacement: String) async throws {
    var lines = try await Self.report()
    let last = lines.count - 1
    try #require(lines[last].contains(original))
    lines[last] = lines[last].replacingOccurrences(of: original, with: replacement)
    #expect(try Self.faults(lines).contains { $0.hasPrefix("line \(last + 1): ") })
  }

  @Test func aRunThatASignalEndedIsNamed() async throws {
    var lines = try await Self.report()
    let last = lines.count - 1
    lines[last] = lines[last].replacingOccurrences(
      of: "\"ended\":\"complete\",\"notRun\":0",
      with: "\"ended\":\"interrupted\",\"signal\":\"SIGTERM\",\"notRun\":1"
    ).replacingOccurrences(of: "\"exitStatus\":0", with: "\"exitStatus\":143")
    let check = try ReportCheck(Array((lines.joined(separator: "\n") + "\n").utf8))
    #expect(check.faults == [])
    #expect(check.incompleteness == "interrupted by SIGTERM: 1 run was not made")
  }

  // MARK: The matrices

  private static let matrix = IncludedDocumentTests.matrix.map(\.encodedText)

  @Test func theReportOfAnInteropMatrixIsCheckedToo() throws {
    let check = try ReportCheck(Array((Self.matrix.joined(separator: "\n") + "\n").utf8))
    #expect(check.faults == [])
    #expect(check.summary == "interop matrix of 2 implementations: 2 lines: 1 fail, 1 pass")
    #expect(check.incompleteness == nil)
    #expect(try Self.faults(Self.matrix, end: "") == ["line 4: has no line feed at its end: the report was cut off"])
    #expect(try Self.faults(Self.matrix.dropLast()).contains { $0.hasPrefix("line 3: no footer follows") })
    let twice = Self.matrix[...1] + Self.matrix[1...]
    #expect(
      try Self.faults(Array(twice)).contains { $0.hasPrefix("line 3: ") && $0.hasSuffix("has a line already, 2") }
    )
  }

  @Test(arguments: [
    (1, #""state":"pass""#, #""state":"well""#, "line 2: "),
    (1, #""client":"one""#, #""client":"two""#, "line 2: the path one/two/sealed/unix/identity is not its client"),
    (1, #""state":"pass""#, #""state":"fail""#, "line 2: one/two/sealed/unix/identity is fail and says no problem"),
    (3, #""fail":1"#, #""fail":2"#, "line 4: the footer counts 2 times fail, and the lines say 1"),
    (3, #""exitStatus":1"#, #""exitStatus":0"#, "line 4: the run failed, and its exit status is not 1"),
    (3, #""ended":"complete","#, "", "line 4: "),
    (3, #""notRun":0"#, #""notRun":1"#, "line 4: "),
    (3, #""ended":"complete""#, #""ended":"interrupted""#, "line 4: "),
    (3, #""exitStatus":1"#, #""exitStatus":130"#, "line 4: "),
  ])
  func anInteropMatrixThatContradictsItselfIsAnError(
    index: Int,
    original: String,
    replacement: String,
    fault: String
  ) throws {
    var lines = Self.matrix
    try #require(lines[index].contains(original))
    lines[index] = lines[index].replacingOccurrences(of: original, with: replacement)
    let faults = try Self.faults(lines)
    #expect(faults.contains { $0.hasPrefix(fault) }, "\(faults)")
  }

  @Test func anInteropMatrixThatASignalEndedIsNamed() throws {
    var lines = Self.matrix
    lines[3] = lines[3].replacingOccurrences(
      of: #""ended":"complete","notRun":0"#,
      with: #""ended":"interrupted","signal":"SIGINT","notRun":7"#
    ).replacingOccurrences(of: #""exitStatus":1"#, with: #""exitStatus":130"#)
    let check = try ReportCheck(Array((lines.joined(separator: "\n") + "\n").utf8))
    #expect(check.faults == [])
    #expect(check.incompleteness == "interrupted by SIGINT: 7 scenarios were not played")
  }

  @Test func aKillMatrixIsCheckedToo() throws {
    let text = KillMatrixPageTests.document.encodedText
    let check = try ReportCheck(Array((text + "\n").utf8))
    #expect(check.faults == [])
    let told = "2 killed, 1 by survival checks only, 1 survived, 1 broken, 1 not decided"
    #expect(check.summary == "kill matrix: 6 trials: \(told)")
    #expect(check.incompleteness == nil)
    let ended = text.replacingOccurrences(
      of: #""ended":"complete","notRun":0"#,
      with: #""ended":"interrupted","signal":"SIGTERM","notRun":1"#
    )
    #expect(try ReportCheck(Array(ended.utf8)).incompleteness == "interrupted by SIGTERM: 1 trial was not made")
    #expect(try Self.faults([text, "{}"]) == ["something follows the object, which must be alone"])
    #expect(try Self.faults([String(text.dropLast())]) != [])
  }

  @Test(arguments: [
    (#""survived":1"#, #""survived":0"#, "survived is 0, and the trials say 1"),
    (#""faults":4"#, #""faults":5"#, "faults is 5, and the trials say 4"),
    (#""clauses":3"#, #""clauses":2"#, "clauses is 2, and the trials say 3"),
    (#""fault":"F-1.b/late""#, #""fault":"F-1.a/late""#, "F-1.a/late is said to break F-1.b"),
    (#""role":"client""#, #""role":"server""#, "F-1.a/quiet (server) stands twice"),
    (#""ended":"complete""#, #""ended":"stopped""#, "ended: "),
    (#""notRun":0"#, #""notRun":1"#, ""),
    (#""ended":"complete","#, "", ""),
  ])
  func aKillMatrixThatContradictsItselfIsAnError(original: String, replacement: String, fault: String) throws {
    let text = KillMatrixPageTests.document.encodedText
    try #require(text.contains(original))
    let faults = try Self.faults([text.replacingOccurrences(of: original, with: replacement)])
    #expect(!faults.isEmpty)
    #expect(faults.contains { $0.hasPrefix(fault) }, "\(faults)")
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
