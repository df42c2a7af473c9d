import Bokbok
import BokbokTestSupport
import Foundation
import Testing

/// Servers that real supervisors start, and clients and servers joined by a relay of the system.
@Suite struct SupervisorTests {
  /// Opens a connection, has both sides ask, and closes it.
  private static func converse(at address: Address, _ protection: TestProtection) async throws {
    let connection = try await Connection.open(
      address,
      security: try protection.client(),
      configuration: TestCommand.configuration(),
      handlers: Handlers(request: .synchronous { request, _ in ["answer", request] })
    )
    #expect(try await connection.request(["ask", "x"]) == ["told", ["answer", "x"]])
    #expect(try await connection.request(["print", "this must not get between the records"]) == ["printed"])
    #expect(try await connection.request(["echo", "y"]) == ["echo", "y"])
    #expect(try await connection.close().reason == .clean)
  }

  @Test(
    "inetd passes one socket as standard input, output and error",
    .enabled(if: Supervisor.inetd.isUsable, Supervisor.inetd.missing),
    .clauses("A-2.c", "A-2.d", "A-2.e"),
    arguments: TestProtection.allCases
  )
  func inetd(protection: TestProtection) async throws {
    let path = TestTransport.newPath()
    let configuration = "\(path).conf"
    let line = "\(path) stream unix nowait \(NSUserName()) \(TestCommand.server) server \(protection.rawValue)\n"
    try line.write(toFile: configuration, atomically: true, encoding: .utf8)
    defer {
      for file in [path, configuration] { try? FileManager.default.removeItem(atPath: file) }
    }
    let inetd = try TestProcess(try #require(Supervisor.inetd.path), ["-d", configuration])
    try await inetd.line(containing: "ADD")
    for _ in 0..<2 { try await Self.converse(at: try .unix(path: path), protection) }
  }

  @Test(
    "systemd passes a socket that listens, and the server serves many connections on it",
    .enabled(if: Supervisor.socketActivate.isUsable, Supervisor.socketActivate.missing),
    arguments: TestTransport.allCases
  )
  func listening(transport: TestTransport) async throws {
    let (asked, address) = try await Self.activation(transport)
    let activate = try TestProcess(
      try #require(Supervisor.socketActivate.path),
      ["--listen", asked, "--fdname=api", TestCommand.server, "activated", "plain"]
    )
    try await activate.line(containing: "Listening on")
    for _ in 0..<3 { try await Self.converse(at: address, .plain) }
  }

  @Test(
    "systemd passes a connection as standard input and output, or as a descriptor of its own",
    .enabled(if: Supervisor.socketActivate.isUsable, Supervisor.socketActivate.missing),
    .clauses("A-2.c"),
    arguments: [["--inetd"], []],
    TestProtection.allCases
  )
  func accepted(options: [String], protection: TestProtection) async throws {
    let (asked, address) = try await Self.activation(.unix)
    let activate = try TestProcess(
      try #require(Supervisor.socketActivate.path),
      ["--listen", asked, "--accept"] + options + [TestCommand.server]
        + (options.isEmpty ? ["activated"] : []) + [protection.rawValue]
    )
    try await activate.line(containing: "Listening on")
    for _ in 0..<2 { try await Self.converse(at: address, protection) }
  }

  /// What systemd-socket-activate is told, and where clients find it.
  private static func activation(_ transport: TestTransport) async throws -> (asked: String, address: Address) {
    switch transport {
    case .unix:
      let path = TestTransport.newPath()
      return (path, try .unix(path: path))
    case .tcpVersion4, .tcpVersion6:
      // A port that was free a moment ago.
      let server = try await Server.start(on: try transport.newAddress(), security: .plain)
      await server.stop()
      return (String("\(server.address)".dropFirst("tcp:".count)), server.address)
    }
  }

  @Test(
    "socat starts a server on one socket, two sockets or two pipes",
    .enabled(if: Supervisor.socat.isUsable, Supervisor.socat.missing),
    .clauses("A-2.b", "A-2.c"),
    arguments: ["", ",pipes"],
    TestProtection.allCases
  )
  func socatStartsServer(options: String, protection: TestProtection) async throws {
    let path = TestTransport.newPath()
    let socat = try TestProcess(
      try #require(Supervisor.socat.path),
      ["-d", "-d", "UNIX-LISTEN:\(path),fork", "EXEC:\(TestCommand.server) \(protection.rawValue)\(options)"]
    )
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await socat.line(containing: "listening on")
    for _ in 0..<2 { try await Self.converse(at: try .unix(path: path), protection) }
  }

  @Test(
    "socat is a command that joins a client with a server elsewhere",
    .enabled(if: Supervisor.socat.isUsable, Supervisor.socat.missing),
    .clauses("A-3.a"),
    arguments: TestProtection.allCases
  )
  func socatIsCommand(protection: TestProtection) async throws {
    let server = try await Server.start(
      on: try TestTransport.unix.newAddress(),
      security: try protection.server(),
      configuration: .patient,
      handlers: Handlers(request: .asynchronous { request, context in try await context.connection.request(request) })
    )
    let connection = try await Connection.open(
      try .command([try #require(Supervisor.socat.path), "-", "\(server.address)".replacing("unix:", with: "UNIX:")]),
      security: try protection.client(),
      configuration: TestCommand.configuration(),
      handlers: Handlers(request: .synchronous { request, _ in ["answer", request] })
    )
    #expect(try await connection.request("x") == ["answer", "x"])
    #expect(try await connection.close().reason == .clean)
    #expect(await connection.waitUntilCommandEnded()?.status == .exited(0))
    await server.stop()
  }
}
