import BokbokTestSupport
import Foundation
import Testing

/// What is left of an interop matrix, a kill matrix or a first look that a signal ends: no process, and reports that say
/// that they are not those of a whole run.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct InterruptedMatrixTests {
  private static let signals = [(SIGINT, "SIGINT", 130), (SIGTERM, "SIGTERM", 143)] as [(Int32, String, Int32)]

  /// Answers the first commands of the kit, and no other; `$@` is what the kit has put behind the command.
  private static let hanging = #"""
    trap '' TERM INT HUP PIPE
    echo "$$ hangs $*" > "$told"
    case $1 in --stdio) while :; do read -r line < "$never"; done;; esac
    while read -r line; do seq=${line#*seq\":}; seq=${seq%%,*}; case $line in
    *'"hello"'*) echo '{"seq":'$seq',"ok":{"contract":1,"name":"x","version":"1","roles":["server","client"],"transports":["unix","stdio"],"security":["plain"],"features":["exec"]}}';;
    *canary*) echo '{"seq":'$seq',"error":{"kind":"unsupported"}}';;
    *'"quit"'*) exit 0;;
    esac; done
    """#

  /// A folder for the reports of a command, and a pipe by which its testees tell their numbers, and how they were called.
  private struct Setting: ~Copyable {
    let folder: ScratchFolder
    let testees: LineQueue

    init() throws {
      let folder = try ScratchFolder()
      testees = try LineQueue(readingPipe: folder.file("told"))
      self.folder = folder
    }

    /// Starts the command in the project's folder with all reports of a matrix.
    func start(_ arguments: [String], variables: [String: String] = [:]) throws -> RunningCommand {
      let reports = [
        "--json", folder.file("report.json"), "--junit", folder.file("report.xml"), "--html",
        folder.file("report.html"),
      ]
      return try RunningCommand(
        ["conformance"] + arguments + reports,
        directory: Project.root,
        variables: variables
      )
    }

    /// Writes a manifest of a testee that is such a script.
    func writeManifest(_ name: String, _ script: String) throws {
      let command = ["/bin/sh", "-c", "told='\(folder.file("told"))'; \(script)", "testee"]
      let manifest: [String: Any] = ["name": name, "language": "any", "command": command]
      let text = String(decoding: try JSONSerialization.data(withJSONObject: manifest), as: UTF8.self)
      try FileManager.default.createDirectory(atPath: folder.file("manifests"), withIntermediateDirectories: true)
      try folder.write(text, to: "manifests/\(name).json")
    }

    /// The number of the next testee, and what it tells beside that.
    func next() async throws -> (process: pid_t, words: Substring) {
      let line = try #require(await testees.next())
      return (try #require(pid_t(line.prefix { $0 != " " })), line.drop { $0 != " " }.dropFirst())
    }

    /// The numbers of all testees up to the first that tells these words.
    func processes(upTo words: String) async throws -> [pid_t] {
      var processes: [pid_t] = []
      while true {
        let (process, told) = try await next()
        processes.append(process)
        if told.contains(words) { return processes }
      }
    }

    func processes(_ count: Int) async throws -> [pid_t] {
      var processes: [pid_t] = []
      while processes.count < count { processes.append(try await next().process) }
      return processes
    }
  }

  private static func bundled() throws -> String { "exec '\(try RunningCommand.executable().path)' testee \"$@\"" }

  // MARK: The interop matrix

  @Test(arguments: signals)
  func `a signal ends an interop matrix, and what was played by then is reported`(
    signal: Int32,
    name: String,
    status: Int32
  ) async throws {
    let setting = try Setting()
    let tell = #"echo "$$ $*" > "$told"; "#
    for name in ["one", "two"] { try setting.writeManifest(name, tell + Self.bundled()) }
    let command = try setting.start(
      ["--matrix", "--jobs", "1", "--configuration", "plain/unix", "--implementations-folder"]
        + [setting.folder.file("manifests")]
    )
    defer { command.end() }
    // Each tells once what it can; the fifth is the client of the second pair, once the first pair is through.
    let processes = try await setting.processes(8)
    command.signal(signal)
    #expect(await command.waitForEnd() == status)
    for process in processes { #expect(isGone(process)) }

    try await expectIncompleteRun(in: setting.folder, report: "report.json", endedBy: "interrupted by \(name): ")
    let lines = try setting.folder.text("report.json").split(separator: "\n").map { line in
      try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    let scenarios = lines.filter { $0["type"] as? String == "interop" }
    #expect(!scenarios.isEmpty)
    #expect(scenarios.allSatisfy { $0["state"] as? String == "pass" })
    let footer = try #require(lines.last)
    #expect(footer["ended"] as? String == "interrupted")
    #expect(footer["signal"] as? String == name)
    #expect(footer["exitStatus"] as? Int == Int(status))
    // Four pairs; what is about sealed connections is not planned.
    #expect((footer["notRun"] as? Int ?? 0) + scenarios.count == 4 * 15)
    #expect((footer["notRun"] as? Int ?? 0) > 0)
    let table = await command.output.rest()
    #expect(table.contains { $0.hasPrefix("NOT COMPLETE: interrupted by \(name): ") })
  }

  @Test func `a server that a client has started and that hangs does not outlive an interop matrix`() async throws {
    let setting = try Setting()
    // The server holds a pipe open for as long as it lives, whoever learns of its end.
    let (alive, never) = (setting.folder.file("alive"), setting.folder.file("never"))
    for pipe in [alive, never] { try #require(mkfifo(pipe, 0o600) == 0) }
    try setting.writeManifest("client", Self.bundled())
    let hold = "never='\(never)'; case $1 in --stdio) exec 9<> '\(alive)';; esac; "
    try setting.writeManifest("server", hold + Self.hanging)
    let command = try setting.start(
      ["--matrix", "--time-limit", "600", "--case", "client/server/plain/stdio/identity", "--implementations-folder"]
        + [setting.folder.file("manifests")]
    )
    defer { command.end() }
    _ = try await setting.processes(upTo: "--stdio")
    let server = LineQueue(reading: try #require(FileHandle(forReadingAtPath: alive)))
    command.signal(SIGTERM)
    #expect(await command.waitForEnd() == 143)
    #expect(await server.rest().isEmpty)
    try await expectIncompleteRun(
      in: setting.folder,
      report: "report.json",
      endedBy: "interrupted by SIGTERM: 1 scenario was not played"
    )
  }

  @Test func `a signal while the implementations are met leaves a report that says who had not answered`() async throws
  {
    let setting = try Setting()
    try setting.writeManifest("a-quick", Self.bundled())
    try setting.writeManifest("silent", #"echo "$$" > "$told"; trap '' TERM INT; while read -r line; do :; done"#)
    try setting.writeManifest("unasked", #"echo "$$" > "$told"; exit 1"#)
    let command = try setting.start(
      ["--matrix", "--case", "identity", "--configuration", "plain/unix", "--implementations-folder"]
        + [setting.folder.file("manifests")]
    )
    defer { command.end() }
    let process = try await setting.next().process
    command.signal(SIGINT)
    #expect(await command.waitForEnd() == 130)
    #expect(isGone(process))
    try await expectIncompleteRun(
      in: setting.folder,
      report: "report.json",
      endedBy: "interrupted by SIGINT: 1 scenario was not played"
    )
    let header = try setting.folder.text("report.json").prefix { $0 != "\n" }
    #expect(header.contains(#""name":"silent","reason":"the run was ended before its testee had answered""#))
    #expect(header.contains(#""name":"unasked","reason":"the run was ended before its testee had answered""#))
  }

  // MARK: The kill matrix

  /// A `python3` that takes the place of the real one, before it in `PATH`, so that no fault needs Python: the testee without a
  /// fault is the bundled one, one fault stumbles, and the others hang.
  private static func writePython(_ setting: borrowing Setting) throws -> [String: String] {
    let script = """
      #!/bin/sh
      told='\(setting.folder.file("told"))'
      case "$*" in
      testee.py*) shift; echo "$$" > "$told"; \(try bundled());;
      *P-1.a/other-bytes*) echo "NameError" >&2; exit 1;;
      esac
      shift 3
      \(hanging)
      """
    try setting.folder.write(script, to: "python3", mode: 0o755)
    return ["PATH": "\(setting.folder.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"]
  }

  @Test(arguments: signals)
  func `a signal ends a kill matrix, and what was decided by then is reported`(
    signal: Int32,
    name: String,
    status: Int32
  ) async throws {
    let setting = try Setting()
    let variables = try Self.writePython(setting)
    let command = try setting.start(
      ["--kill-matrix", "--jobs", "1", "--time-limit", "600", "--all-killers"]
        + ["--fault", "P-1.a/other-bytes", "--fault", "P-1.a/not-answered"],
      variables: variables
    )
    defer { command.end() }
    let processes = try await setting.processes(upTo: "hangs")
    command.signal(signal)
    #expect(await command.waitForEnd() == status)
    for process in processes { #expect(isGone(process)) }

    try await expectIncompleteRun(
      in: setting.folder,
      report: "report.json",
      endedBy: "interrupted by \(name): 2 trials were not made"
    )
    let text = try setting.folder.text("report.json")
    let report = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let trials = try #require(report["trials"] as? [[String: Any]])
    #expect(trials.map { $0["fault"] as? String } == ["P-1.a/other-bytes", "P-1.a/other-bytes"])
    #expect(trials.allSatisfy { $0["outcome"] as? String == "broken" })
    #expect(report["broken"] as? Int == 2)
    #expect(report["ended"] as? String == "interrupted")
    #expect(report["signal"] as? String == name)
    #expect(report["notRun"] as? Int == 2)
    let table = await command.output.rest()
    #expect(table.contains("NOT COMPLETE: interrupted by \(name): 2 trials were not made"))
  }

  // MARK: A first look

  @Test(arguments: signals)
  func `a signal ends a first look, and leaves no testee`(signal: Int32, name: String, status: Int32) async throws {
    let setting = try Setting()
    let script = "told='\(setting.folder.file("told"))'; \(Self.hanging)"
    let command = try RunningCommand(["conformance", "--smoke", "--testee", script, "--time-limit", "600"])
    defer { command.end() }
    // The first tells what it can, the second is to open a connection.
    let processes = try await setting.processes(2)
    command.signal(signal)
    #expect(await command.waitForEnd() == status)
    for process in processes { #expect(isGone(process)) }
    let output = await command.output.rest()
    #expect(output.first == "ok      starts; answers hello, refuses an unknown command, quits")
    #expect(output.last == "NOT COMPLETE: interrupted by \(name): 12 things were not tried")
    #expect(!output.contains { $0.hasPrefix("FAILED") })
  }
}
