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
    cases: [String] = ["P-1/*"],
    timeLimit: Duration = .seconds(1)
  ) async throws -> (status: Int32, report: String) {
    let folder = try ScratchFolder()
    let path = "\(folder.path)/report"
    var options = ConformanceOptions()
    if cases.allSatisfy({ $0.hasPrefix("P-") }) { options.casesDirectory = try folder.copyCases(of: "ping") }
    options.testee = .shell(testee)
    options.casePatterns = cases
    options.configurationPatterns = ["plain/unix/server"]
    options.jsonPath = path
    options.timeLimit = timeLimit
    options.showsTraces = false
    let status = await ConformanceRun(options).run()
    let report = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return (status, report)
  }

  @Test(arguments: [
    "true", "no-such-command-anywhere", "cat", "echo garbage", "sleep 600",
    "while read line; do echo '{\"seq\":1,\"ok\":{}}'; done",
  ])
  func theRunEndsAndDoesNotPass(testee: String) async throws {
    let (status, report) = try await Self.run(testee)
    #expect([1, 2, 3].contains(status))
    #expect(!report.contains(#""state":"pass""#))
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

  /// The kit begins each process with an echo that is no case. What a testee still reports of that is no part of the case.
  @Test func aTesteeThatDoesNotEchoYetPassesWhatAsksForNoEcho() async throws {
    let script = #"""
      cd '\#(Project.root)/Harness' && PYTHONPATH=Peers/python exec python3 -c '
      source = open("Examples/minimal_testee.py").read()
      assert "return payload\n" in source
      exec(source.replace("return payload\n", "return payload[1:]\n"))'
      """#
    let cases = ["P-1/pong", "X-1/any-ids", "S-2/settings-in-any-order"]
    let (status, report) = try await Self.run(script, cases: cases, timeLimit: .seconds(10))
    #expect(status == 1)
    let pong = report.split(separator: "\n").first { $0.contains(#""case":"P-1/pong""#) }
    #expect(pong?.contains(#""state":"pass""#) == true, "\(report)")
    #expect(report.contains("its value is not (echo x)"), "\(report)")
    #expect(report.contains(#"{\"kind\":\"RESPONSE\",\"value\":\"(echo still-here)\"}"#), "\(report)")
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

  /// With each command it opens one more and keeps it.
  @Test func descriptorsThatGrowWithEachCaseAreItsFailure() async throws {
    let script = """
      import json, os, runpy
      loads = json.loads
      def leak(*arguments, **options):
          os.open("/dev/null", os.O_RDONLY)
          return loads(*arguments, **options)
      json.loads = leak
      runpy.run_path("Examples/minimal_testee.py", run_name="__main__")
      """
    let testee = "cd '\(Project.root)/Harness' && PYTHONPATH=Peers/python exec python3 -c '\(script)'"
    let (status, report) = try await Self.run(testee, timeLimit: .seconds(10))
    #expect(status == 1)
    #expect(report.contains(#"new ones, also when the case was played again: "#), "\(report.prefix(2000))")
    #expect(report.contains(": /dev/null"))
    #expect(!report.contains(#""state":"pass""#))
  }

  @Test func theBundledTesteePasses() async throws {
    let (status, report) = try await Self.run("'\(Project.command)' testee", timeLimit: .seconds(10))
    #expect(status == 0)
    #expect(report.contains(#""state":"pass""#))
  }
}
