import BokbokTestSupport
import Foundation
import Testing

/// `bokbok serve --handler`.
@Suite(.timeLimit(.minutes(1)))
struct HandlerCommandTests {
  @Test func `the command gets the request and its output is the answer`() async throws {
    let answer = try await call(#"(a "b c" #00ff#)"#, script: "cat")
    #expect(answer.status == 0)
    #expect(answer.output == #"(a "b c" #00ff#)"#)
  }

  @Test func `a request and an answer larger than a pipe go through`() async throws {
    let text = String(repeating: "x", count: 300_000)
    let folder = try ScratchFolder()
    let (server, address) = try await serve(script: "cat", in: folder)
    defer { server.end() }
    let answer = try await run("call", address, "-", input: "(\(text))")
    #expect(answer.status == 0)
    #expect(answer.output == "(\(text))")
  }

  @Test func `a command that does not read its input answers all the same`() async throws {
    let folder = try ScratchFolder()
    let (server, address) = try await serve(script: "echo done", in: folder)
    defer { server.end() }
    let answer = try await run("call", address, "-", input: "(\(String(repeating: "x", count: 1_000_000)))")
    #expect(answer.output == "done")
  }

  @Test func `what the command leaves running in the background does not hold up the answer`() async throws {
    #expect(try await call("(a)", script: "sleep 1000 & echo done; kill $!").output == "done")
    #expect(try await call("(a)", script: "(sleep 5; true) & echo done").output == "done")
  }

  @Test func `the command knows the user and the other side`() async throws {
    let folder = try ScratchFolder()
    let key = String(repeating: "0a", count: 32)
    let users = try folder.write("\"Mary Ann\" \(key)\n", to: "users")
    let keyFile = try folder.write(key + "\n", to: "key")
    let script = try folder.write(#"echo "(\"$BOKBOK_USER\" \"$BOKBOK_PEER\")""#, to: "handler")
    let server = try RunningCommand(["serve", "tcp:127.0.0.1:0", "--users", users, "--handler", "sh \(script)"])
    defer { server.end() }
    let address = try await server.nextLine()
    let answer = try await run("call", address, "(a)", "--user", "Mary Ann", "--key-file", keyFile)
    #expect(answer.status == 0)
    #expect(answer.output.hasPrefix(#"("Mary Ann" "#))
    #expect(answer.output.contains("127.0.0.1"))
    let plain = try await call("(a)", script: #"echo "(${BOKBOK_USER-none})""#)
    #expect(plain.output == "(none)")
  }

  @Test(arguments: [
    ("echo first >&2; echo 'no such thing' >&2; echo >&2; exit 3", "command-failed: no such thing", #""3""#),
    ("exit 7", "command-failed: the command ended with the status 7", #""7""#),
    ("kill -TERM $$", "command-failed: the command ended with the status 143", #""143""#),
    ("echo '(a'", "invalid-output: the output of the command is not a value", nil),
    ("true", "invalid-output: ", nil),
    (#"printf '\377'"#, "invalid-output: the output of the command is not UTF-8", nil),
  ])
  func `a command that fails is an error with what it said`(
    _ script: String,
    _ message: String,
    _ detail: String?
  ) async throws {
    let answer = try await call("(a)", script: script)
    #expect(answer.status == 1)
    #expect(answer.output.isEmpty)
    #expect(answer.errors.contains(message))
    #expect(answer.errors.contains("details:") == (detail != nil))
    if let detail { #expect(answer.errors.hasSuffix("details: \(detail)")) }
  }

  @Test func `endless output is cut off, and the command is ended`() async throws {
    let answer = try await call("(a)", script: "exec yes")
    #expect(answer.status == 1)
    #expect(answer.errors.contains("command-failed") || answer.errors.contains("invalid-output"))
  }

  @Test func `a request that is cancelled terminates the command and what it started`() async throws {
    let folder = try ScratchFolder()
    let marks = try LineQueue(readingPipe: folder.file("marks"))
    let pipe = folder.file("marks")
    // A shell tells on standard error of a child that a signal ended; nobody may be there any more to read it.
    let (server, address) = try await serve(
      script: """
        exec 2>/dev/null
        trap 'echo ended >\(pipe); exit 0' TERM
        (trap 'echo child ended >\(pipe); exit 0' TERM; echo started >\(pipe); while :; do sleep 0.01; done) &
        wait
        """,
      in: folder,
      options: ["--handler-kill-delay", "1000"]
    )
    defer { server.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let connection = try await client.connect(["address": address])
    let request = try client.send("request", ["connection": connection, "payload": try hex("(a)")])
    #expect(await marks.next() == "started")
    _ = try await client.ask("cancel", ["request": request])
    #expect(try await client.failure(of: request)["kind"] as? String == "cancelled")
    let ended = [await marks.next(), await marks.next()]
    #expect(Set(ended) == ["ended", "child ended"])
  }

  @Test func `a command that ignores SIGTERM is killed`() async throws {
    let folder = try ScratchFolder()
    let marks = try LineQueue(readingPipe: folder.file("marks"))
    // The shell dies only of SIGKILL; the pipe it holds open then ends.
    let (server, address) = try await serve(
      script: "trap '' TERM; exec 3>\(folder.file("marks")); echo started >&3; while :; do sleep 0.01; done",
      in: folder,
      options: ["--handler-kill-delay", "0.1"]
    )
    defer { server.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let connection = try await client.connect(["address": address])
    let request = try client.send("request", ["connection": connection, "payload": try hex("(a)")])
    #expect(await marks.next() == "started")
    _ = try await client.ask("cancel", ["request": request])
    // The connection closes clean only once the handler has ended.
    _ = try await client.ask("close", ["connection": connection])
    #expect(try await client.event("closed")["reason"] as? String == "clean")
  }

  @Test func `requests beyond the number of processes wait for their turn`() async throws {
    let folder = try ScratchFolder()
    let marks = try LineQueue(readingPipe: folder.file("marks"))
    let script = try folder.write(
      "read value; echo \"$value\" >\(folder.file("marks")); read go <\(folder.file("go")); echo \"$value\"",
      to: "handler"
    )
    #expect(mkfifo(folder.file("go"), 0o600) == 0)
    let server = try RunningCommand(
      ["serve", folder.file("socket"), "--plain", "--handler", "sh \(script)", "--handler-processes", "1"]
    )
    defer { server.end() }
    let client = try TesteeProcess()
    defer { client.end() }
    let connection = try await client.connect(["address": try await server.nextLine()])
    // The others begin when the first has its place: on the pool it is not sure which is faster.
    var requests = [try client.send("request", ["connection": connection, "payload": try hex("(a)")])]
    #expect(await marks.next() == "(a)")
    requests += try ["b", "c"].map { name in
      try client.send("request", ["connection": connection, "payload": try hex("(\(name))")])
    }
    // One that waits is cancelled without ever having been started.
    _ = try await client.ask("cancel", ["request": requests[1]])
    #expect(try await client.failure(of: requests[1])["kind"] as? String == "cancelled")
    try go(folder.file("go"))
    #expect(try await client.reply(to: requests[0])["ok"] != nil)
    #expect(await marks.next() == "(c)")
    try go(folder.file("go"))
    #expect(try await client.reply(to: requests[2])["ok"] != nil)
  }

  /// Lets the script that reads from the pipe go on.
  private func go(_ pipe: String) throws {
    let file = try #require(FileHandle(forWritingAtPath: pipe))
    try file.write(contentsOf: Data("go\n".utf8))
    try file.close()
  }

  private func serve(
    script: String,
    in folder: ScratchFolder,
    options: [String] = []
  ) async throws -> (RunningCommand, String) {
    let path = try folder.write(script + "\n", to: "handler")
    let server = try RunningCommand(["serve", folder.file("socket"), "--plain", "--handler", "sh \(path)"] + options)
    return (server, try await server.nextLine())
  }

  private func call(_ request: String, script: String) async throws -> CommandResult {
    let folder = try ScratchFolder()
    let (server, address) = try await serve(script: script, in: folder)
    defer { server.end() }
    let answer = try await run("call", address, request)
    server.signal(SIGTERM)
    #expect(await server.waitForEnd() == 0)
    return answer
  }
}
