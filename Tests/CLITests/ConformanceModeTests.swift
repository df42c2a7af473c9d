import ArgumentParser
import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokCLI

/// An option that a mode of `bokbok conformance` would silently drop is refused.
@Suite(.timeLimit(.minutes(3)))
struct ConformanceModeTests {
  /// What each option may be given, by its name.
  private static let samples: [String: [String]] = [
    "--testee": ["true"], "--implementation": ["bokbok-swift"], "--case": ["F-1/*"], "--clause": ["F-1"],
    "--section": ["F"], "--requirement-level": ["must"], "--level": ["core"], "--split": ["bytes"],
    "--split-ways": ["2", "--split", "every", "--level", "core"], "--suite": ["1"], "--configuration": ["*/client"],
    "--json": ["x"], "--junit": ["x"], "--html": ["x"], "--include": ["x", "--html", "x"], "--capsules": ["x"],
    "--strict": [], "--jobs": ["2"],
    "--check-contract": [], "--cases-folder": ["x"], "--time-limit": ["5"], "--implementations-folder": ["x"],
    "--traces": [], "--fault": ["F-1.*"], "--faults-folder": ["x"], "--all-killers": [],
  ]

  /// What asks for each mode, by its option.
  private static let modes = [
    "--list": ["--list"], "--smoke": ["--smoke"], "--matrix": ["--matrix"], "--kill-matrix": ["--kill-matrix"],
    "--coverage": ["--coverage"], "--from": ["--from", "x"],
  ]

  private static func refusal(of arguments: [String]) -> String? {
    do {
      _ = try ConformanceCommand.parse(arguments)
      return nil
    } catch {
      return ConformanceCommand.message(for: error)
    }
  }

  /// A new option has to be given a place in each mode: the table and this test name all that the help does.
  @Test func `every option of the help has a place`() {
    let help = ConformanceCommand.helpMessage(columns: 200)
    let named = help.split(separator: "\n").compactMap { line -> String? in
      guard line.hasPrefix("  --") else { return nil }
      return line.split { " ,/".contains($0) }.first.map(String.init)
    }
    let placed = Set(ConformanceMode.allCases.flatMap(\.options))
    #expect(Set(named) == placed.union(Self.modes.keys))
    #expect(Set(Self.samples.keys) == placed)
  }

  @Test(arguments: modes.keys.sorted())
  func `each option that means nothing in a mode is refused by its name`(option: String) throws {
    let mode = try #require(ConformanceMode.allCases.first { $0.option == option })
    for (name, values) in Self.samples {
      let refusal = Self.refusal(of: (Self.modes[option] ?? []) + [name] + values)
      if mode.options.contains(name) {
        #expect(refusal == nil, "\(option) \(name)")
      } else {
        let text = try #require(refusal, "\(option) \(name) is taken")
        #expect(text.contains(name) && text.contains("means nothing with \(option), which \(mode.purpose)"), "\(text)")
      }
    }
  }

  @Test func `options of a mode are refused without it`() throws {
    for (name, values) in Self.samples where !ConformanceMode.cases.options.contains(name) {
      let text = try #require(Self.refusal(of: [name] + values), "\(name) is taken")
      #expect(text.contains(name) && text.contains("this means nothing. Give --"), "\(text)")
    }
    for (name, values) in Self.samples where ConformanceMode.cases.options.contains(name) {
      #expect(Self.refusal(of: [name] + values) == nil, "\(name)")
    }
  }

  @Test func `two modes at once are refused`() {
    for (first, words) in Self.modes {
      for (second, others) in Self.modes where second != first {
        let text = Self.refusal(of: words + others)
        #expect(text?.contains("ask for different things: give one of them.") == true, "\(first) \(second)")
      }
    }
  }

  @Test func `a refusal ends the command with 2 and names what the mode takes`() async throws {
    let result = try await run("conformance", "--coverage", "--junit", "x")
    #expect(result.status == 2)
    #expect(result.errors.contains("--junit means nothing with --coverage, which runs nothing"), "\(result.errors)")
    #expect(result.errors.contains("--coverage takes --cases-folder, --json and --html."), "\(result.errors)")
  }

  /// The parser takes them for the parent, wherever they stand: a replay judged the recording again, and a ledger of
  /// another folder was not looked at.
  @Test func `options behind a subcommand's name reach it`() async throws {
    let folder = try ScratchFolder()
    try FileManager.default.createDirectory(atPath: folder.file("cases"), withIntermediateDirectories: true)
    try folder.write(Self.failingCase, to: "cases/ping.json")
    let failed = try await run(
      "conformance",
      "--cases-folder",
      folder.file("cases"),
      "--configuration",
      "plain/unix/server",
      "--capsules",
      folder.file("failures")
    )
    #expect(failed.status == 1, "\(failed.errors)")
    let capsule = folder.file("failures/P-1_wrong_plain_unix_server.capsule")
    let recorded = try await run("conformance", "replay", capsule)
    #expect(recorded.status == 0)
    #expect(recorded.output.contains("judged again: the same verdict"))
    let command = try RunningCommand.executable().path
    for words in [["--testee", "'\(command)' testee"], ["--implementation", "bokbok-swift"]] {
      let played = try await run("conformance", "replay", capsule, words[0], words[1])
      #expect(played.status == 1, "\(played.errors)")
      #expect(played.output.contains("played against") && !played.output.contains("judged again"))
    }
    let ledger = try await run("conformance", "ledger", "--cases-folder", folder.file("none"))
    #expect(ledger.status == 65)
    #expect(ledger.errors.contains(folder.file("none")))
  }

  private static let failingCase = """
    {"subject": "ping", "cases": [
      {"id": "P-1/wrong", "title": "A PING is answered", "clauses": ["P-1.a"], "why": "It tells which PING is meant.",
       "steps": [{"send": {"kind": "PING", "body": {"text": "abcdefgh"}}},
                 {"expect": {"kind": "PONG", "body": {"text": "hgfedcba"}}}]}
    ]}
    """

  @Test(arguments: [
    ["check-report", "x", "--html", "y"], ["ledger", "--junit", "y"], ["unit-tests", "--strict"],
    ["replay", "x", "--json", "y"], ["replay", "x", "--kill-matrix"],
  ])
  func `a subcommand refuses the options of a run that it would drop`(words: [String]) async throws {
    let option = try #require(words.last { $0.hasPrefix("--") })
    let command = try RunningCommand(["conformance"] + words)
    defer { command.end() }
    try await command.errorLine(containing: "\(option) means nothing with 'conformance \(words[0])'")
    #expect(await command.waitForEnd() == 2)
  }
}
