import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// What fails on the levels without a testee is kept as a file, too, and is judged again from it alone.
///
/// The library does nothing wrong here: the cases demand what no one does, each in another way.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct LevelCapsuleTests {
  /// A frame that is another, one that never comes, what a testee is told and answers, and a report at the end.
  private static let cases = """
    {"subject": "levels", "cases": [
      { "id": "P-1/other", "title": "Demands another PONG", "clauses": ["P-1.a"], "why": "It fails in one of its steps.",
        "steps": [{ "roundTrip": {} },
          { "send": { "kind": "PING", "body": { "hex": "0001020304050607" } } },
          { "expect": { "kind": "PONG", "body": { "hex": "0001020304050608" } } }] },
      { "id": "P-1/never", "title": "Demands a PING that never comes", "clauses": ["P-1.a"], "why": "The time for it runs out.",
        "steps": [{ "roundTrip": {} }, { "expect": { "kind": "PING" }, "withinMs": 3600000 }] },
      { "id": "X-1/asked", "title": "Demands another answer", "clauses": ["X-1.a"], "why": "The testee is told something.",
        "steps": [
          { "command": { "name": "request", "as": "r", "payload": "(echo hello)" } },
          { "expect": { "kind": "REQUEST", "id": "$r", "value": "(echo hello)" } },
          { "send": { "kind": "RESPONSE", "id": "$r", "value": "(echo hello)" } },
          { "reply": { "to": "r", "ok": { "response": "(echo other)" } } }] },
      { "id": "X-4/unread", "title": "Demands another frame of what waits", "clauses": ["X-4.a"],
        "why": "The kit does not read for a while.",
        "steps": [{ "stream": "pauseReading" },
          { "send": { "kind": "REQUEST", "id": 1, "value": "(echo waits)" } },
          { "stream": "awaitInput" }, { "stream": "resumeReading" }, { "expect": { "kind": "RESPONSE", "id": 1, "value": "(echo other)" } }] },
      { "id": "F-3/closed", "title": "Demands another report behind the end of the stream", "clauses": ["F-3.a"],
        "why": "Only what the kit cannot write shows that the stream is closed.",
        "steps": [{ "send": { "kind": 8 } }, { "violation": { "keep": true } }, { "discards": 1000 }, { "closesStream": {} },
          { "event": { "name": "closed", "reason": "clean" } }] },
      { "id": "C-8/report", "title": "Demands another report of the end", "clauses": ["C-8.a"], "why": "The end is reported by the testee.",
        "steps": [{ "close": {} }, { "event": { "name": "closed", "reason": "lost" } }] }]}
    """

  private static let splits: [Split] = [.whole, .bytes, .at(5), .at(-2)]

  private static func judge(_ capsule: Capsule) async throws -> Capsule.Verdict {
    let directory = try RunSurroundings.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let play = CapsulePlay(
      capsule: capsule,
      item: try capsule.loadCase(file: "here"),
      contract: nil,
      directory: directory
    )
    return Capsule.Verdict(await onOwnThread { play.recorded() }.result)
  }

  @Test(arguments: [Configuration.Level.core, .memory], splits)
  func aFailureIsJudgedAgainTheSame(level: Configuration.Level, split: Split) async throws {
    let folder = try ScratchFolder()
    let implementation = try Implementation(.executable)
    let capsules = try CapsuleFolder(
      folder.path,
      implementation: implementation.name,
      declaration: Declaration(reply: ["ok": CoreTestee.declaration]),
      suiteDigest: String(repeating: "0", count: 64),
      checksContract: false
    )
    let runner = LevelRunner(level: level, splitting: .whole, waysMax: nil, jobCount: 1, capsules: capsules)
    let cases = try CaseLoader(specification: SpecificationIndex.embedded()).load(Array(Self.cases.utf8), file: "here")
    for item in cases {
      for configuration in Configuration.all(on: level) where item.applies(to: configuration) {
        let played = await onOwnThread { runner.play(item, configuration, split)?.result }
        let result = try #require(played)
        #expect(result.state == .fail)
        let path = try #require(result.problem?.capsulePath, "\(result.path)")
        let capsule = try Capsule(try #require(FileManager.default.contents(atPath: path)), name: path)
        #expect(capsule.path == result.path)
        #expect(capsule.header.split == split)
        #expect(capsule.verdict == Capsule.Verdict(result))
        #expect(try await Self.judge(capsule) == capsule.verdict, "\(result.path)")
        #expect(try Capsule(capsule.encodedBytes, name: "again") == capsule)
      }
    }
  }

  /// A case may be wrong in a way that shows only when it is played: what had passed by then tells how.
  @Test(arguments: [Configuration.Level.core, .memory])
  func troubleOfTheKitIsJudgedAgainTheSame(level: Configuration.Level) async throws {
    let text = """
      {"subject": "levels", "cases": [{ "id": "P-1/unnamed", "title": "Names a connection that is not there", "clauses": ["P-1.a"],
        "why": "It cannot be played.", "steps": [{ "roundTrip": {} }, { "fence": {}, "on": "nowhere" }] }]}
      """
    let folder = try ScratchFolder()
    let capsules = try CapsuleFolder(
      folder.path,
      implementation: "here",
      declaration: Declaration(reply: ["ok": CoreTestee.declaration]),
      suiteDigest: String(repeating: "0", count: 64),
      checksContract: false
    )
    let runner = LevelRunner(level: level, splitting: .whole, waysMax: nil, jobCount: 1, capsules: capsules)
    let cases = try CaseLoader(specification: SpecificationIndex.embedded()).load(Array(text.utf8), file: "here")
    let item = try #require(cases.first)
    let configuration = try #require(Configuration.all(on: level).first)
    let played = await onOwnThread { runner.play(item, configuration, .whole)?.result }
    let result = try #require(played)
    #expect(result.state == .error)
    let path = try #require(result.problem?.capsulePath)
    let capsule = try Capsule(try #require(FileManager.default.contents(atPath: path)), name: path)
    #expect(capsule.verdict.got.contains("nowhere"))
    #expect(capsule.events.contains { if case .bytes = $0.happening { true } else { false } })
    #expect(try await Self.judge(capsule) == capsule.verdict)
  }

  /// The whole command's way: a run that keeps, a replay of what was recorded, and one against an implementation.
  @Test(arguments: [ConformanceOptions.Level.core, .memory])
  func aRunKeepsItsFailures(level: ConformanceOptions.Level) async throws {
    let folder = try ScratchFolder()
    let cases = try ScratchFolder()
    try cases.write(Self.cases, to: "levels.json")
    var options = ConformanceOptions()
    options.level = level
    options.splitting = .every
    options.casesDirectory = cases.path
    options.casePatterns = ["P-1/other"]
    options.capsulesPath = "\(folder.path)/capsules"
    options.jsonPath = "\(folder.path)/report"
    options.showsTraces = false
    #expect(await ConformanceRun(options).run() == 1)
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/capsules").sorted()
    #expect(names.count == 4)
    let report = try String(contentsOfFile: "\(folder.path)/report", encoding: .utf8)
    for name in names {
      #expect(name.hasPrefix("P-1_other_") && name.contains("_\(level.rawValue)_"))
      let path = "\(folder.path)/capsules/\(name)"
      #expect(report.contains(JSON.string(path).encodedText))
      #expect(await CapsuleReplay(path).run() == 0)
    }
    let path = "\(folder.path)/capsules/\(try #require(names.first))"
    #expect(await CapsuleReplay(path, testee: .command([Project.command, "testee"])).run() == 1)

    // A case that passes by now leaves nothing of an earlier failure.
    try cases.write(
      Self.cases.replacing("0001020304050608", with: "0001020304050607"),
      to: "levels.json"
    )
    #expect(await ConformanceRun(options).run() == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/capsules").isEmpty)
  }
}
