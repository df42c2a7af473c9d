import Bokbok
import BokbokCore
import BokbokTestSupport
import Logging
import NIOCore
import Testing

/// Openings that fail: each ends as the protocol says, with a clear error at the caller, within the time limit.
@Suite struct OpeningTests {
  private static let wrongKey = [UInt8](repeating: 9, count: 32)

  /// Runs the closure with a server whose time limits are short.
  /// Opens a connection to a server whose handshake time limit may be so short that a busy machine misses it.
  private func openPatiently(_ address: Address, security: TestProtection) async throws -> Connection {
    for _ in 0..<20 {
      do {
        return try await Connection.open(address, security: security.client(), configuration: .patient)
      } catch let error as BokbokError where error.code == .lost {
        continue
      }
    }
    return try await Connection.open(address, security: security.client(), configuration: .patient)
  }

  private func withServer(
    _ transport: TestTransport,
    _ security: Bokbok.ServerSecurity,
    servesPlain: Bool = true,
    handshakeTimeout: Duration = .seconds(600),
    logger: Logger? = nil,
    _ body: (Server) async throws -> Void
  ) async throws {
    var configuration = Configuration.patient
    configuration.handshakeTimeout = handshakeTimeout
    let server = try await Server.start(
      on: try transport.newAddress(),
      security: security,
      configuration: configuration,
      handlers: Handlers(request: .echo),
      logger: logger
    )
    do {
      try await body(server)
      // The server survived: a good client is served.
      let link: TestProtection = servesPlain ? .plain : .sealed
      let connection = try await self.openPatiently(server.address, security: link)
      let answer = try await connection.request("good")
      #expect(answer == "good")
      connection.abort()
    } catch {
      await server.stop(.immediate)
      throw error
    }
    await server.stop(.immediate)
  }

  private func error(opening server: Server, _ security: Bokbok.ClientSecurity) async -> BokbokError? {
    await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(server.address, security: security, configuration: .patient)
    }
  }

  // MARK: Refusals

  @Test(
    "An unknown user and a wrong key are refused alike; only the log tells them apart",
    .clauses("H-4.c", "H-4.j"),
    arguments: TestTransport.allCases
  )
  func authentication(transport: TestTransport) async throws {
    let log = LogRecorder()
    try await self.withServer(transport, TestProtection.sealed.server(), servesPlain: false, logger: log.logger()) {
      server in
      let unknown = await self.error(
        opening: server,
        .sealed(user: try UserName("mallory"), key: try TestProtection.key())
      )
      let wrong = await self.error(
        opening: server,
        .sealed(user: try TestProtection.user(), key: try PresharedKey(bytes: Self.wrongKey))
      )
      #expect(unknown?.code == .refused)
      #expect(unknown?.peerCode == "authentication-failed")
      #expect(wrong?.peerCode == "authentication-failed")
      #expect(wrong?.peerMessage == unknown?.peerMessage)
      #expect(wrong?.message.contains("check the user name and the key") == true)
      #expect(log.lines.contains { $0.contains("unknown user") })
      #expect(log.lines.contains { $0.contains("wrong key") })
    }
  }

  @Test("A client in the other mode is refused", .clauses("O-5.a", "O-5.b"), arguments: TestTransport.allCases)
  func modes(transport: TestTransport) async throws {
    try await self.withServer(transport, TestProtection.sealed.server(), servesPlain: false) { server in
      let error = await self.error(opening: server, .plain)
      #expect(error?.code == .refused)
      #expect(error?.peerCode == "mode-mismatch")
    }
    try await self.withServer(transport, .plain) { server in
      let error = await self.error(opening: server, try TestProtection.sealed.client())
      #expect(error?.code == .refused)
      #expect(error?.peerCode == "mode-mismatch")
      #expect(error?.message.contains("plain connection and the other for a sealed one") == true)
    }
  }

  @Test("A server that is full refuses with busy; an end makes room", .clauses("O-6.c"), arguments: TestLink.all)
  func busy(link: TestLink) async throws {
    var configuration = Configuration.patient
    configuration.connectionsMax = 2
    let ends = Recorder<ConnectionEnd>()
    let server = try await Server.start(
      on: try link.transport.newAddress(),
      security: try link.protection.server(),
      configuration: configuration,
      handlers: Handlers(request: .echo, close: { _, end in ends.record(end) })
    )
    var connections: [Connection] = []
    for _ in 0..<2 {
      let connection = try await Connection.open(
        server.address,
        security: link.protection.client(),
        configuration: .patient
      )
      try await connection.ping()
      connections.append(connection)
    }
    let error = await self.error(opening: server, try link.protection.client())
    #expect(error?.code == .refused)
    #expect(error?.peerCode == "busy")
    try await connections[0].close()
    await ends.wait()
    let third = try await Connection.open(server.address, security: link.protection.client(), configuration: .patient)
    try await third.ping()
    await server.stop(.immediate)
  }

  @Test("Another version is refused, whatever the mode byte says", .clauses("O-4.a", "O-4.b"), arguments: [0, 1, 77])
  func versions(mode: UInt8) async throws {
    try await self.withServer(.unix, .plain) { server in
      let stream = try await RawStream.connect(to: server.address)
      try await stream.send(Array("BOKBOK".utf8) + [2, mode])
      let answer = try await stream.receiveToEnd()
      #expect(Array(answer.prefix(8)) == Array("BOKBOK".utf8) + [1, 0xFF])
      let refusal = try Value(decoding: .init(bytes: answer.dropFirst(10)))
      #expect(try refusal.text(at: 0) == "unsupported-version")
    }
  }

  // MARK: Peers that do not speak the protocol

  @Test("Garbage is answered with nothing", .clauses("O-3.a"), arguments: TestTransport.allCases)
  func garbage(transport: TestTransport) async throws {
    try await self.withServer(transport, .plain) { server in
      let stream = try await RawStream.connect(to: server.address)
      try await stream.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
      let answer = try await stream.receiveToEnd()
      #expect(answer.isEmpty)
    }
  }

  @Test(
    "A client that connects and says nothing, or too slowly, is closed without a word",
    .clauses("O-10.a", "O-10.b")
  )
  func silence() async throws {
    try await self.withServer(.tcpVersion4, .plain, handshakeTimeout: .seconds(2)) { server in
      let silent = try await RawStream.connect(to: server.address)
      #expect(try await silent.receiveToEnd() == [])

      let slow = try await RawStream.connect(to: server.address)
      let trickle = Task {
        // A byte at a time for as long as the stream takes them, of a preamble that never ends.
        for byte in Array("BOKBO".utf8) {
          try await slow.send([byte])
          _ = try await slow.waitForInput(milliseconds: 500)
        }
      }
      #expect(try await slow.receiveToEnd() == [])
      trickle.cancel()
    }
  }

  @Test("A client that sends a byte at a time is served", arguments: TestTransport.allCases)
  func byteAtATime(transport: TestTransport) async throws {
    try await self.withServer(transport, .plain) { server in
      let stream = try await RawStream.connect(to: server.address)
      let settings = try RawPeer.record([RawPeer.frame(.settings, body: [])])
      let request = try RawPeer.record([RawPeer.frame(.request, exchange: 1, body: ["slow"])])
      for byte in RawPeer.preamble + settings + request { try await stream.send([byte]) }
      let preamble = try await stream.receive(8)
      #expect(preamble == RawPeer.preamble)
      let peer = RawPeer(stream: stream)
      _ = try await peer.receive(.settings)
      let answer = try await peer.receive(.response)
      #expect(answer == (try RawPeer.frame(.response, exchange: 1, body: ["slow"])))
    }
  }

  @Test(
    "A client reports what does not speak the protocol, ends too early or says nothing",
    .clauses("O-9.a", "O-9.e", "O-10.c")
  )
  func foreignServers() async throws {
    let cases: [(answer: [UInt8]?, code: BokbokError.Code)] = [
      (Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), .notBokbok),
      (Array("BOKBOK".utf8) + [1, 1], .notBokbok),
      (Array("BOKBOK".utf8) + [9, 0], .notBokbok),
      (Array("BOKBOK".utf8) + [1, 0xFF, 0, 2] + Array("()".utf8), .notBokbok),
      (Array("BOK".utf8), .lost),
      ([], .lost),
      (nil, .timeout),
    ]
    for (answer, code) in cases {
      let listener = try await RawListener.start()
      var configuration = Configuration.patient
      if answer == nil { configuration.handshakeTimeout = .milliseconds(100) }
      let opening = Task { [configuration] in
        try await Connection.open(listener.address, security: .plain, configuration: configuration)
      }
      let stream = try await listener.accept()
      _ = try await stream.receive(8)
      if let answer {
        try await stream.send(answer)
        stream.endOutput()
      }
      let error = await #expect(throws: BokbokError.self) { _ = try await opening.value }
      #expect(error?.code == code, "answer \(String(displaying: answer ?? []))")
      #expect(error?.message.contains("\(listener.address)") == true)
    }
  }

  @Test("A server that does not hold the key is reported as such", .clauses("H-11.a"))
  func falseServer() async throws {
    let listener = try await RawListener.start()
    let opening = Task {
      try await Connection.open(listener.address, security: TestProtection.sealed.client(), configuration: .patient)
    }
    let stream = try await listener.accept()
    _ = try await stream.receive(8 + 2 + 5 + 2 + 80)
    try await stream.send(Array("BOKBOK".utf8) + [1, 1, 0, 48] + [UInt8](repeating: 3, count: 48))
    let error = await #expect(throws: BokbokError.self) { _ = try await opening.value }
    #expect(error?.code == .authentication)
  }

  // MARK: Connecting

  @Test("Nothing listens: the error says so")
  func nothingListens() async throws {
    let address = try Address.unix(path: TestTransport.newPath())
    let missing = await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(address, security: .plain, configuration: .patient)
    }
    #expect(missing?.code == .connect)
    #expect(missing?.message.contains("no socket") == true)

    // The port stays taken: nobody else can come to listen on it meanwhile.
    let silent = try await RawListener.start(listens: false)
    let refused = await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(silent.address, security: .plain, configuration: .patient)
    }
    silent.stop()
    #expect(refused?.code == .connect)
    #expect(refused?.message.contains("nothing listens there") == true)

    let unknown = await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(
        Address.tcp(host: "no-such-host.invalid", port: 1),
        security: .plain,
        configuration: .patient
      )
    }
    #expect(unknown?.code == .connect)
  }

  @Test("Opening takes no longer than its time limit, and cancelling it throws at once")
  func openingTimeLimit() async throws {
    let silent = try await RawListener.start()
    var configuration = Configuration.patient
    configuration.connectTimeout = .milliseconds(100)
    let error = await #expect(throws: BokbokError.self) {
      _ = try await Connection.open(silent.address, security: .plain, configuration: configuration)
    }
    #expect(error?.code == .timeout)
    #expect(error?.message.contains("connectTimeout") == true)

    let listener = try await RawListener.start()
    let task = Task {
      try await Connection.open(listener.address, security: .plain, configuration: .patient)
    }
    let stream = try await listener.accept()
    task.cancel()
    await #expect(throws: CancellationError.self) { _ = try await task.value }
    // What had been opened is closed.
    _ = try await stream.receiveToEnd()
  }

  @Test("Commands are run only where that is allowed, and never by servers", .clauses("A-4.a"))
  func unsupported() async throws {
    for address in [Address.standardIO, try .command(["true"])] {
      let open = await #expect(throws: BokbokError.self) {
        _ = try await Connection.open(address, security: .plain)
      }
      #expect(open?.code == .unsupported)
    }
    let start = await #expect(throws: BokbokError.self) {
      _ = try await Server.start(on: try .command(["true"]), security: .plain)
    }
    #expect(start?.code == .unsupported)
  }

  @Test("Localhost and port 0 work", .clauses("A-1.b"))
  func localhost() async throws {
    let server = try await Server.start(on: try Address("localhost:0"), security: .plain, configuration: .patient)
    guard case .tcp("localhost", let port) = server.address.kind else {
      Issue.record("the address is \(server.address)")
      return
    }
    #expect(port > 0)
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    try await connection.ping()
    await server.stop(.immediate)
  }
}
