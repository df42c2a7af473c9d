import BokbokTestSupport
import NIOPosix
import Testing

@testable import Bokbok

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Clients of `exec:` and servers on `stdio:`, joined by pipes.
@Suite struct CommandTests {
  @Test(
    "Both sides send requests, and a close is clean on both",
    .clauses("A-2.a", "A-2.b", "A-3.a", "F-3.e"),
    arguments: TestProtection.allCases
  )
  func bothDirections(protection: TestProtection) async throws {
    let lines = Recorder<String>()
    let connection = try await TestCommand.open(
      protection,
      configuration: TestCommand.configuration(lines: lines),
      handlers: Handlers(request: .synchronous { request, _ in ["answer", request] })
    )
    #expect(try await connection.request(["echo", "one"]) == ["echo", "one"])
    #expect(try await connection.request(["ask", "two"]) == ["told", ["answer", "two"]])
    #expect(connection.isSealed == (protection == .sealed))
    let end = try await connection.close(code: "done")
    #expect(end == ConnectionEnd(reason: .clean, code: "done", message: ""))
    #expect(await connection.waitUntilCommandEnded() == CommandEnd(status: .exited(0), lastErrorLines: lines.elements))
    #expect(lines.elements == ["the connection has ended: clean (done)"])
  }

  @Test("A command that ends before the connection opens is told with its status and its last words")
  func endsBeforeOpening() async throws {
    let error = await #expect(throws: BokbokError.self) {
      _ = try await TestCommand.open(script: "echo oops >&2; exit 3")
    }
    #expect(error?.code == .lost)
    #expect(error?.message.contains("exit status 3") == true)
    #expect(error?.message.contains("oops") == true)
    #expect(error?.cause as? CommandEnd == CommandEnd(status: .exited(3), lastErrorLines: ["oops"]))
  }

  @Test("A command that dies during a request is told with its status or signal and its last words")
  func diesDuringRequest() async throws {
    for (request, status, words) in [
      (["exit", 7] as Value, CommandEnd.Status.exited(7), "exiting as told"),
      (["signal", 9], .signaled(9), "about to be killed as told"),
      (["signal", 15], .signaled(15), "about to be killed as told"),
    ] {
      let ends = Recorder<ConnectionEnd>()
      let connection = try await TestCommand.open(handlers: Handlers(close: { _, end in ends.record(end) }))
      let error = await #expect(throws: BokbokError.self) { _ = try await connection.request(request) }
      #expect(error?.code == .lost)
      #expect(error?.cause as? CommandEnd == CommandEnd(status: status, lastErrorLines: [words]))
      let end = try #require(await ends.wait().first)
      #expect(end.reason == .lost)
      #expect(end.message.contains(words))
    }
  }

  @Test("What a handler prints goes to standard error, and standard input is empty", .clauses("A-2.d"))
  func printing() async throws {
    let lines = Recorder<String>()
    let connection = try await TestCommand.open(configuration: TestCommand.configuration(lines: lines))
    #expect(try await connection.request(["print", "hello"]) == ["printed"])
    #expect(try await connection.request(["read"]) == ["line", ""])
    #expect(await lines.wait() == ["hello"])
    try await connection.close()
  }

  @Test("A command inherits standard input, output and error, and nothing else", .clauses("A-3.d"))
  func inheritsNothing() async throws {
    // Not marked to be closed: what another part of a program may leave open.
    let open = dup(STDERR_FILENO)
    defer { close(open) }
    let error = await #expect(throws: BokbokError.self) {
      _ = try await TestCommand.open(
        script: "number=0; while [ $number -lt 256 ]; do [ -e /proc/self/fd/$number ] && echo $number >&2; "
          + "number=$((number + 1)); done; exit 1"
      )
    }
    let lines = (error?.cause as? CommandEnd)?.lastErrorLines
    #expect(lines == ["0", "1", "2"])
  }

  @Test(
    "A command gets the environment and the working directory that were asked for, and the words as they are",
    .clauses("A-3.e")
  )
  func environment() async throws {
    var configuration = TestCommand.configuration()
    configuration.commands?.environment = ["WORD": "two  words", "PATH": "/usr/bin:/bin"]
    configuration.commands?.workingDirectory = "/"
    let error = await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(
        try Address(##"exec:sh -c 'pwd >&2; echo "$WORD$1$2" >&2; exit 1' sh '*' "a  \"b""##),
        security: .plain,
        configuration: configuration
      )
    }
    #expect((error?.cause as? CommandEnd)?.lastErrorLines == ["/", "two  words*a  \"b"])
  }

  @Test("A command that cannot be started is a clear error")
  func missing() async throws {
    let error = await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(
        try .command(["/no/such/command"]),
        security: .plain,
        configuration: TestCommand.configuration()
      )
    }
    #expect(error?.code == .connect)
    #expect(error?.message.contains("/no/such/command") == true)
  }

  @Test("A command that stays is sent SIGTERM, and one that takes no notice SIGKILL", .clauses("A-3.b", "A-3.c"))
  func staying() async throws {
    for (script, status) in [
      (#"echo $$ >&2; "$0" plain; exec sleep 1000"#, CommandEnd.Status.signaled(SIGTERM)),
      (#"trap "" TERM; echo $$ >&2; "$0" plain; exec sleep 1000"#, .signaled(SIGKILL)),
    ] {
      let lines = Recorder<String>()
      var configuration = TestCommand.configuration(lines: lines) {
        $0.terminateTimeout = .milliseconds(50)
        $0.killTimeout = .milliseconds(50)
      }
      configuration.endTimeout = .milliseconds(50)
      let connection = try await TestCommand.open(script: script, configuration: configuration)
      try await connection.close()
      #expect(await connection.waitUntilCommandEnded()?.status == status)
      // Reaped: not even a zombie has the number.
      let process = try #require(pid_t(lines.elements[0]))
      #expect(kill(process, 0) == -1)
    }
  }
}
