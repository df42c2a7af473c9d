import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// A testee that does not keep the contract over standard input and output gets a clear verdict, and the run ends.
///
/// Whole runs of the kit hold up the threads that other tests need: they run by themselves, where `BOKBOK_SLOW_TESTS` is
/// set.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["BOKBOK_SLOW_TESTS"] != nil))
struct BadStandardStreamTesteeTests {
  /// How one run ended.
  private struct Outcome {
    let status: Int32
    /// The states of the cases that were declared.
    let states: Set<String>
    let report: String
  }

  /// Runs cases against a script that answers `hello` and the canary, on standard input and output or, with `--stdio`, on
  /// descriptor 3.
  ///
  /// - Parameters:
  ///   - atStart: what it does when it has been started with `--stdio`, before it answers anything.
  ///   - afterHello: what it does then, once it has answered `hello`.
  ///   - otherwise: what it does for any other command.
  private static func run(
    role: String,
    atStart: String = ":",
    afterHello: String = ":",
    otherwise: String = #"echo '{"seq":'$seq',"ok":{}}' >&6"#,
    casePattern: String = "P-1/pong"
  ) async throws -> Outcome {
    let hello =
      #"{"contract":1,"name":"x","version":"1","roles":["server","client"],"transports":["stdio"],"#
      + #""security":["plain"],"features":["control-fd","exec"]}"#
    let script = """
      if [ "$1" = --stdio ]; then \(atStart); exec 5<&3 6>&3; else exec 5<&0 6>&1; fi
      while read -r line <&5; do seq=${line#*seq\\":}; seq=${seq%%,*}; case $line in
      *'"hello"'*) echo '{"seq":'$seq',"ok":\(hello)}' >&6; if [ "$1" = --stdio ]; then \(afterHello); fi;;
      *canary*) echo '{"seq":'$seq',"error":{"kind":"unsupported"}}' >&6;;
      *'"quit"'*) exit 0;;
      *) \(otherwise);; esac; done
      """
    return try await run(role: role, script: script, timeLimit: .milliseconds(500), casePattern: casePattern)
  }

  private static func run(
    role: String,
    script: String,
    timeLimit: Duration,
    casePattern: String = "P-1/pong"
  ) async throws -> Outcome {
    let scratch = try ScratchFolder()
    let folder = scratch.path
    try scratch.write(script, to: "testee.sh")
    var options = ConformanceOptions()
    if casePattern.hasPrefix("P-") { options.casesDirectory = try scratch.copyCases(of: "ping") }
    options.testee = .shell("sh '\(folder)/testee.sh'")
    options.casePatterns = [casePattern]
    options.configurationPatterns = ["plain/stdio/\(role)"]
    options.jsonPath = folder + "/report"
    options.timeLimit = timeLimit
    options.showsTraces = false
    let status = await ConformanceRun(options).run()
    let report = try String(contentsOfFile: folder + "/report", encoding: .utf8)
    let states = try report.split(separator: "\n").compactMap { line -> String? in
      let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      return object["type"] as? String == "case" ? object["state"] as? String : nil
    }
    return Outcome(status: status, states: Set(states), report: report)
  }

  @Test(arguments: [
    // Started, and nothing more: whether it is only slow nobody knows.
    ("sleep 600", "inconclusive"),
    ("exit 7", "crashed"),
    ("kill -9 $$", "crashed"),
    ("exec 3>&-", "crashed"),
    ("echo garbage >&3", "fail"),
  ])
  func aProcessThatDoesNotStartWell(atStart: String, state: String) async throws {
    let outcome = try await Self.run(role: "server", atStart: atStart)
    #expect(outcome.status == (state == "inconclusive" ? 3 : 1))
    #expect(outcome.states == [state], "\(outcome.report.prefix(2000))")
  }

  @Test(arguments: [
    // It answers its commands, and never looks at the connection.
    (":", "fail"),
    ("echo garbage", "fail"),
    ("exec 0<&- 1>&-", "fail"),
    ("exit 7", "crashed"),
    ("kill -9 $$", "crashed"),
    ("sleep 600", "inconclusive"),
    ("echo garbage >&6", "fail"),
  ])
  func aServerThatDoesNotServe(afterHello: String, state: String) async throws {
    let outcome = try await Self.run(role: "server", afterHello: afterHello)
    #expect(outcome.status == (state == "inconclusive" ? 3 : 1))
    #expect(outcome.states == [state], "\(outcome.report.prefix(2000))")
  }

  @Test(arguments: [
    // The promise of exec that its commands then break.
    (#"echo '{"seq":'$seq',"error":{"kind":"unsupported"}}' >&6"#, "unsupported"),
    (#"echo '{"seq":'$seq',"error":{"kind":"other","message":"no"}}' >&6"#, "fail"),
    (#"echo '{"seq":'$seq',"ok":{"connection":"c1"}}' >&6"#, "fail"),
    // It starts the relay, and is a server where it should be a client, or no peer at all.
    (#"relay=${line#*exec:}; eval "${relay%%\"*}" </dev/null >/dev/null"#, "fail"),
    (#"relay=${line#*exec:}; printf 'BOKBOK\001\377' | eval "${relay%%\"*}" >/dev/null"#, "fail"),
    ("exit 7", "crashed"),
    ("sleep 600", "inconclusive"),
  ])
  func aClientThatDoesNotConnect(otherwise: String, state: String) async throws {
    let outcome = try await Self.run(role: "client", otherwise: otherwise)
    #expect(outcome.status == (state == "inconclusive" ? 3 : 1))
    #expect(outcome.states == [state], "\(outcome.report.prefix(2000))")
  }

  /// The connection is served as it should be: what is wrong is how the process ends.
  @Test(arguments: [
    ("exit 9", "crashed", "status 9"), ("sleep 600", "fail", "still runs"), ("kill -9 $$", "crashed", "signal 9"),
  ])
  func aServerThatDoesNotEndWell(atEnd: String, state: String, got: String) async throws {
    let testee = "PYTHONPATH='\(Project.root)/Harness/Peers/python' python3 -m bokbok.testee \"$@\""
    // The shell itself must not keep the connection open.
    let script = """
      if [ "$1" != --stdio ]; then exec env \(testee); fi
      exec 7<&0 8>&1 </dev/null >/dev/null
      \(testee) <&7 >&8 7<&- 8>&- &
      exec 7<&- 8>&-
      wait $!
      \(atEnd)
      """
    let outcome = try await Self.run(
      role: "server",
      script: script,
      timeLimit: .seconds(5)
    )
    #expect(outcome.status == 1)
    #expect(outcome.states == [state])
    #expect(outcome.report.contains(got), "\(outcome.report.prefix(2000))")
  }

  @Test func aTesteeThatAnswersNothingDoesNotHoldUpTheRunForHours() async throws {
    let outcome = try await Self.run(role: "server", afterHello: "sleep 600", casePattern: "F-*")
    #expect(outcome.status == 3)
    #expect(outcome.states == ["inconclusive"])
    let unplayed = outcome.report.split(separator: "\n").count { $0.contains("not played: ") }
    #expect(unplayed > 5)
  }
}
