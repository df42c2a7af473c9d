import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// A testee that does not keep the contract gets a clear verdict, and the run ends.
///
/// Whole runs of the kit hold up the threads that other tests need: they run by themselves, where `BOKBOK_SLOW_TESTS` is
/// set.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["BOKBOK_SLOW_TESTS"] != nil))
struct BadTesteeTests {
  private static func run(
    _ testee: String,
    timeLimit: Duration = .seconds(1)
  ) async throws -> (status: Int32, report: String) {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-report-\(UUID().uuidString)").path
    var options = ConformanceOptions()
    options.testee = .shell(testee)
    options.casePatterns = ["P-1/*"]
    options.configurationPatterns = ["plain/unix/server"]
    options.jsonPath = path
    options.timeLimit = timeLimit
    options.showsTraces = false
    let status = await ConformanceRun(options).run()
    let report = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    try? FileManager.default.removeItem(atPath: path)
    return (status, report)
  }

  @Test(arguments: [
    "true", "no-such-command-anywhere", "cat", "echo garbage", "sleep 600",
    "while read line; do echo '{\"seq\":1,\"ok\":{}}'; done",
  ])
  func theRunEndsAndDoesNotPass(testee: String) async throws {
    let (status, report) = try await Self.run(testee)
    #expect([1, 2, 3].contains(status))
    #expect(!report.contains("\"pass\""))
  }

  /// A hello that promises what the commands then refuse, and testees that stop after it.
  @Test(arguments: [
    ("echo '{\"seq\":'$seq',\"error\":{\"kind\":\"unsupported\"}}'", "unsupported"),
    ("exit 7", "crashed"),
    ("kill -9 $$", "crashed"),
    ("echo garbage", "fail"),
    ("sleep 600", "inconclusive"),
  ])
  func whatATesteeDoesAfterHelloIsItsVerdict(afterwards: String, state: String) async throws {
    let hello =
      #"{"contract":1,"name":"x","version":"1","roles":["server"],"transports":["unix"],"#
      + #""security":["plain"],"features":[]}"#
    let script = """
      while read -r line; do seq=${line#*seq\\":}; seq=${seq%%,*}; case $line in \
      *'"hello"'*) echo '{"seq":'$seq',"ok":\(hello)}';; \
      *canary*) echo '{"seq":'$seq',"error":{"kind":"unsupported"}}';; \
      *'"quit"'*) exit 0;; \
      *) \(afterwards);; esac; done
      """
    let (status, report) = try await Self.run(script)
    #expect(status == (state == "inconclusive" ? 3 : 1))
    #expect(report.contains("\"\(state)\""), "\(report.prefix(2000))")
    #expect(!report.contains("\"state\":\"pass\""))
  }

  @Test func theFirstLookSaysWhatWorksAndWhatDoesNot() async throws {
    var options = ConformanceOptions()
    options.testee = .shell("'\(Project.command)' testee")
    #expect(await ConformanceSmoke(options).run() == 0)
    let example = "cd '\(Project.root)/Harness' && PYTHONPATH=Peers/python exec python3 Examples/minimal_testee.py"
    options.testee = .shell(example)
    #expect(await ConformanceSmoke(options).run() == 0)
    options.testee = .shell("cat")
    #expect(await ConformanceSmoke(options).run() == 1)
  }

  @Test func theBundledTesteePasses() async throws {
    let (status, report) = try await Self.run("'\(Project.command)' testee", timeLimit: .seconds(10))
    #expect(status == 0)
    #expect(report.contains("\"pass\""))
  }
}
