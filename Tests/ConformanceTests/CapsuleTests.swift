import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// Each failure of a run is kept as one file, and is judged again from it alone.
///
/// The testees are the bundled one with an edit of what it says over the contract, so that the failures are real.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct CapsuleTests {
  private static var bundled: String { "'\(Project.command)' testee" }

  /// The bundled testee behind such an edit; where that breaks off, it dies.
  private static func saying(_ edit: String) -> String {
    "\(bundled) | { sed -u '\(edit)'; if [ $? = 7 ]; then kill -9 $$; fi; }"
  }

  /// A report that is wrong, one that is no JSON, and a contract that breaks off.
  static let edits = [
    #"s/"reason":"clean"/"reason":"lost"/"#,
    // The second time: the first is before the case, and no part of it.
    #"/"event":"closed"/{x;s/^/x/;/^xx$/{x;s/.*/no JSON at all/;b};x}"#,
    #"/"event":"closed"/{x;s/^/x/;/^xx$/Q7;x}"#,
  ]

  /// A run of one case against such a testee: the path of its capsule.
  private static func capsule(_ edit: String, in configuration: String) async throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-capsules-\(UUID().uuidString)")
    var options = ConformanceOptions()
    options.testee = .shell(saying(edit))
    options.casePatterns = ["P-1/pong"]
    options.configurationPatterns = [configuration]
    options.capsulesPath = folder.path
    options.jsonPath = folder.path + ".json"
    options.timeLimit = .seconds(20)
    options.showsTraces = false
    #expect(await ConformanceRun(options).run() == 1)
    let path = folder.appendingPathComponent("P-1_pong_\(configuration.replacing("/", with: "_")).capsule").path
    let report = try String(contentsOfFile: folder.path + ".json", encoding: .utf8)
    #expect(report.contains(JSON.string(path).encodedText))
    try FileManager.default.removeItem(atPath: folder.path + ".json")
    return path
  }

  private static func read(_ path: String) throws -> Capsule {
    try Capsule(try #require(FileManager.default.contents(atPath: path)), name: path)
  }

  private static func write(_ capsule: Capsule, besides path: String) throws -> String {
    let other = path + ".changed"
    try Data(capsule.encodedBytes).write(to: URL(fileURLWithPath: other))
    return other
  }

  private static func judge(_ capsule: Capsule) async throws -> Capsule.Verdict {
    let directory = try RunSurroundings.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let item = try capsule.loadCase(file: "here")
    let play = CapsulePlay(capsule: capsule, item: item, contract: nil, directory: directory)
    let outcome = await onOwnThread { play.recorded() }
    #expect(outcome.result.problem?.trace.isEmpty == false)
    return Capsule.Verdict(outcome.result)
  }

  @Test(arguments: edits, ["plain/unix/server", "sealed/tcp/client"])
  func aRealFailureIsJudgedAgainTheSame(edit: String, configuration: String) async throws {
    let path = try await Self.capsule(edit, in: configuration)
    let capsule = try Self.read(path)
    #expect(capsule.path == "P-1/pong/\(configuration)")
    #expect([.fail, .crashed].contains(capsule.verdict.state))
    #expect(try await Self.judge(capsule) == capsule.verdict)
    #expect(await CapsuleReplay(path).run() == 0)
    #expect(try Capsule(capsule.encodedBytes, name: "again") == capsule)
  }

  @Test(arguments: ["plain/unix/client", "sealed/tcp/server"])
  func aChangedByteOfTheTesteeIsAnotherVerdict(configuration: String) async throws {
    let path = try await Self.capsule(Self.edits[0], in: configuration)
    var capsule = try Self.read(path)
    let index = try #require(
      capsule.events.lastIndex { if case .bytes(_, false, _) = $0.happening { true } else { false } }
    )
    guard case .bytes(let connection, _, var bytes) = capsule.events[index].happening else { return }
    bytes[bytes.count - 1] ^= 1
    capsule.events[index].happening = .bytes(connection: connection, isFromKit: false, bytes)
    let verdict = try await Self.judge(capsule)
    #expect(verdict.state == .fail)
    #expect(verdict != capsule.verdict)
    if configuration.hasPrefix("sealed") { #expect(verdict.clause == "R-2.c") }
    #expect(await CapsuleReplay(try Self.write(capsule, besides: path)).run() == 1)
  }

  @Test func aKitThatDoesSomethingElseIsToldApartFromATestee() async throws {
    let path = try await Self.capsule(Self.edits[0], in: "sealed/unix/server")
    var capsule = try Self.read(path)
    capsule.header.entropy = KitEntropy()
    let verdict = try await Self.judge(capsule)
    #expect(verdict.state == .error)
    #expect(verdict.got.contains("the kit sends the bytes"))
    #expect(await CapsuleReplay(try Self.write(capsule, besides: path)).run() == 1)
  }

  @Test func theCaseIsPlayedAgainstALiveImplementation() async throws {
    let path = try await Self.capsule(Self.edits[0], in: "sealed/unix/client")
    #expect(await CapsuleReplay(path, testee: .command([Project.command, "testee"])).run() == 0)
    #expect(await CapsuleReplay(path, testee: .shell(Self.saying(Self.edits[0]))).run() == 1)
  }

  /// Only what the kit cannot write any more shows that the testee has closed the stream: over UNIX sockets, over TCP, which
  /// a reset needs, and over pipes that is played in different ways. Then the case demands an answer that cannot come.
  private static let closing = #"""
    {"subject": "frames", "cases": [
      { "id": "F-3/closed", "title": "Demands an answer behind the end of the stream", "clauses": ["F-3.a"],
        "why": "Only what the kit cannot write shows that the stream is closed.",
        "steps": [{ "connect": { "as": "b" } }, { "command": { "name": "abort" }, "on": "b" }, { "end": ["end", "reset"], "on": "b" },
          { "event": { "name": "closed", "reason": "aborted" }, "on": "b" },
          { "send": { "kind": 8 } }, { "violation": { "keep": true } }, { "closesStream": {} },
          { "command": { "name": "request", "as": "r", "payload": "(echo late)" } }, { "reply": { "to": "r", "ok": {} } }] }]}
    """#

  @Test(arguments: [
    ("plain/unix/server", false), ("plain/tcp/client", false), ("plain/tcp/server", true), ("sealed/tcp/client", true),
    ("plain/stdio/server", false), ("sealed/stdio/server", false),
  ])
  func whatTheKitCannotWriteIsJudgedAgainTheSame(configuration: String, isReset: Bool) async throws {
    let cases = try ScratchFolder()
    try cases.write(Self.closing, to: "frames.json")
    var options = ConformanceOptions()
    options.testee = .command([Project.command, "testee"])
    options.casesDirectory = cases.path
    options.configurationPatterns = [configuration]
    options.capsulesPath = "\(cases.path)/capsules"
    options.showsTraces = false
    #expect(await ConformanceRun(options).run() == 1)
    let name = "F-3_closed_\(configuration.replacing("/", with: "_")).capsule"
    var capsule = try Self.read("\(cases.path)/capsules/\(name)")
    #expect(capsule.verdict.got.contains("violation"))
    #expect(capsule.events.contains { if case .kitCannotWrite = $0.happening { true } else { false } })
    if isReset {
      // Which of the two the system makes of an abort is chance, and the case allows both.
      let index = try #require(
        capsule.events.firstIndex { if case .testeeEnds(2, _) = $0.happening { true } else { false } }
      )
      capsule.events[index].happening = .testeeEnds(connection: 2, .reset)
    }
    #expect(try await Self.judge(capsule) == capsule.verdict)
  }

  /// The kit asks a testee that is late whether it answers anything: over standard streams it had not been told anything else.
  @Test func whatNeverComesIsJudgedAgainTheSameOverStandardStreams() async throws {
    let cases = try ScratchFolder()
    let text = #"""
      {"subject": "ping", "cases": [{ "id": "P-1/never", "title": "Demands a PING that never comes", "clauses": ["P-1.a"],
        "why": "The time for it runs out.", "steps": [{ "expect": { "kind": "PING" }, "withinMs": 200 }] }]}
      """#
    try cases.write(text, to: "ping.json")
    var options = ConformanceOptions()
    options.testee = .command([Project.command, "testee"])
    options.casesDirectory = cases.path
    options.configurationPatterns = ["plain/stdio/server"]
    options.capsulesPath = "\(cases.path)/capsules"
    options.showsTraces = false
    #expect(await ConformanceRun(options).run() == 1)
    let capsule = try Self.read("\(cases.path)/capsules/P-1_never_plain_stdio_server.capsule")
    #expect(capsule.verdict.got.contains("while the testee answers its commands"))
    #expect(try await Self.judge(capsule) == capsule.verdict)
  }

  @Test func theSecretsOfAPlayComeFromItsSeed() throws {
    let seed = [UInt8](0..<32)
    let entropy = try #require(KitEntropy(seed: seed))
    #expect(KitEntropy(seed: [1, 2, 3]) == nil)
    #expect(KitEntropy().seed != KitEntropy().seed)
    let first = entropy.secrets(ofConnection: 0)
    #expect(first == KitEntropy(seed: seed)?.secrets(ofConnection: 0))
    #expect(Set([first.sessionKey, first.ephemeral, entropy.secrets(ofConnection: 1).ephemeral]).count == 3)
  }

  @Test func aBrokenCapsuleIsAClearError() async throws {
    let path = try await Self.capsule(Self.edits[0], in: "plain/unix/server")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    var lines = text.split(separator: "\n").map(String.init)
    func error(_ lines: [String]) -> String {
      do {
        _ = try Capsule(Array((lines.joined(separator: "\n") + "\n").utf8), name: "x.capsule")
        return ""
      } catch { return "\(error)" }
    }
    #expect(error(["{}"]).contains("not a capsule"))
    #expect(error(Array(lines.dropLast())).contains("cut off"))
    #expect(error(lines + [lines[1]]).contains("after the verdict"))
    #expect(
      error([lines[0].replacing("\"capsule\":1", with: "\"capsule\":2")] + lines.dropFirst()).contains("version 2")
    )
    lines[1] = #"{"microseconds":0,"process":1,"begin":1}"#
    #expect(error(lines).contains("line 2"))
    #expect(await CapsuleReplay("/nowhere/at.capsule").run() == 2)
  }
}
