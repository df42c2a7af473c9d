import Bokbok
import BokbokTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct KeyLookupTests {
  private struct Failure: Error {}

  private func server(
    _ security: Bokbok.ServerSecurity,
    handshakeTimeout: Duration = .seconds(600),
    logger: LogRecorder = LogRecorder()
  ) async throws -> Server {
    var configuration = Configuration.patient
    configuration.handshakeTimeout = handshakeTimeout
    return try await Server.start(
      on: try TestTransport.unix.newAddress(),
      security: security,
      configuration: configuration,
      handlers: Handlers(request: .echo),
      logger: logger.logger()
    )
  }

  private func open(_ server: Server, key: PresharedKey? = nil) async throws -> Connection {
    try await Connection.open(
      server.address,
      security: .sealed(user: try TestProtection.user(), key: try key ?? TestProtection.key()),
      configuration: .patient
    )
  }

  @Test("The lookup is asked once message 1 has come whole, and not before", .clauses("H-4.e"))
  func order() async throws {
    let lookups = Recorder<UserName>()
    let server = try await self.server(
      .sealed(lookingUp: { user in
        lookups.record(user)
        return nil
      })
    )
    let stream = try await RawStream.connect(to: server.address)
    let message1 = [0, 80] + [UInt8](repeating: 5, count: 80)
    try await stream.send(Array("BOKBOK".utf8) + [1, 1, 0, 5] + Array("alice".utf8) + message1.dropLast())
    // Another client is served meanwhile: what the first sent has been read long before.
    for _ in 0..<3 {
      await #expect(throws: BokbokError(.refused, "")) { _ = try await self.open(server) }
    }
    #expect(lookups.elements.count == 3)
    try await stream.send([message1[81]])
    let answer = try await stream.receiveToEnd()
    #expect(answer[7] == 0xFF)
    #expect(lookups.elements == Array(repeating: try TestProtection.user(), count: 4))
    await server.stop(.immediate)
  }

  @Test("A lookup that waits, and one that fails", .clauses("H-4.g", "H-4.j"))
  func asynchronous() async throws {
    let waiting = try await self.server(
      .sealed(lookingUp: { _ in
        try await Task.sleep(for: .milliseconds(1))
        return try TestProtection.key()
      })
    )
    let connection = try await self.open(waiting)
    let answer = try await connection.request("open")
    #expect(answer == "open")
    await waiting.stop(.immediate)

    let log = LogRecorder()
    let failing = try await self.server(.sealed(lookingUp: { _ in throw Failure() }), logger: log)
    let error = await #expect(throws: BokbokError.self) { _ = try await self.open(failing) }
    #expect(error?.peerCode == "authentication-failed")
    #expect(log.lines.contains { $0.contains("the key lookup failed") && $0.contains("Failure()") })
    await failing.stop(.immediate)
  }

  @Test("A lookup that hangs ends with the handshake time limit, without a word, and is cancelled", .clauses("H-4.i"))
  func hanging() async throws {
    let asked = Event()
    let cancelled = Event()
    let server = try await self.server(
      .sealed(lookingUp: { _ in
        asked.happen()
        await untilCancelled()
        cancelled.happen()
        return try TestProtection.key()
      }),
      handshakeTimeout: .seconds(2)
    )
    // On a machine that is held up, the time may be over before the lookup is asked.
    repeat {
      let error = await #expect(throws: BokbokError.self) { _ = try await self.open(server) }
      #expect(error?.code == .lost)
    } while asked.elements.isEmpty
    await cancelled.wait()
    await server.stop(.immediate)
  }

  @Test("Each of several keys of a user opens a connection while keys are changed; a fifth does not")
  func rotation() async throws {
    let keys = try (1...5).map { try PresharedKey(bytes: Array(repeating: UInt8($0), count: 32)) }
    let server = try await self.server(.sealed(lookingUpCandidates: { _ in keys }))
    for key in keys.prefix(4) {
      let connection = try await self.open(server, key: key)
      try await connection.ping()
    }
    let error = await #expect(throws: BokbokError.self) { _ = try await self.open(server, key: keys[4]) }
    #expect(error?.peerCode == "authentication-failed")
    await server.stop(.immediate)
  }

  /// The largest amount of memory that this process has had, in KiB.
  private static func peakMemory() throws -> Int {
    // What getrusage says includes the process that this one was started from.
    let status = try #require(fopen("/proc/self/status", "r"))
    defer { fclose(status) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), status) != nil {
      let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .split(whereSeparator: \.isWhitespace)
      if words.first == "VmHWM:", words.count > 1, let count = Int(words[1]) { return count }
    }
    throw Failure()
  }

  @Test("Connections derive no keys: deriving one takes 64 MiB, and twenty handshakes do not", .clauses("K-3.a"))
  func derivedNever() async {
    await #expect(processExitsWith: .success) {
      let key = try TestProtection.key()
      let link = TestLink(transport: .unix, protection: .sealed)
      try await link.withPair { server, _ in
        let before = try Self.peakMemory()
        for _ in 0..<20 {
          let connection = try await Connection.open(
            server.address,
            security: .sealed(user: try TestProtection.user(), key: key),
            configuration: .patient
          )
          try await connection.close()
        }
        try #require(try Self.peakMemory() - before < 32 * 1024)
        _ = try PresharedKey.derive(passphrase: "lusab-babad-gutih-tugad-mulit-dofob-vazij", user: "alice")
        try #require(try Self.peakMemory() - before > 60 * 1024)
      }
    }
  }

  @Test("User names are octets: other spellings of the same text are other users", .clauses("H-12.a"))
  func names() async throws {
    let composed = try UserName("Zo\u{EB}")
    let decomposed = try UserName("Zoe\u{308}")
    #expect(composed.text == decomposed.text)
    #expect(composed != decomposed)
    let server = try await self.server(.sealed(keys: [composed: try TestProtection.key()]))
    let security = Bokbok.ClientSecurity.sealed(user: decomposed, key: try TestProtection.key())
    let error = await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(server.address, security: security, configuration: .patient)
    }
    #expect(error?.peerCode == "authentication-failed")
    await server.stop(.immediate)
  }

  @Test("Names that are none are refused", arguments: [[], [UInt8](repeating: 0x61, count: 256), [0xFF], [0xC3]])
  func badNames(bytes: [UInt8]) {
    let error = #expect(throws: BokbokError.self) { try UserName(bytes: bytes) }
    #expect(error?.code == .configuration)
  }

  @Test("Text of the other side is logged and shown escaped and cut", .clauses("E-5.a"))
  func escaping() async throws {
    let log = LogRecorder()
    let server = try await self.server(.sealed(keys: [:]), logger: log)
    let name = try UserName("eve\n2026 error: \u{1B}[31m\u{202E}" + String(repeating: "x", count: 200))
    let security = Bokbok.ClientSecurity.sealed(user: name, key: try TestProtection.key())
    await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(server.address, security: security, configuration: .patient)
    }
    #expect(!name.description.contains("\n"))
    #expect(name.description.count <= 64)
    #expect(log.lines.allSatisfy { !$0.contains("\n") && !$0.contains("\u{1B}") && !$0.contains("\u{202E}") })
    await server.stop(.immediate)

    // The same for ERROR and CLOSE.
    let nasty = "a\u{1B}]0;title\u{7}\nb" + String(repeating: "y", count: 2000)
    let link = TestLink(transport: .unix, protection: .plain)
    let handlers = Handlers(request: .synchronous { _, _ in throw RemoteError(code: "bad", message: nasty) })
    let clientLog = LogRecorder()
    try await link.withPair(serverHandlers: handlers, logger: clientLog.logger()) { server, connection in
      let error = await #expect(throws: RemoteError.self) { try await connection.request("x") }
      #expect(error?.message == nasty)
      #expect(error.map { "\($0)".contains("\n") || "\($0)".contains("\u{1B}") || "\($0)".count > 400 } == false)
      let other = try #require(server.connections.first)
      try await other.close(code: "bye", message: nasty)
      let end = try await connection.waitUntilClosed()
      #expect(end.message == nasty)
      #expect(!"\(end)".contains("\n") && "\(end)".count < 400)
    }
    #expect(clientLog.lines.contains { $0.contains("the other side closes") })
    #expect(clientLog.lines.allSatisfy { !$0.contains("\n") && $0.count < 1000 })
  }
}
