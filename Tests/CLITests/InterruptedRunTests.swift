import BokbokTestSupport
import Foundation
import Testing

/// What is left of a conformance run that a signal ends, or that cannot begin: all reports, which say that they are not
/// those of a whole run.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct InterruptedRunTests {
  /// The reports of a run, all of which it was asked for, and a pipe by which its testees tell what they do.
  private struct Run: ~Copyable {
    let folder: ScratchFolder
    let testees: LineQueue
    let command: RunningCommand

    /// - Parameters:
    ///   - testee: a shell script, in which `$told` is the pipe.
    ///   - json: the name of the JSON report.
    init(_ testee: String, json: String = "report.jsonl", _ arguments: String...) throws {
      let folder = try ScratchFolder()
      let pipe = folder.file("told")
      let testees = try LineQueue(readingPipe: pipe)
      let words = [
        "conformance", "--testee", "told='\(pipe)'; \(testee)", "--json", folder.file(json),
        "--junit", folder.file("report.xml"), "--html", folder.file("report.html"), "--no-traces",
      ]
      let command = try RunningCommand(words + arguments)
      self.folder = folder
      self.testees = testees
      self.command = command
    }

    func lines() throws -> [[String: Any]] {
      try folder.text("report.jsonl").split(separator: "\n").map { line in
        try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      }
    }

    /// The process that a testee has told of.
    func nextProcess() async throws -> pid_t {
      let line = try #require(await testees.next())
      return try #require(pid_t(line))
    }
  }

  /// Each process tells its number, and is the bundled testee.
  private static func bundled() throws -> String {
    "echo $$ > \"$told\"; exec '\(try RunningCommand.executable().path)' testee"
  }

  /// A testee that declares enough, and whose servers never come to listen: it tells of each.
  private static let hanging = #"""
    trap '' TERM INT
    while read -r line; do seq=${line#*seq\":}; seq=${seq%%,*}; case $line in
    *'"hello"'*) echo '{"seq":'$seq',"ok":{"contract":1,"name":"x","version":"1","roles":["server"],"transports":["unix"],"security":["plain"],"features":[]}}';;
    *canary*) echo '{"seq":'$seq',"error":{"kind":"unsupported"}}';;
    *'"quit"'*) exit 0;;
    *'"listen"'*) echo $$ > "$told";;
    esac; done
    """#

  /// The footer of a report that the command itself takes for a whole one of a run that is not.
  private static func footer(_ run: borrowing Run, endedBy text: String) async throws -> [String: Any] {
    try await expectIncompleteRun(in: run.folder, report: "report.jsonl", endedBy: text)
    return try #require(try run.lines().last)
  }

  @Test(arguments: [(SIGINT, "SIGINT", 130), (SIGTERM, "SIGTERM", 143)] as [(Int32, String, Int32)])
  func `a signal ends a run, and what was judged by then is reported`(
    signal: Int32,
    name: String,
    status: Int32
  ) async throws {
    let run = try Run(try Self.bundled(), "--jobs", "1", "--configuration", "plain/unix/*", "--case", "*-*/*")
    defer { run.command.end() }
    // The first process tells what it can; with the fifth, the cases of earlier ones are judged.
    var processes: [pid_t] = []
    for _ in 0..<5 { processes.append(try await run.nextProcess()) }
    run.command.signal(signal)
    #expect(await run.command.waitForEnd() == status)
    for process in processes { #expect(isGone(process)) }

    let footer = try await Self.footer(run, endedBy: "interrupted by \(name)")
    let cases = try run.lines().filter { $0["type"] as? String == "case" }
    #expect(cases.count { $0["state"] as? String == "pass" } >= 40)
    #expect(cases.allSatisfy { $0["state"] as? String == "pass" })
    #expect(footer["ended"] as? String == "interrupted")
    #expect(footer["signal"] as? String == name)
    #expect(footer["exitStatus"] as? Int == Int(status))
    let list = try await CLITests.run("conformance", "--list", "--configuration", "plain/unix/*")
    let planned = list.output.split(separator: "\n").compactMap { line in
      line.firstMatch(of: /, ([0-9]+) configurations,/).flatMap { Int($0.output.1) }
    }
    #expect(footer["notRun"] as? Int == planned.reduce(0, +) - cases.count)
    let table = await run.command.output.rest()
    #expect(table.contains { $0.hasPrefix("NOT COMPLETE: interrupted by \(name): ") })
  }

  @Test func `a testee that hangs and ignores signals does not hold the end of a run up`() async throws {
    let run = try Run(Self.hanging, "--time-limit", "600", "--jobs", "2", "--case", "P-1/*")
    defer { run.command.end() }
    let process = try await run.nextProcess()
    run.command.signal(SIGTERM)
    #expect(await run.command.waitForEnd() == 143)
    #expect(isGone(process))
    let footer = try await Self.footer(run, endedBy: "interrupted by SIGTERM")
    // All that has a line is what was not declared.
    let states = try run.lines().compactMap { $0["state"] as? String }
    #expect(Set(states) == ["not-declared"])
    #expect((footer["notRun"] as? Int ?? 0) > 0)
  }

  @Test func `a signal before the testee has said what it is leaves a report without it`() async throws {
    let run = try Run("echo $$ > \"$told\"; while read -r line; do :; done", "--case", "P-1/pong")
    defer { run.command.end() }
    let process = try await run.nextProcess()
    run.command.signal(SIGINT)
    #expect(await run.command.waitForEnd() == 130)
    #expect(isGone(process))
    let footer = try await Self.footer(run, endedBy: "interrupted by SIGINT")
    #expect(footer["notRun"] as? Int == 12)
    #expect(try run.lines().first?["testee"] is NSNull)
    #expect(try run.lines().count == 2)
  }

  @Test func `a second signal does not wait for the reports`() async throws {
    // A pipe that no one reads: the report is never written.
    let run = try Run("echo $$ > \"$told\"; while read -r line; do :; done", json: "pipe", "--case", "P-1/pong")
    defer { run.command.end() }
    try #require(mkfifo(run.folder.file("pipe"), 0o600) == 0)
    _ = try await run.nextProcess()
    run.command.signal(SIGINT)
    while true {
      if try await run.command.nextLine().hasPrefix("NOT COMPLETE: interrupted by SIGINT") { break }
    }
    run.command.signal(SIGTERM)
    #expect(await run.command.waitForEnd() == 143)
  }

  /// Its testee outlives the end of its input, so that only a signal ends it.
  @Test func `a second signal leaves no testee, even if it comes at once`() async throws {
    let testee = Self.hanging.replacing("echo $$ > \"$told\"", with: "echo $$ > \"$told\"; exec sleep 600")
    let run = try Run(testee, "--time-limit", "600", "--jobs", "2", "--case", "P-1/*")
    defer { run.command.end() }
    let process = try await run.nextProcess()
    run.command.signal(SIGINT)
    run.command.signal(SIGTERM)
    #expect([130, 143].contains(await run.command.waitForEnd()))
    #expect(isGone(process))
  }

  @Test(arguments: [(SIGINT, "SIGINT", 130), (SIGTERM, "SIGTERM", 143)] as [(Int32, String, Int32)])
  func `a signal ends a capsule's play against an implementation, and leaves no testee`(
    signal: Int32,
    name: String,
    status: Int32
  ) async throws {
    let folder = try ScratchFolder()
    let bundled = "'\(try RunningCommand.executable().path)' testee"
    let recorded = try await CLITests.run(
      "conformance",
      "--testee",
      "\(bundled) | sed -u s/clean/lost/",
      "--case",
      "P-1/pong",
      "--configuration",
      "plain/unix/server",
      "--capsules",
      folder.path,
      "--no-traces"
    )
    #expect(recorded.status == 1)
    let testees = try LineQueue(readingPipe: folder.file("told"))
    let command = try RunningCommand([
      "conformance", "replay", folder.file("P-1_pong_plain_unix_server.capsule"), "--testee",
      "told='\(folder.file("told"))'; \(Self.hanging)",
    ])
    defer { command.end() }
    let line = try #require(await testees.next())
    let process = try #require(pid_t(line))
    command.signal(signal)
    #expect(await command.waitForEnd() == status)
    #expect(isGone(process))
    let output = await command.output.rest()
    #expect(output.last == "NOT COMPLETE: interrupted by \(name): 1 run was not made")
  }

  @Test(arguments: [("exec /no/such/program", 1), ("echo garbage", 1)] as [(String, Int32)])
  func `what is no testee stops the run, and the reports say why`(testee: String, status: Int32) async throws {
    let run = try Run(testee, "--case", "P-1/pong")
    defer { run.command.end() }
    #expect(await run.command.waitForEnd() == status)
    let footer = try await Self.footer(run, endedBy: "stopped before the first case")
    #expect(footer["ended"] as? String == "stopped")
    #expect((footer["reason"] as? String)?.hasPrefix("this is no testee: ") == true)
    #expect(footer["exitStatus"] as? Int == Int(status))
    #expect(footer["notRun"] as? Int == 12)
  }
}
