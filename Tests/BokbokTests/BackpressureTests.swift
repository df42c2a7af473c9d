import Bokbok
import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Peers that never read, and peers that send what they should not: what they can make grow is bounded.
@Suite struct BackpressureTests {
  private static let link = TestLink(transport: .unix, protection: .plain)
  /// More than the kernel's buffers and the library's limits hold together, by far.
  private static let farTooMuch = 2_000_000

  @Test("Reading stops while too many PONGs wait to be sent, and goes on after", .clauses("P-4.b", "P-1.a"))
  func pongs() async throws {
    var configuration = Configuration.patient
    configuration.protocolOutputBytesMax = 32_768
    try await Self.link.withPair(serverConfiguration: configuration, isHeavy: true) { server, connection in
      let peer = try await RawPeer.open(server)
      let pingsOfRecord = 4000
      let record = RawPeer.record((0..<pingsOfRecord).map { RawPeer.ping(UInt64($0)) })
      let recordCount = Self.farTooMuch / record.count
      let all = [UInt8](repeatingElements: record, count: recordCount)
      let sent = try await peer.stream.sendUntilStuck(all, patienceMilliseconds: 1000)
      #expect(sent < Self.farTooMuch / 2, "the server went on reading")
      // Everybody else is served.
      let answer = try await connection.request("works")
      #expect(answer == "works")
      // Once it reads, everything is answered.
      let sending = Task { try await peer.stream.send(Array(all[sent...])) }
      var pongCount = 0
      while pongCount < pingsOfRecord * recordCount {
        let frames = try await peer.receiveRecord()
        try #require(!frames.isEmpty)
        pongCount += frames.count { $0.kind == .pong }
      }
      #expect(pongCount == pingsOfRecord * recordCount)
      try await sending.value
    }
  }

  @Test(
    "While too many answers wait to be sent, no further request is handled; all else is taken as ever",
    .clauses("P-5.a", "P-5.b", "P-4.a")
  )
  func answers() async throws {
    let handled = Recorder<Value>()
    let opened = Recorder<Connection>()
    let large = Value(bytes: [UInt8](repeating: 0x63, count: 250_000))
    var configuration = Configuration.patient
    configuration.answerBytesWaitingMax = 250_000
    let handlers = Handlers(
      open: { connection in
        opened.record(connection)
        return .letIn
      },
      request: .synchronous { value, _ in
        handled.record(value)
        return large
      }
    )
    let server = try await Server.start(
      on: try TestTransport.unix.newAddress(),
      security: .plain,
      configuration: configuration,
      handlers: handlers
    )
    let peer = try await RawPeer.open(server)
    let connection = try #require(await opened.wait().first)
    let fence = Task { try await connection.request("fence") }
    let request = try await peer.receive(.request)

    let requestCount = 128
    for exchange in 1...requestCount {
      try await peer.send(RawPeer.frame(.request, exchange: ExchangeID(exchange), body: Value(exchange)))
    }
    // Frames are taken in their order: with this answer the requests before it have been taken too.
    try await peer.send(RawPeer.frame(.response, exchange: request.exchange, body: "fence"))
    #expect(try await fence.value == "fence")
    // The limit, the longest answer, and what the kernel holds.
    #expect(handled.elements.count < 16)

    // P-5: once the peer reads, all are handled and answered.
    var answerCount = 0
    while answerCount < requestCount {
      let frame = try #require(try await peer.receive())
      if frame.kind == .response, !frame.hasMore { answerCount += 1 }
    }
    #expect(handled.elements == (1...requestCount).map { Value($0) })
    await server.stop(.immediate)
  }

  @Test("While a key is looked up nothing more is read", .clauses("O-10.e"))
  func unopened() async throws {
    let begun = Event()
    let server = try await Server.start(
      on: try TestTransport.unix.newAddress(),
      security: .sealed(lookingUp: { _ in
        begun.happen()
        await untilCancelled()
        return nil
      }),
      configuration: .patient
    )
    let stream = try await RawStream.connect(to: server.address)
    let message1: [UInt8] = [0, 80] + [UInt8](repeating: 5, count: 80)
    try await stream.send(Array("BOKBOK".utf8) + [1, 1, 0, 5] + Array("alice".utf8) + message1)
    await begun.wait()
    let flood = [UInt8](repeating: 0xFF, count: Self.farTooMuch)
    let sent = try await stream.sendUntilStuck(flood, patienceMilliseconds: 500)
    #expect(sent < Self.farTooMuch / 2, "the server went on reading")
    // Also with the end of input, which makes what is there readable, the server goes on.
    stream.endOutput()
    await server.stop(.immediate)
  }

  @Test("Answers of one turn share a record", arguments: [false, true])
  func oneRecord(suspends: Bool) async throws {
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        if suspends { await Task.yield() }
        return value
      }
    )
    try await Self.link.withPair(serverHandlers: handlers) { server, _ in
      let peer = try await RawPeer.open(server)
      let requests = try (1...64).map { try RawPeer.frame(.request, exchange: $0, body: "batch") }
      try await peer.stream.send(RawPeer.record(requests))
      let frames = try await peer.receiveRecord()
      #expect(frames.count == 64)
    }
  }

  @Test("A request that would take too much memory is answered with overloaded", .clauses("X-11.a"))
  func overloaded() async throws {
    var configuration = Configuration.patient
    configuration.heldRequestBytesMax = 100_000
    let gate = Gate()
    let begun = Event()
    let handlers = Handlers(
      request: .asynchronous { _, _ in
        begun.happen()
        await gate.pass()
        return "done"
      }
    )
    try await Self.link.withPair(serverConfiguration: configuration, serverHandlers: handlers) { _, connection in
      let large = Value(bytes: [UInt8](repeating: 1, count: 90_000))
      let first = Task { try await connection.request(large) }
      await begun.wait()
      let error = await #expect(throws: RemoteError.self) { try await connection.request(large) }
      #expect(error?.code == "overloaded")
      gate.open()
      let answer = try await first.value
      #expect(answer == "done")
    }
  }
}

extension [UInt8] {
  fileprivate init(repeatingElements elements: [UInt8], count: Int) {
    self = []
    self.reserveCapacity(elements.count * count)
    for _ in 0..<count { self += elements }
  }
}
