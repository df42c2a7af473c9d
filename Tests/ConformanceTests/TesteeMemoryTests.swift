import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// A testee whose memory grows with each repetition fails, and one whose heap only takes its time passes.
///
/// The testees are the minimal one of the guide, which keeps payloads.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["BOKBOK_SLOW_TESTS"] != nil))
struct TesteeMemoryTests {
  private static let cases = """
    { "subject": "exchanges", "cases": [
      { "id": "X-2/kept", "title": "Nothing stays of a request", "clauses": ["X-2.b"],
        "why": "Its answer has ended the exchange.",
        "steps": [{ "repeat": {
          "times": 16, "memory": { "bytesPerRepetitionMax": 16384, "timesMax": 128 },
          "steps": [
            { "sendMessage": { "kind": "REQUEST", "id": 1, "body": { "list": [{ "value": "echo" }, { "atom": { "blob": 60000 } }] } } },
            { "expect": { "kind": "RESPONSE", "id": 1 } },
            { "event": { "name": "request" } }] } }],
        "transports": ["unix"] }] }
    """

  /// The one case of a run against a testee that does this before each answer, with the list `kept`; and its capsule.
  private static func run(
    _ keeping: String,
    splitting: ConformanceOptions.Splitting = .whole
  ) async throws -> (
    line: JSON, capsule: Capsule?
  ) {
    let folder = try ScratchFolder()
    try folder.write(cases, to: "cases.json")
    var options = ConformanceOptions()
    options.testee = .shell(
      """
      cd '\(Project.root)/Harness' && PYTHONPATH=Peers/python exec python3 -c '
      source = open("Examples/minimal_testee.py").read()
      line = "    if isinstance(payload, list)"
      assert source.count(line) == 1
      kept = []
      exec(source.replace(line, "    \(keeping)\\n" + line))'
      """
    )
    options.casesDirectory = folder.path
    options.configurationPatterns = ["plain/unix/server"]
    options.jsonPath = "\(folder.path)/report"
    options.capsulesPath = "\(folder.path)/capsules"
    options.timeLimit = .seconds(20)
    options.splitting = splitting
    options.showsTraces = false
    _ = await ConformanceRun(options).run()
    let text = try String(contentsOfFile: "\(folder.path)/report", encoding: .utf8)
    let lines = try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
    try #require(lines.count == 3, "\(text.prefix(2000))")
    let path = "\(folder.path)/capsules/X-2_kept_plain_unix_server.capsule"
    return (lines[1], try FileManager.default.contents(atPath: path).map { try Capsule($0, name: path) })
  }

  @Test func whatGrowsWithEachRepetitionFailsAndSaysByHowMuch() async throws {
    let (line, capsule) = try await Self.run("kept.append(payload)")
    #expect(line["state"] == "fail")
    let problem = line["problem"]
    #expect(problem?["step"] == "1")
    #expect(problem?["expected"] == "no repetition leaves more than 16384 bytes in the testee's memory")
    let got = try #require(problem?["got"]?.string)
    let match = try #require(
      got.firstMatch(
        of: /^each repetition leaves ([0-9]+) bytes there: ([0-9]+) KiB after 64 of them, ([0-9]+) KiB after 128$/
      ),
      "\(got)"
    )
    // What is kept are the 60000 bytes of the payload, and what the allocator needs for them.
    #expect((60_000..<70_000).contains(Int(match.1) ?? 0), "\(got)")
    #expect(Int(match.2) ?? 0 < Int(match.3) ?? 0)
    // It failed twice, the second time alone.
    #expect(line["firstAttempt"]?["got"]?.string?.hasPrefix("each repetition leaves ") == true)

    // Of a hundred repetitions the trace has those of the first round.
    let trace = try #require(problem?["trace"]?.strings)
    #expect(trace.contains { $0.hasSuffix("further repetitions, of which the trace has only one that fails") })
    let played = try #require(capsule)
    let sentCount = played.events.reduce(0) { count, event in
      if case .bytes(_, isFromKit: true, let bytes) = event.happening { count + bytes.count } else { count }
    }
    #expect(sentCount / 60_000 == 16)

    // No recording holds the memory of a process, and the replay says so.
    let directory = try RunSurroundings.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let item = try played.loadCase(file: "here")
    let play = CapsulePlay(capsule: played, item: item, contract: nil, directory: directory)
    let outcome = await onOwnThread { play.recorded() }
    let verdict = Capsule.Verdict(outcome.result)
    #expect(verdict != played.verdict)
    let lines = played.differences(to: verdict, outcome)
    #expect(lines.contains { $0.contains("about the memory of the process") }, "\(lines)")
  }

  /// As a collector does: the heap grows for a while, and then it is large enough, or is emptied from time to time.
  @Test(arguments: [
    "len(kept) < 40 and kept.append(payload)", "kept.append(payload) if len(kept) < 20 else kept.clear()",
  ])
  func aHeapThatOnlyGrowsAtFirstPasses(keeping: String) async throws {
    let (line, capsule) = try await Self.run(keeping)
    #expect(line["state"] == "pass", "\(line.encodedText.prefix(2000))")
    #expect(line["firstAttempt"] == nil)
    #expect(capsule == nil)
  }

  @Test func byteByByteItIsNotPlayed() async throws {
    let (line, _) = try await Self.run("pass", splitting: .bytes)
    #expect(line["state"] == "not-applicable")
    #expect(line["problem"]?["expected"]?.string?.contains("byte by byte") == true)
  }
}
