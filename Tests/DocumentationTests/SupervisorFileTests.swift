import Bokbok
import BokbokTestSupport
import Foundation
import Testing

/// The unit files and the inetd line of the guide are those that work: they are checked and run, with paths, ports and
/// users of the tests in place of the guide's.
@Suite struct SupervisorFileTests {
  private static let page = "Sources/Bokbok/Documentation.docc/Subprocesses.md"

  /// A unit file of the guide: the text of a block, whose file is named on the last line before it.
  private struct Unit {
    var name: String
    var text: String

    func value(of key: String) -> String? {
      text.split(separator: "\n").first { $0.hasPrefix("\(key)=") }.map { String($0.dropFirst(key.count + 1)) }
    }

    static func all() throws -> [Unit] {
      let page = try String(contentsOfFile: "\(Project.root)/\(SupervisorFileTests.page)", encoding: .utf8)
      let lines = page.components(separatedBy: "\n")
      return try CodeBlock.all(in: "ini").map { block in
        let title = lines[..<(block.line - 1)].last { !$0.isEmpty } ?? ""
        let name = try #require(title.wholeMatch(of: /`\/etc\/systemd\/system\/([^`\/]+)`:/)?.1)
        return Unit(name: String(name), text: block.lines.joined(separator: "\n") + "\n")
      }
    }
  }

  /// Files of a test, and a user who may connect.
  private final class Folder {
    let path = NSTemporaryDirectory() + "bokbok-units-\(UUID().uuidString)"
    let user: UserName
    let key: PresharedKey

    init() throws {
      user = try UserName("alice")
      let bytes = [UInt8](repeating: 7, count: 32)
      key = try PresharedKey(bytes: bytes)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let line = "alice \(bytes.map { String(format: "%02x", $0) }.joined())\n"
      try write(line, to: "users")
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(path)/users")
    }

    deinit {
      try? FileManager.default.removeItem(atPath: path)
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
      try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
      return "\(path)/\(name)"
    }

    /// The guide's command with the built one, and the users file of this folder.
    func localized(_ text: String) -> String {
      text.replacing("/usr/bin/bokbok", with: Project.command).replacing("/etc/bokbok/users", with: "\(path)/users")
    }

    /// Two connections one after the other, each with a request.
    func converse() async throws {
      for _ in 0..<2 {
        let connection = try await Connection.open(
          .unix(path: "\(path)/socket"),
          security: .sealed(user: user, key: key)
        )
        #expect(try await connection.request(["ping", "1"]) == ["pong", "1"])
        try await connection.close()
      }
    }
  }

  @Test func everyServiceHasItsSocket() throws {
    let units = try Unit.all()
    #expect(units.map(\.name) == ["bokbok.socket", "bokbok.service", "bokbok-each.socket", "bokbok-each@.service"])
  }

  @Test(.enabled(if: Supervisor.analyze.isUsable, Supervisor.analyze.missing))
  func systemdAcceptsTheUnits() async throws {
    let folder = try Folder()
    let files = try Unit.all().map { try folder.write(folder.localized($0.text), to: $0.name) }
    #expect(!files.isEmpty)
    let analyze = try TestProcess(try #require(Supervisor.analyze.path), ["verify", "--man=no"] + files)
    var complaints: [String] = []
    while let line = try await analyze.nextLine() {
      // What is said of the machine's own units is not of the guide's.
      if line.contains("bokbok") { complaints.append(line) }
    }
    #expect(complaints == [])
    #expect(await analyze.waitForEnd() == 0)
  }

  @Test(
    .enabled(if: Supervisor.socketActivate.isUsable, Supervisor.socketActivate.missing),
    arguments: [("bokbok.socket", "bokbok.service"), ("bokbok-each.socket", "bokbok-each@.service")]
  )
  func unitsServe(socket: String, service: String) async throws {
    let folder = try Folder()
    let units = try Unit.all()
    let listening = try #require(units.first { $0.name == socket })
    let serving = try #require(units.first { $0.name == service })
    var options = ["--listen", "\(folder.path)/socket"]
    if listening.value(of: "Accept") == "yes" { options.append("--accept") }
    if serving.value(of: "StandardInput") == "socket" { options.append("--inetd") }
    let command = folder.localized(try #require(serving.value(of: "ExecStart"))).split(separator: " ").map(String.init)
    let activate = try TestProcess(try #require(Supervisor.socketActivate.path), options + command)
    try await activate.line(containing: "Listening on")
    try await folder.converse()
  }

  @Test(.enabled(if: Supervisor.inetd.isUsable, Supervisor.inetd.missing))
  func inetdLineServes() async throws {
    let folder = try Folder()
    let blocks = try CodeBlock.all(in: "inetd")
    #expect(blocks.count == 1)
    var fields = try #require(blocks.first?.lines.first).split(separator: " ").map(String.init)
    #expect(fields[1...4] == ["stream", "tcp", "nowait", "bokbok"])
    fields[0] = "\(folder.path)/socket"
    fields[2] = "unix"
    fields[4] = NSUserName()
    let line = folder.localized(fields.joined(separator: " ")) + "\n"
    let inetd = try TestProcess(
      try #require(Supervisor.inetd.path),
      ["-d", try folder.write(line, to: "inetd.conf")]
    )
    try await inetd.line(containing: "ADD")
    try await folder.converse()
  }
}
