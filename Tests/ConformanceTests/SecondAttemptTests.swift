import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// A case that had too little time is judged by a second attempt, alone and with longer time limits.
///
/// Whole runs of the kit hold up the threads that other tests need: they run by themselves, where `BOKBOK_SLOW_TESTS` is
/// set.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["BOKBOK_SLOW_TESTS"] != nil))
struct SecondAttemptTests {
  /// Runs a case of all server configurations against a testee whose first processes answer commands, but let listen wait
  /// for ever; later ones are the bundled testee.
  private static func run(
    casePattern: String,
    slowProcessCount: Int
  ) async throws -> (status: Int32, cases: [[String: Any]], footer: [String: Any]) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let hello =
      #"{"contract":1,"name":"x","version":"1","roles":["server"],"transports":["tcp","unix"],"#
      + #""security":["plain","sealed"],"features":[]}"#
    let script = """
      number=1
      until mkdir '\(folder)/process-'$number 2>/dev/null; do number=$((number + 1)); done
      if [ $number -gt \(slowProcessCount) ]; then exec '\(Project.command)' testee; fi
      while read -r line; do seq=${line#*seq\\":}; seq=${seq%%,*}; case $line in \
      *'"hello"'*) echo '{"seq":'$seq',"ok":\(hello)}';; \
      *canary*) echo '{"seq":'$seq',"error":{"kind":"unsupported"}}';; \
      *'"quit"'*) exit 0;; \
      esac; done
      """
    var options = ConformanceOptions()
    options.testee = .shell(script)
    options.casePatterns = [casePattern]
    options.configurationPatterns = ["*/server"]
    options.jobCount = 4
    options.timeLimit = .milliseconds(500)
    options.jsonPath = folder + "/report"
    options.showsTraces = false
    let status = await ConformanceRun(options).run()
    let report = try String(contentsOfFile: folder + "/report", encoding: .utf8)
    let lines = try report.split(separator: "\n").map { line in
      try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    let cases = lines.filter { $0["type"] as? String == "case" && $0["state"] as? String != "not-declared" }
    return (status, cases, try #require(lines.last))
  }

  @Test func whatPassesAtTheSecondAttemptPassesAndTheReportShowsTheFirst() async throws {
    // The first process only says what it can; then there are two for each of the four configurations: one with which the
    // kit's own first connection fails, and one that plays the case.
    let (status, cases, footer) = try await Self.run(casePattern: "P-1/pong", slowProcessCount: 9)
    #expect(status == 0)
    #expect(cases.count == 4)
    for result in cases {
      #expect(result["state"] as? String == "pass")
      let first = try #require(result["firstAttempt"] as? [String: Any])
      #expect((first["got"] as? String ?? "").contains("while the testee answers its commands"))
    }
    let pace = try #require(footer["pace"] as? [String: Any])
    #expect((pace["roundTripMicroseconds"] as? Int ?? 0) > 0)
    #expect((pace["stretchPercent"] as? Int ?? 0) >= 100)
  }

  @Test func whatTimesOutTwiceFailsAndATesteeThatAlwaysDoesEndsTheAttempts() async throws {
    let (status, cases, _) = try await Self.run(casePattern: "P-1/*", slowProcessCount: 1_000_000)
    #expect(status == 1)
    #expect(cases.count > 8)
    #expect(cases.allSatisfy { $0["state"] as? String == "fail" })
    #expect(cases.count { $0["firstAttempt"] != nil } == 8)
    let rest = cases.filter { $0["firstAttempt"] == nil }
    for result in rest {
      let problem = try #require(result["problem"] as? [String: Any])
      #expect((problem["got"] as? String ?? "").contains("not run again"))
    }
  }
}
