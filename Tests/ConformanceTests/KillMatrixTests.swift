import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// The kill matrix takes only faults that can be planted, and tells of those that no case finds.
///
/// The trials themselves start Python and run cases: they run where `BOKBOK_SLOW_TESTS` is set.
@Suite struct KillMatrixTests {
  private static let runsTrials = ProcessInfo.processInfo.environment["BOKBOK_SLOW_TESTS"] != nil

  /// Runs the matrix with this text as its one file of faults.
  private static func status(of faults: String) async throws -> (status: Int32, report: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-faults-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(faults.utf8).write(to: folder.appendingPathComponent("faults.json"))
    var options = KillMatrixOptions()
    options.projectDirectory = Project.root
    options.faultsDirectory = folder.path
    options.jsonPath = folder.appendingPathComponent("report").path
    options.timeLimit = .seconds(10)
    let status = await KillMatrix(options).run()
    let report = FileManager.default.contents(atPath: folder.appendingPathComponent("report").path)
    return (status, report.map { String(decoding: $0, as: UTF8.self) } ?? "")
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

  @Test(arguments: [
    "no JSON",
    #"{"subject": "faults", "faults": []}"#,
    faults(id: "without-a-clause"),
    faults(id: "P-1.z/planted", clause: "P-1.z"),
    faults(id: "P-1.b/planted"),
    faults(find: "what the text does not hold"),
    faults(find: "self"),
    faults(find: "body=frame.body", put: "body=frame.body"),
  ])
  func aFaultThatCannotBePlantedIsAnError(faults: String) async throws {
    #expect(try await Self.status(of: faults).status == 2)
  }

  @Test(.enabled(if: runsTrials)) func aFaultThatACaseOfItsClauseFindsIsKilled() async throws {
    let (status, report) = try await Self.status(of: Self.faults())
    #expect(status == 0)
    #expect(report.contains(#""outcome":"killed""#))
  }

  @Test(.enabled(if: runsTrials)) func aFaultThatNoCaseFindsFailsTheRun() async throws {
    let (status, report) = try await Self.status(of: Self.faults(put: "body=bytes(frame.body)"))
    #expect(status == 1)
    #expect(report.contains(#""outcome":"survived""#))
  }

  @Test(.enabled(if: runsTrials)) func anEditThatStumblesOverItselfProvesNothing() async throws {
    let (status, report) = try await Self.status(of: Self.faults(put: "body=no_such_name"))
    #expect(status == 2)
    #expect(report.contains(#""outcome":"broken""#))
  }
}
