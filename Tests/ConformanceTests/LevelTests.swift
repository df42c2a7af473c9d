import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// The same cases on the library's core alone, and on the library over channels in memory, with the kit's bytes cut in every
/// way.
@Suite(.timeLimit(.minutes(20)))
struct LevelTests {
  /// All sections but the few cases with a million values, which take seconds each.
  private static let quickCases = [
    "O-*", "H-*", "R-*", "F-*", "S-*", "P-*", "X-*", "E-*", "C-*", "K-*", "V-1/*", "V-2/*", "V-3/*", "V-4/*", "V-5/*",
  ]

  /// What a run ended with: its exit status and its report.
  private struct Outcome {
    let status: Int32
    let header: JSON
    let cases: [JSON]
    let footer: JSON

    func paths(_ state: String) -> [String] {
      cases.filter { $0["state"]?.string == state }.compactMap { $0["path"]?.string }
    }
  }

  private static func run(_ change: (inout ConformanceOptions) -> Void) async throws -> Outcome {
    let folder = try ScratchFolder()
    var options = ConformanceOptions()
    options.level = .core
    options.showsTraces = false
    options.jsonPath = "\(folder.path)/report.jsonl"
    change(&options)
    let status = await ConformanceRun(options).run()
    let contents = FileManager.default.contents(atPath: "\(folder.path)/report.jsonl") ?? Data()
    let lines = try contents.split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
    let header = lines.first ?? .null
    let cases = lines.filter { $0["type"]?.string == "case" }
    return Outcome(status: status, header: header, cases: cases, footer: lines.last ?? .null)
  }

  private static func run(
    case text: String,
    change: (inout ConformanceOptions) -> Void = { _ in }
  ) async throws -> Outcome {
    let folder = try ScratchFolder()
    try folder.write("{\"subject\": \"levels\", \"cases\": [\(text)]}", to: "levels.json")
    return try await run { options in
      options.casesDirectory = folder.path
      change(&options)
    }
  }

  private static let levels = [ConformanceOptions.Level.core, .memory]

  @Test(arguments: levels)
  func everyCasePassesWhereverItIsCut(level: ConformanceOptions.Level) async throws {
    let outcome = try await Self.run { options in
      options.level = level
      options.casePatterns = Self.quickCases
      options.splitting = .every
      options.splitWaysMax = 1
    }
    #expect(outcome.status == 0)
    let failed = outcome.cases.filter { !["pass", "not-applicable"].contains($0["state"]?.string) }
    #expect(failed.isEmpty, "\(failed.map(\.encodedText))")
    #expect(outcome.paths("pass").count > 1000)
    #expect(outcome.header["level"]?.string == level.rawValue)
    #expect(outcome.header["split"]?.string == "every")
  }

  @Test func casesPassByteByByte() async throws {
    let outcome = try await Self.run { options in
      options.sectionPatterns = ["O", "H", "R", "F", "S", "P"]
      options.splitting = .bytes
    }
    #expect(outcome.status == 0)
    #expect(outcome.paths("pass").count > 400)
  }

  @Test func everyPlaceIsCutForSomeCases() async throws {
    let outcome = try await Self.run { options in
      options.casePatterns = ["H-2/*", "H-6/*", "F-2/*", "R-1/*", "O-1/*", "S-1/*"]
      options.configurationPatterns = ["sealed/core/server", "plain/core/client"]
      options.splitting = .every
    }
    #expect(outcome.status == 0)
    #expect(outcome.paths("pass").count > 10)
  }

  @Test func whatMakesNoSenseOnALevelIsListedWithTheReason() async throws {
    let outcome = try await Self.run { $0.casePatterns = ["O-12/oldest-makes-room"] }
    #expect(outcome.status == 0)
    #expect(
      outcome.paths("not-applicable") == [
        "O-12/oldest-makes-room/plain/core/server", "O-12/oldest-makes-room/sealed/core/server",
      ]
    )
    #expect(outcome.cases.allSatisfy { $0["problem"]?["expected"]?.string?.contains("O-12") == true })
    let other = try await Self.run { options in
      options.casePatterns = ["O-12/oldest-makes-room"]
      options.level = .memory
    }
    #expect(other.paths("pass").count == 2)
    for level in Self.levels {
      let memory = try await Self.run { options in
        options.casePatterns = ["X-2/answered-keeps-nothing"]
        options.level = level
      }
      #expect(memory.status == 0)
      #expect(memory.paths("not-applicable").count == 2)
      #expect(memory.cases.allSatisfy { $0["problem"]?["expected"]?.string?.contains("memory") == true })
    }
  }

  /// The ids of the requests differ.
  @Test(arguments: levels)
  func eachRepetitionLabelsAndCapturesAnew(level: ConformanceOptions.Level) async throws {
    let outcome = try await Self.run(
      case: CaseLoaderTests.oneCase(
        steps: """
          { "repeat": { "times": 3, "steps": [
            { "command": { "name": "request", "as": "r", "payload": "(echo x)" } },
            { "expect": { "kind": "REQUEST", "id": "$r", "value": "(echo x)" } },
            { "send": { "kind": "RESPONSE", "id": "$r", "value": "(echo x)" } },
            { "reply": { "to": "r", "ok": { "response": "(echo x)" } } }] } }
          """
      )
    ) { $0.level = level }
    #expect(outcome.status == 0, "\(outcome.cases.map(\.encodedText))")
    #expect(outcome.paths("pass").count == 4)
  }

  @Test(arguments: levels)
  func timeLimitsOfHoursPassAtOnce(level: ConformanceOptions.Level) async throws {
    let outcome = try await Self.run(
      case: """
        { "id": "O-10/hours", "title": "A client that is silent for an hour is dropped", "clauses": ["O-10.a"],
          "why": "The time limit is the testee's, and the clock jumps to it.", "roles": ["server"], "start": "stream",
          "testee": { "limits": { "handshakeMs": 3600000 } },
          "steps": [{ "silence": 3599000 }, { "end": ["end", "reset"], "withinMs": 2000 }] },
        { "id": "P-3/hours", "title": "A silent peer is asked after half an hour", "clauses": ["P-3.a"],
          "why": "The keepalive's interval is the testee's, and the clock jumps to it.", "needs": ["keepalive"],
          "testee": { "limits": { "keepaliveMs": 1800000, "keepaliveTimeoutMs": 3600000 } },
          "steps": [{ "expect": { "kind": "PING" }, "withinMs": 1801000 },
                    { "end": ["end", "reset"], "withinMs": 3601000 },
                    { "event": { "name": "closed", "reason": "lost" } }] }
        """
    ) { $0.level = level }
    #expect(outcome.status == 0, "\(outcome.cases.map(\.encodedText))")
    #expect(outcome.paths("pass").count == 6)
  }

  @Test(arguments: levels)
  func whatIsNotAsExpectedFails(level: ConformanceOptions.Level) async throws {
    let text = CaseLoaderTests.oneCase(
      steps: "{ \"send\": { \"kind\": \"PING\", \"body\": { \"blob\": 8 } } }, { \"expect\": { \"kind\": \"CLOSE\" } }"
    )
    let outcome = try await Self.run(case: text) { $0.level = level }
    #expect(outcome.status == 1)
    #expect(outcome.paths("fail").count == 4)
    #expect(outcome.cases.allSatisfy { $0["problem"]?["got"]?.string?.hasPrefix("PONG") == true })
  }

  @Test(arguments: levels)
  func whatNeverComesFailsAtTheEndOfTheTime(level: ConformanceOptions.Level) async throws {
    let text = CaseLoaderTests.oneCase(steps: "{ \"expect\": { \"kind\": \"PING\" }, \"withinMs\": 86400000 }")
    let outcome = try await Self.run(case: text) { $0.level = level }
    #expect(outcome.status == 1)
    #expect(outcome.paths("fail").count == 4)
    #expect(outcome.cases.allSatisfy { $0["problem"]?["got"]?.string?.contains("came to rest") == true })
  }

  @Test func twoRunsOfTheCoreAreTheSameByteForByte() async throws {
    let text = CaseLoaderTests.oneCase(steps: "{ \"roundTrip\": {} }, { \"expect\": { \"kind\": \"PING\" } }")
    let first = try await Self.run(case: text) { $0.configurationPatterns = ["sealed/*"] }
    let second = try await Self.run(case: text) { $0.configurationPatterns = ["sealed/*"] }
    let traces = [first, second].map { outcome in
      outcome.cases.sorted { ($0["path"]?.string ?? "") < ($1["path"]?.string ?? "") }.map { $0["problem"]?["trace"] }
    }
    #expect(traces[0].count == 2)
    #expect(traces[0].allSatisfy { ($0?.array?.count ?? 0) > 10 })
    #expect(traces[0] == traces[1])
  }

  @Test func anotherImplementationHasNoCoreHere() async throws {
    let outcome = try await Self.run { $0.testee = .command(["true"]) }
    #expect(outcome.status == 2)
  }

  @Test func someCasesPassLiveByteByByteToo() async throws {
    let outcome = try await Self.run { options in
      options.level = .live
      options.splitting = .bytes
      options.testee = .shell("'\(Project.command)' testee")
      options.casePatterns = ["C-6/*", "H-2/*", "R-2/*", "X-4/large-request"]
      options.configurationPatterns = ["*/unix/*", "*/tcp/server"]
    }
    #expect(outcome.status == 0, "\(outcome.cases.filter { $0["state"]?.string != "pass" }.map(\.encodedText))")
    #expect(outcome.paths("pass").count > 40)
    #expect(outcome.header["split"]?.string == "bytes")
  }

  @Test func aTimeLimitThatIsKeptTooLateFails() async throws {
    // The testee keeps ten seconds; a case that names no time limit waits for one.
    let outcome = try await Self.run(
      case: """
        { "id": "O-10/late", "title": "A client that is silent is dropped in time", "clauses": ["O-10.a"],
          "why": "Where nothing is told the testee has ten seconds, which is late here.", "roles": ["server"], "start": "stream",
          "steps": [{ "end": ["end", "reset"] }] }
        """
    )
    #expect(outcome.status == 1)
    #expect(outcome.paths("fail").count == 2)
  }

  @Test func liveIsNotCutAtEveryPlace() async throws {
    let outcome = try await Self.run { options in
      options.level = .live
      options.splitting = .every
    }
    #expect(outcome.status == 2)
  }

  @Test(arguments: levels)
  func aRunThatIsToEndGivesUpWhatPlays(level: ConformanceOptions.Level) async throws {
    let text = """
      {"subject": "levels", "cases": [
        { "id": "P-1/short", "title": "Ends at once", "clauses": ["P-1.a"], "why": "Its result is to stay.",
          "steps": [{ "fence": {} }] },
        { "id": "P-1/endless", "title": "Goes on and on", "clauses": ["P-1.a"], "why": "No one waits for its end.",
          "steps": [{ "repeat": { "times": 1000000000, "steps": [{ "fence": {} }] } }] }]}
      """
    let cases = try CaseLoader(specification: SpecificationIndex.embedded()).load(Array(text.utf8), file: "here")
    let place = try #require(Configuration.Level(rawValue: level.rawValue))
    let configuration = try #require(Configuration.all(on: place).first)
    let stop = try RunStop()
    let runner = LevelRunner(level: place, splitting: .whole, waysMax: nil, jobCount: 2, stop: stop)
    let results = await runner.run(cases.map { ($0, configuration) }) { result in
      #expect(result.item.id == "P-1/short")
      #expect(stop.request(signal: 15))
      #expect(!stop.request(signal: 2))
    }
    #expect(results.map(\.path) == ["P-1/short/\(configuration.path)"])
    #expect(results.first?.state == .pass)
    #expect(stop.signal == 15)
  }

  @Test func aRunThatWasToEndBeforeItBeganIsReportedAsSuch() async throws {
    let folder = try ScratchFolder()
    var options = ConformanceOptions()
    options.level = .core
    options.casePatterns = ["P-1/pong"]
    options.jsonPath = "\(folder.path)/report.jsonl"
    let stop = try RunStop()
    #expect(stop.request(signal: 2))
    #expect(await ConformanceRun(options, stop: stop).run() == 130)
    let report = try #require(FileManager.default.contents(atPath: "\(folder.path)/report.jsonl"))
    let check = try ReportCheck(report)
    #expect(check.faults == [])
    #expect(check.incompleteness == "interrupted by SIGINT: 4 runs were not made")
  }

  // MARK: Splits

  @Test(arguments: [1, 2, 17, 300, 5000, 65_536, 70_000, 200_000])
  func whateverTheSplitEveryByteIsReadOnceAndInOrder(byteCount: Int) {
    for split in Split.all(longestSend: byteCount) + [.whole] {
      var offset = 0
      while offset < byteCount {
        let length = split.readLength(at: offset, of: byteCount)
        guard length > 0, offset + length <= byteCount else {
          Issue.record("\(split): \(length) of \(byteCount) bytes at \(offset)")
          return
        }
        offset += length
      }
    }
  }

  @Test func allWaysCutAtEveryPlaceOfWhatIsSent() {
    let places = Split.all(longestSend: 100).compactMap { split in
      if case .at = split { split.readLength(at: 0, of: 100) } else { nil }
    }
    #expect(places == Array(1...99))
    let longest = Split.all(longestSend: 1000).map { $0.readLength(at: 0, of: 1000) }
    #expect(Set(longest) == Set(1...256).union(968...999))
  }

  @Test func someWaysAreOthersForEachCaseAndTheSameInEachRun() {
    let ways = (0..<200).map { Split.some(3, longestSend: 100, of: "F-1/case-\($0)") }
    #expect(ways.allSatisfy { $0.count == 3 })
    #expect(Set(ways.flatMap { $0.map(\.description) }).count > 90)
    #expect(ways == (0..<200).map { Split.some(3, longestSend: 100, of: "F-1/case-\($0)") })
    #expect(Split.some(1000, longestSend: 50, of: "F-1/case").count == 50)
  }
}
