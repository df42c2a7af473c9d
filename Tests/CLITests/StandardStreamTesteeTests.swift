import BokbokTestSupport
import Foundation
import Testing

/// `bokbok testee --stdio`: one connection on standard input and output, with and without a control socket.
@Suite(.timeLimit(.minutes(1)))
struct StandardStreamTesteeTests {
  private static let key = String(repeating: "5a", count: 32)

  @Test(.clauses("A-2.a", "A-3.a"), arguments: [false, true])
  func `without a control socket it serves what its command line says, and ends with the connection`(
    isSealed: Bool
  ) async throws {
    let folder = try ScratchFolder()
    let users = folder.file("users.json")
    try #"{"ada": "\#(Self.key)"}"#.write(toFile: users, atomically: true, encoding: .utf8)
    let client = try TesteeProcess()
    defer { client.end() }
    let serverCommand =
      "'\(try RunningCommand.executable().path)' testee --stdio --settings '{\"max-message\": 2000}'"
      + (isSealed ? " --users-file '\(users)'" : "")
    // The shell says how the testee ended.
    let status = folder.file("status")
    let shell = "\(serverCommand); echo $? > '\(status)'"
    let word = shell.replacing("'", with: "'\\''")
    var fields: [String: Any] = ["address": "exec:sh -c '\(word)'"]
    if isSealed { fields.merge(["user": "ada", "key": Self.key]) { $1 } }
    let connection = try await client.connect(fields)
    #expect(try await client.request("(whoami)", on: connection) == (isSealed ? "(ada)" : "()"))
    let large = "(echo #\(String(repeating: "61", count: 3000))#)"
    let request = try client.send("request", ["connection": connection, "payload": try hex(large)])
    #expect(try await client.failure(of: request)["kind"] as? String == "tooLarge")
    _ = try await client.ask("close", ["connection": connection])
    #expect(try await client.event("closed")["reason"] as? String == "clean")
    // It ends only when the commands that it started have.
    _ = try await client.ask("quit")
    #expect(await client.command.waitForEnd() == 0)
    #expect(try String(contentsOfFile: status, encoding: .utf8) == "0\n")
  }

  @Test func `options that make no sense are wrong usage, and bad data are named`() async throws {
    let withoutStdio = try RunningCommand(["testee", "--limits", "{}"])
    #expect(await withoutStdio.waitForEnd() == 64)
    let badJSON = try RunningCommand(["testee", "--stdio", "--limits", "{"])
    #expect(await badJSON.waitForEnd() == 65)
    try await badJSON.errorLine(containing: "--limits is not JSON")
    let badLimit = try RunningCommand(["testee", "--stdio", "--limits", #"{"sometimes": 3}"#])
    #expect(await badLimit.waitForEnd() == 65)
    try await badLimit.errorLine(containing: "there is no limit")
    let noFile = try RunningCommand(["testee", "--stdio", "--users-file", "/no/such/file"])
    #expect(await noFile.waitForEnd() == 66)
  }
}
