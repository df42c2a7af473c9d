import BokbokTestSupport
import Foundation
import Testing

/// The jobs that users are to copy do what their page says: green for a testee that passes, red for one that does not, with
/// the reports of both.
///
/// Their scripts are run as they stand, but for what installs and builds. In the place of the built kit stands a script that
/// plays one case.
@Suite struct ContinuousIntegrationPageTests {
  private static let page = "Sources/Bokbok/Documentation.docc/RunTheKitInCI.md"

  /// The job of a service in YAML, by a word of its own.
  private static func job(_ word: String) throws -> [String] {
    let blocks = try CodeBlock.all(in: "yaml").filter { $0.page == page && $0.lines.contains { $0.contains(word) } }
    try #require(blocks.count == 1)
    return blocks[0].lines
  }

  /// The commands of a job that belong to the kit, in their order: the values of `run`, or the items of `script`.
  private static func commands(_ lines: [String]) -> [String] {
    var commands: [String] = []
    var scriptIndentation: Int?
    for (index, line) in lines.enumerated() {
      let indentation = line.prefix { $0 == " " }.count
      let text = String(line.dropFirst(indentation))
      if let start = scriptIndentation, indentation <= start { scriptIndentation = nil }
      if text == "script:" { scriptIndentation = indentation }
      var value: String?
      for head in ["run: ", "- run: "] where text.hasPrefix(head) { value = String(text.dropFirst(head.count)) }
      if scriptIndentation != nil, text.hasPrefix("- ") { value = String(text.dropFirst(2)) }
      guard let value else { continue }
      let block = lines[(index + 1)...].prefix { $0.prefix { $0 == " " }.count > indentation }
      switch value {
      case "|": commands.append(block.joined(separator: "\n"))
      case ">": commands.append(block.joined(separator: " "))
      default: commands.append(value)
      }
    }
    let others = ["apt-get", "git ", "swift build"]
    return commands.filter { command in !others.contains(where: command.contains) }
  }

  /// A folder as the job has it, with a testee that a shell's line starts.
  private static func folder(testee: String) throws -> ScratchFolder {
    let folder = try ScratchFolder()
    let files = [
      "my-testee": "#!/bin/sh\n\(testee)\n",
      "bokbok/.build/release/bokbok": """
      #!/bin/sh
      case "$*" in
      *check-report*) exec '\(Project.command)' "$@";;
      *) exec '\(Project.command)' "$@" --case P-1/pong --configuration plain/unix/server --no-traces;;
      esac
      """,
    ]
    for (name, text) in files {
      try folder.write(text, to: name)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder.path)/\(name)")
    }
    return folder
  }

  private static func run(_ command: String, in folder: ScratchFolder) async throws -> Int32 {
    let script = "cd '\(folder.path)' && \(command)"
    let process = try TestProcess("/bin/bash", ["-e", "-o", "pipefail", "-c", script])
    while try await process.nextLine() != nil {}
    return await process.waitForEnd()
  }

  private static func expectReports(_ folder: ScratchFolder, state: String) throws {
    for name in ["conformance.html", "conformance.xml"] {
      #expect(FileManager.default.fileExists(atPath: "\(folder.path)/\(name)"), "\(name)")
    }
    let report = try String(contentsOfFile: "\(folder.path)/conformance.jsonl", encoding: .utf8)
    #expect(report.contains(#""suiteVersion":{"number":1,"#))
    #expect(report.split(separator: "\n").count == 3)
    #expect(report.contains("\"state\":\"\(state)\""))
  }

  private static let passing = "exec '\(Project.command)' testee"
  /// Its reports of clean ends are turned into others.
  private static let failing = "'\(Project.command)' testee | sed -u 's/\"reason\":\"clean\"/\"reason\":\"lost\"/'"

  @Test(arguments: [(passing, "pass", 0), (failing, "fail", 1)] as [(String, String, Int32)])
  func theStepsOfGitHubActionsEndAsTheRunDoes(testee: String, state: String, status: Int32) async throws {
    let folder = try Self.folder(testee: testee)
    let commands = Self.commands(try Self.job("runs-on:"))
    try #require(commands.count == 2)
    #expect(try await Self.run(commands[0], in: folder) == status)
    try Self.expectReports(folder, state: state)
    // The step that reads the report back is run always, and the report of a red run is whole.
    #expect(try await Self.run(commands[1], in: folder) == 0)
  }

  @Test(arguments: [(passing, "pass", 0), (failing, "fail", 1)] as [(String, String, Int32)])
  func theScriptOfGitLabEndsAsTheRunDoes(testee: String, state: String, status: Int32) async throws {
    let folder = try Self.folder(testee: testee)
    let commands = Self.commands(try Self.job("artifacts:"))
    try #require(commands.count == 3)
    #expect(try await Self.run(commands.joined(separator: "\n"), in: folder) == status)
    try Self.expectReports(folder, state: state)
  }

  @Test func aReportThatWasCutOffMakesBothRed() async throws {
    for word in ["runs-on:", "artifacts:"] {
      let folder = try Self.folder(testee: Self.passing)
      let commands = Self.commands(try Self.job(word))
      let check = try #require(commands.first { $0.contains("check-report") })
      try folder.write("{\"type\":\"header\"}\n", to: "conformance.jsonl")
      #expect(try await Self.run(check, in: folder) == 1)
    }
  }
}
