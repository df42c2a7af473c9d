import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// The kill matrix takes only faults that can be planted, and tells of those that no case finds.
///
/// The trials themselves start Python and run cases: they run where `BOKBOK_SLOW_TESTS` is set.
@Suite struct KillMatrixTests {
  private static let runsTrials = ProcessInfo.processInfo.environment["BOKBOK_SLOW_TESTS"] != nil

  /// Runs the matrix with this text as its one file of faults.
  private static func status(
    of faults: String,
    cases: String? = nil
  ) async throws -> (status: Int32, report: String, page: String, xml: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-faults-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(faults.utf8).write(to: folder.appendingPathComponent("faults.json"))
    var options = KillMatrixOptions()
    options.projectDirectory = Project.root
    options.faultsDirectory = folder.path
    if let cases {
      let casesFolder = folder.appendingPathComponent("cases")
      try FileManager.default.createDirectory(at: casesFolder, withIntermediateDirectories: true)
      try Data(cases.utf8).write(to: casesFolder.appendingPathComponent("ping.json"))
      options.casesDirectory = casesFolder.path
    }
    options.jsonPath = folder.appendingPathComponent("report").path
    options.htmlPath = folder.appendingPathComponent("page").path
    options.junitPath = folder.appendingPathComponent("xml").path
    options.timeLimit = .seconds(10)
    let status = await KillMatrix(options).run()
    func text(_ name: String) -> String {
      FileManager.default.contents(atPath: folder.appendingPathComponent(name).path)
        .map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    return (status, text("report"), text("page"), text("xml"))
  }

  private static func faults(
    id: String = "P-1.a/planted",
    clause: String = "P-1.a",
    find: String = "body=frame.body",
    put: String = "body=bytes(8)"
  ) -> String {
    """
    {"subject": "faults", "faults": [{"id": "\(id)", "clause": "\(clause)", "roles": ["server"], "file": "machine.py",
      "find": "\(find)", "put": "\(put)", "why": "A fault for the test."}]}
    """
  }

  /// The usual fault, and one more.
  private static func twoFaults(_ id: String, put: String) -> String {
    let (first, second) = (faults(), faults(id: id, put: put))
    let start = "\"faults\": ["
    let parts = [first, second].map { text in
      text.components(separatedBy: start)[1].trimmingCharacters(in: .whitespacesAndNewlines).dropLast(2)
    }
    return "{\"subject\": \"faults\", \(start)\(parts.joined(separator: ", "))]}"
  }

  /// What the tests take for wrong is wrong for one reason.
  @Test func twoDifferentFaultsCanBePlanted() throws {
    let folder = try ScratchFolder()
    try folder.write(Self.twoFaults("P-1.a/again", put: "body=bytes(9)"), to: "faults.json")
    let loader = FaultLoader(root: Project.root, specification: try SpecificationIndex.embedded())
    #expect(try loader.faults(inDirectory: folder.path).map(\.id) == ["P-1.a/planted", "P-1.a/again"])
  }

  @Test(arguments: [
    "no JSON",
    #"{"subject": "faults", "faults": []}"#,
    faults(id: "without-a-clause"),
    faults(id: "P-1.z/planted", clause: "P-1.z"),
    faults(id: "P-1.b/planted"),
    faults(find: "what the text does not hold"),
    faults(find: "self"),
    faults(find: "body=frame.body", put: "body=frame.body"),
    // Twice the same id, with another edit, and the same edit with another id.
    twoFaults("P-1.a/planted", put: "body=bytes(9)"), twoFaults("P-1.a/again", put: "body=bytes(8)"),
    // A member that the schema does not know.
    faults().replacingOccurrences(of: #""why":"#, with: #""reason": "", "why":"#),
  ])
  func aFaultThatCannotBePlantedIsAnError(faults: String) async throws {
    #expect(try await Self.status(of: faults).status == 2)
  }

  @Test(.enabled(if: runsTrials)) func aFaultThatACaseOfItsClauseFindsIsKilled() async throws {
    let (status, report, page, xml) = try await Self.status(of: Self.faults())
    #expect(status == 0)
    #expect(report.contains(#""outcome":"killed""#))
    #expect(page.contains("✓ Every fault was killed") && page.contains("✓ killed<br><code>P-1/"))
    #expect(xml.contains(#"tests="1" failures="0" errors="0""#))
  }

  @Test(.enabled(if: runsTrials)) func aFaultThatNoCaseFindsFailsTheRun() async throws {
    let (status, report, page, xml) = try await Self.status(of: Self.faults(put: "body=bytes(frame.body)"))
    #expect(status == 1)
    #expect(report.contains(#""outcome":"survived""#) && report.contains(#""played":["P-1/"#))
    #expect(page.contains(#"<details open class="case" id="fault-P-1.a/planted-server">"#))
    #expect(page.contains("What was played") && page.contains("<li><code>P-1/"))
    #expect(xml.contains(#"<failure type="survived" message="survived: A fault for the test.">played P-1/"#))
  }

  @Test(.enabled(if: runsTrials)) func nothingIsTriedWhereTheTesteeWithoutAFaultFails() async throws {
    let cases = """
      {"subject": "ping", "cases": [
        {"id": "P-1/wrong", "title": "A PING is answered", "clauses": ["P-1.a"], "why": "It tells which PING is meant.",
         "steps": [{"send": {"kind": "PING", "body": {"text": "abcdefgh"}}},
                   {"expect": {"kind": "PONG", "body": {"text": "hgfedcba"}}}]}
      ]}
      """
    let (status, report, page, xml) = try await Self.status(of: Self.faults(), cases: cases)
    #expect(status == 1)
    #expect(report.contains(#""testeeFailures":[{"case":"P-1/wrong/"#) && report.contains(#""trials":[]"#))
    #expect(page.contains("✗ Nothing was tried"))
    #expect(xml.contains(#"<testsuite name="testee without a fault""#))
  }

  @Test(.enabled(if: runsTrials)) func anEditThatStumblesOverItselfProvesNothing() async throws {
    let (status, report, page, xml) = try await Self.status(of: Self.faults(put: "body=no_such_name"))
    #expect(status == 2)
    #expect(report.contains(#""outcome":"broken""#))
    #expect(page.contains("✗ broken") && page.contains("NameError"))
    #expect(xml.contains(#"<error type="broken""#) && xml.contains("NameError"))
  }
}
