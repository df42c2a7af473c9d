import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// A testee that answers late gets a clear verdict: it passes where all of it is slow, as on a slow machine, and fails where
/// only that is late which was waited for.
///
/// The testees are the bundled one, of which every line comes through a shell. These runs mostly wait.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["BOKBOK_SLOW_TESTS"] != nil))
struct LateTesteeTests {
  /// The one case of a run with a time limit of a second, and the footer.
  private static func run(delaying delay: String) async throws -> (status: Int32, line: JSON, footer: JSON) {
    let folder = try ScratchFolder()
    var options = ConformanceOptions()
    options.testee = .shell(
      "'\(Project.command)' testee | while read -r line; do \(delay) printf '%s\\n' \"$line\"; done"
    )
    options.casesDirectory = try folder.copyCases(of: "ping")
    options.casePatterns = ["P-1/pong"]
    options.configurationPatterns = ["plain/unix/server"]
    options.jsonPath = "\(folder.path)/report"
    options.timeLimit = .seconds(1)
    options.showsTraces = false
    let status = await ConformanceRun(options).run()
    let text = try String(contentsOfFile: "\(folder.path)/report", encoding: .utf8)
    let lines = try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
    try #require(lines.count == 3)
    return (status, lines[1], lines[2])
  }

  @Test func whatIsSlowThroughoutPassesWithLimitsThatFollowIt() async throws {
    let (status, line, footer) = try await Self.run(delaying: "sleep 0.2;")
    #expect(status == 0)
    #expect(line["state"] == "pass")
    #expect((footer["pace"]?["roundTripMicroseconds"]?.integer ?? 0) >= 200_000)
    #expect((footer["pace"]?["stretchPercent"]?.integer ?? 0) > 100)
  }

  /// The events of a connection come a minute late, and the replies to commands at once.
  @Test func anEventThatIsLateWhileCommandsAreAnsweredFailsTheCase() async throws {
    let late = #"case $line in *'"event"'*) (sleep 60; printf '%s\n' "$line") & continue;; esac;"#
    let (status, line, _) = try await Self.run(delaying: late)
    #expect(status == 1)
    #expect(line["state"] == "fail")
    #expect(line["problem"]?["expected"] == "the testee to report the connection as open")
    #expect(line["problem"]?["got"]?.string?.hasSuffix(", while the testee answers its commands") == true)
    #expect(line["firstAttempt"] != nil)
  }

  /// Quick until it is told to listen, and then it answers nothing in time: no machine can be told from that.
  @Test func repliesThatAreAllLateLeaveTheCaseWithoutAVerdict() async throws {
    let late = #"case $line in *'"server":'*) sleep 60;; esac;"#
    let (status, line, _) = try await Self.run(delaying: late)
    #expect(status == 3)
    #expect(line["state"] == "inconclusive")
    #expect(line["problem"]?["expected"] == "the reply to listen")
    #expect(line["problem"]?["got"]?.string?.contains("does not answer its commands either") == true)
    #expect(line["firstAttempt"] != nil)
  }
}
