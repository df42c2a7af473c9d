import BokbokTestSupport
import Foundation
import Testing

/// `bokbok serve --users`.
@Suite(.timeLimit(.minutes(1)))
struct ServeUsersTests {
  private static let oldKey = String(repeating: "0a", count: 32)
  private static let newKey = String(repeating: "0b", count: 32)

  @Test func `users connect with their keys, and nobody else does`() async throws {
    let folder = try ScratchFolder()
    let users = try folder.write("alice \(Self.oldKey)\n", to: "users")
    let server = try RunningCommand(["serve", folder.file("socket"), "--users", users])
    defer { server.end() }
    let address = try await server.nextLine()
    #expect(try await call(address, user: "alice", key: Self.oldKey, in: folder).output == "(pong)")
    let wrong = try await call(address, user: "alice", key: Self.newKey, in: folder)
    let unknown = try await call(address, user: "bob", key: Self.oldKey, in: folder)
    #expect(wrong.status == 77)
    #expect(unknown.status == 77)
    #expect(wrong.errors == unknown.errors)
    let plain = try await run("call", address, "(ping)")
    #expect(plain.status == 76)
    #expect(plain.errors.contains("mode-mismatch"))
  }

  @Test(arguments: [0o640, 0o604, 0o620])
  func `a users file that others can use is refused, with what to do`(_ mode: Int) async throws {
    let folder = try ScratchFolder()
    let users = try folder.write("alice \(Self.oldKey)\n", to: "users", mode: mode)
    let result = try await run("serve", folder.file("socket"), "--users", users)
    #expect(result.status == 78)
    #expect(result.errors.contains("chmod 600 \(users)"))
    #expect(result.errors.contains(String(mode, radix: 8)))
    #expect(result.output.isEmpty)
  }

  @Test func `a users file that is not there or wrong is refused`() async throws {
    let folder = try ScratchFolder()
    #expect(try await run("serve", folder.file("socket"), "--users", folder.file("none")).status == 66)
    let users = try folder.write("alice \(Self.oldKey)\nbob\n", to: "users")
    let result = try await run("serve", folder.file("socket"), "--users", users)
    #expect(result.status == 78)
    #expect(result.errors.contains("line 2"))
  }

  @Test func `a key file that others can use, or that holds no key, is refused`() async throws {
    let folder = try ScratchFolder()
    let open = try folder.write(Self.oldKey, to: "open", mode: 0o644)
    let result = try await run("call", "nowhere:1", "(a)", "--user", "alice", "--key-file", open)
    #expect(result.status == 78)
    #expect(result.errors.contains("chmod 600"))
    for text in ["", "12", "\(Self.oldKey)\n\(Self.newKey)\n"] {
      let bad = try folder.write(text, to: "bad")
      #expect(try await run("call", "nowhere:1", "(a)", "--user", "alice", "--key-file", bad).status == 78)
    }
  }

  @Test func `a generated key and its users line fit together`() async throws {
    let folder = try ScratchFolder()
    let line = try await run("key", "generate", "--user", "J\u{F6}rg B", "--users-line", "--output", folder.file("key"))
    let users = try folder.write(line.output + "\n", to: "users")
    let server = try RunningCommand(["serve", folder.file("socket"), "--users", users])
    defer { server.end() }
    let address = try await server.nextLine()
    let answer = try await run("call", address, "(ping)", "--user", "J\u{F6}rg B", "--key-file", folder.file("key"))
    #expect(answer.output == "(pong)")
  }

  @Test func `SIGHUP takes over new keys, both keys of a rotation are good, and a bad file changes nothing`()
    async throws
  {
    let folder = try ScratchFolder()
    let users = try folder.write("alice \(Self.oldKey)\n", to: "users")
    let server = try RunningCommand(["serve", folder.file("socket"), "--users", users])
    defer { server.end() }
    let address = try await server.nextLine()
    #expect(try await call(address, user: "alice", key: Self.newKey, in: folder).status == 77)

    try folder.write("alice \(Self.newKey)\nalice \(Self.oldKey)\n", to: "users")
    server.signal(SIGHUP)
    try await server.errorLine(containing: "read again")
    #expect(try await call(address, user: "alice", key: Self.newKey, in: folder).status == 0)
    #expect(try await call(address, user: "alice", key: Self.oldKey, in: folder).status == 0)

    try folder.write("alice nonsense\n", to: "users")
    server.signal(SIGHUP)
    let mistake = try await server.errorLine(containing: "line 1")
    #expect(mistake.contains("users"))
    #expect(try await call(address, user: "alice", key: Self.newKey, in: folder).status == 0)

    try folder.write("alice \(Self.newKey)\n", to: "users")
    server.signal(SIGHUP)
    try await server.errorLine(containing: "read again")
    #expect(try await call(address, user: "alice", key: Self.oldKey, in: folder).status == 77)
  }

  private func call(
    _ address: String,
    user: String,
    key: String,
    in folder: ScratchFolder
  ) async throws -> CommandResult {
    let keyFile = try folder.write(key + "\n", to: "key")
    return try await run("call", address, "(ping)", "--user", user, "--key-file", keyFile)
  }
}
