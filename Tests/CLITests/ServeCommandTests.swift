import BokbokTestSupport
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ServeCommandTests {
  @Test(arguments: ["tcp", "unix"])
  func `a plain server prints its address, answers, and ends on SIGTERM`(_ transport: String) async throws {
    let folder = try ScratchFolder()
    let asked = transport == "tcp" ? "tcp:127.0.0.1:0" : "unix:\(folder.file("socket"))"
    let server = try RunningCommand(["serve", asked, "--plain"])
    defer { server.end() }
    let address = try await server.nextLine()
    #expect(address.hasPrefix("\(transport):"))
    #expect(!address.hasSuffix(":0"))

    let answer = try await run("call", address, #"(ping "12345" (a #00#))"#)
    #expect(answer.status == 0)
    #expect(answer.output == #"(pong "12345" (a #00#))"#)
    #expect(try await run("call", address, "(echo)").output == "(echo)")

    server.signal(SIGTERM)
    #expect(await server.waitForEnd() == 0)
    #expect(await server.output.rest().isEmpty)
    #expect(!FileManager.default.fileExists(atPath: folder.file("socket")))
  }

  @Test func `JSON answers, requests from standard input, and unknown requests`() async throws {
    let folder = try ScratchFolder()
    let server = try RunningCommand(["serve", folder.file("socket"), "--plain"])
    defer { server.end() }
    let address = try await server.nextLine()
    #expect(try await run("call", address, "(ping #ff# text)", "--json").output == #"["pong",{"hex":"ff"},"text"]"#)
    #expect(try await run("call", address, "-", input: "(ping\n  a)").output == "(pong a)")

    let unknown = try await run("call", address, "(destroy)")
    #expect(unknown.status == 1)
    #expect(unknown.output.isEmpty)
    #expect(unknown.errors.contains("unknown-request"))
    #expect(unknown.errors.contains("destroy"))
  }

  @Test func `ping measures round trips`() async throws {
    let folder = try ScratchFolder()
    let server = try RunningCommand(["serve", folder.file("socket"), "--plain"])
    defer { server.end() }
    let address = try await server.nextLine()
    let text = try await run("ping", address, "--count", "3", "--interval", "0")
    #expect(text.status == 0)
    #expect(text.output.split(separator: "\n").count == 4)
    let json = try await run("ping", address, "--count", "2", "--interval", "0", "--json")
    for (index, line) in json.output.split(separator: "\n").enumerated() {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Int]
      #expect(object?["ping"] == index + 1)
      #expect(try #require(object?["nanoseconds"]) > 0)
    }
  }

  @Test(arguments: [["--plain", "--users", "u"], []])
  func `plain or users has to be said, and only one of them`(_ options: [String]) async throws {
    let command = try RunningCommand(["serve", "tcp:127.0.0.1:0"] + options)
    defer { command.end() }
    #expect(await command.waitForEnd() == 64)
    #expect(await command.output.rest().isEmpty)
    #expect(await command.errors.rest().joined().contains("--plain"))
  }

  @Test(arguments: [
    ["nonsense:1:2:3"], ["tcp:127.0.0.1:0", "--message-bytes-max", "5"], ["tcp:127.0.0.1:0", "--handler", "'"],
    ["tcp:127.0.0.1:0", "--handler", "no-such-command-anywhere"], ["tcp:127.0.0.1:0", "--socket-mode", "999"],
    ["tcp:127.0.0.1:0", "--drain-timeout=-1"],
  ])
  func `what a server cannot be started with is a usage error`(_ arguments: [String]) async throws {
    let command = try RunningCommand(["serve", "--plain"] + arguments)
    defer { command.end() }
    #expect(await command.waitForEnd() == 64)
    #expect(await command.errors.rest().joined().contains("Error: "))
  }

  @Test func `an address that is in use is told`() async throws {
    let folder = try ScratchFolder()
    let server = try RunningCommand(["serve", folder.file("socket"), "--plain"])
    defer { server.end() }
    _ = try await server.nextLine()
    let second = try await run("serve", folder.file("socket"), "--plain")
    #expect(second.status == 69)
    #expect(second.errors.contains("socket"))
  }

  @Test func `calls fail with statuses that tell why`() async throws {
    let folder = try ScratchFolder()
    #expect(try await run("call", folder.file("nothing"), "(a)").status == 69)
    #expect(try await run("call", folder.file("nothing"), "(a").status == 65)
    #expect(try await run("call", "nonsense:1:2:3", "(a)").status == 64)
    #expect(try await run("call", folder.file("nothing"), "(a)", "--user", "alice").status == 64)
    #expect(try await run("call", folder.file("nothing"), "(a)", "--timeout", "0").status == 64)
  }

  @Test func `a call takes no longer than it is allowed to`() async throws {
    let folder = try ScratchFolder()
    let server = try RunningCommand(["serve", folder.file("socket"), "--plain", "--handler", "sleep 1000"])
    defer { server.end() }
    let address = try await server.nextLine()
    let result = try await run("call", address, "(a)", "--timeout", "0.3")
    #expect(result.status == 75)
  }

  @Test func `a second signal ends the server at once`() async throws {
    let folder = try ScratchFolder()
    let marks = try LineQueue(readingPipe: folder.file("marks"))
    let script = try folder.write("echo started >\(folder.file("marks")); exec sleep 1000", to: "handler")
    let server = try RunningCommand(
      ["serve", folder.file("socket"), "--plain", "--drain-timeout", "1000", "--handler", "sh \(script)"]
    )
    defer { server.end() }
    let address = try await server.nextLine()
    let call = try RunningCommand(["call", address, "(a)"])
    defer { call.end() }
    #expect(await marks.next() == "started")
    server.signal(SIGTERM)
    try await server.errorLine(containing: "second signal")
    server.signal(SIGINT)
    #expect(await server.waitForEnd() == 0)
    #expect(await call.waitForEnd() == 69)
  }
}
