import BokbokTestSupport
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct KeyCommandTests {
  @Test func `generate prints a key that differs each time`() async throws {
    let first = try await run("key", "generate")
    let second = try await run("key", "generate")
    #expect(first.status == 0)
    #expect(first.output.wholeMatch(of: /[0-9a-f]{64}/) != nil)
    #expect(first.output != second.output)
    #expect(first.errors.isEmpty)
  }

  @Test func `generate writes a key file that only its owner can use, and prints nothing`() async throws {
    let folder = try ScratchFolder()
    let result = try await run("key", "generate", "--output", folder.file("key"))
    #expect(result.status == 0)
    #expect(result.output.isEmpty)
    #expect(try mode(of: folder.file("key")) == 0o600)
    let text = try String(contentsOfFile: folder.file("key"), encoding: .utf8)
    #expect(text.wholeMatch(of: /[0-9a-f]{64}\n/) != nil)
  }

  @Test func `a key file is replaced only with --force, and then has the right mode again`() async throws {
    let folder = try ScratchFolder()
    let path = try folder.write("precious\n", to: "key", mode: 0o644)
    let refused = try await run("key", "generate", "--output", path)
    #expect(refused.status == 73)
    #expect(refused.errors.contains("--force"))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious\n")
    #expect(try await run("key", "generate", "--output", path, "--force").status == 0)
    #expect(try String(contentsOfFile: path, encoding: .utf8) != "precious\n")
    #expect(try mode(of: path) == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["key"])
  }

  @Test func `a users line has the name, quoted where it must be, and the key of the file`() async throws {
    let folder = try ScratchFolder()
    for (index, (name, text)) in [
      ("alice", "alice"), ("José", "José"), ("a b", #""a b""#), ("#x", ##""#x""##),
      (#"q"\"#, #""q\"\\""#), ("\"q", #""\"q""#), ("\u{202E}x", #""\xe2\x80\xaex""#),
    ].enumerated() {
      let path = folder.file("\(index)")
      let result = try await run("key", "generate", "--user", name, "--users-line", "--output", path)
      let digits = try String(contentsOfFile: path, encoding: .utf8).dropLast()
      #expect(result.output == "\(text) \(digits)")
    }
  }

  @Test(.clauses("K-1.a"))
  func `derive gives the key of the passphrase and the user`() async throws {
    let passphrase = "lusab-babad-gutih-tugad-mulit-dofob-vazij"
    let alice = try await run("key", "derive", "--user", "alice", input: passphrase)
    let again = try await run("key", "derive", "--user", "alice", input: passphrase)
    let bob = try await run("key", "derive", "--user", "bob", input: passphrase)
    let group = try await run("key", "derive", "--group", input: passphrase)
    #expect(alice.status == 0)
    #expect(alice.errors.isEmpty)
    #expect(alice.output.wholeMatch(of: /[0-9a-f]{64}/) != nil)
    #expect(alice.output == again.output)
    #expect(Set([alice.output, bob.output, group.output]).count == 3)
  }

  @Test(.clauses("K-2.b"))
  func `derive warns of a weak passphrase, and derives all the same`() async throws {
    let result = try await run("key", "derive", "--user", "alice", input: "hunter2")
    #expect(result.status == 0)
    #expect(result.errors.contains("Warning:"))
    #expect(result.errors.contains("80"))
    #expect(result.output.wholeMatch(of: /[0-9a-f]{64}/) != nil)
    #expect(!result.errors.contains("hunter2"))
  }

  @Test(.clauses("K-2.b"))
  func `an offered passphrase is strong enough`() async throws {
    let passphrase = try await run("key", "passphrase").output
    #expect(passphrase.wholeMatch(of: /[a-z]{5}(-[a-z]{5}){6}/) != nil)
    #expect(try await run("key", "derive", "--group", input: passphrase).errors.isEmpty)
  }

  @Test(arguments: ["", "two\nlines"])
  func `a passphrase that is none is refused`(_ input: String) async throws {
    let result = try await run("key", "derive", "--group", input: input)
    #expect(result.status == 65)
    #expect(result.output.isEmpty)
  }

  @Test(arguments: [
    ["key", "derive"], ["key", "generate", "--user", "alice"], ["key", "generate", "--users-line"],
    ["key", "generate", "--force"], ["key", "derive", "--group", "--user", "alice"],
    ["key", "generate", "--users-line", "--user", ""], ["key", "derive", "hunter2"],
  ])
  func `options that do not go together are a usage error`(_ arguments: [String]) async throws {
    let command = try RunningCommand(arguments)
    defer { command.end() }
    try command.closeInput()
    #expect(await command.waitForEnd() == 64)
    #expect(await !command.errors.rest().isEmpty)
  }
}
