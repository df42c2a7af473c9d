import Bokbok
import BokbokTestSupport
import Synchronization
import Testing

@Suite struct OpenHandlerTests {
  private struct Failure: Error {}

  @Test(
    "An open handler that turns a connection down: its code arrives, the close handler is not called",
    .clauses("C-9.a", "C-9.c"),
    arguments: TestLink.all
  )
  func turnedDown(link: TestLink) async throws {
    let closed = Event()
    let turnedDown = Recorder<Connection>()
    let handlers = Handlers(
      open: { connection in
        turnedDown.record(connection)
        return try .turnDown(code: "not-today", message: "come back tomorrow")
      },
      request: .echo,
      close: { _, _ in closed.happen() }
    )
    let server = try await Server.start(
      on: link.transport.newAddress(),
      security: link.protection.server(),
      configuration: .patient,
      handlers: handlers
    )
    let connection = try await Connection.open(
      server.address,
      security: link.protection.client(),
      configuration: .patient
    )
    let end = try await connection.waitUntilClosed()
    #expect(end.reason == .clean)
    #expect(end.code == "not-today")
    #expect(end.message == "come back tomorrow")
    let other = try #require(await turnedDown.wait().first)
    #expect(try await other.waitUntilClosed().reason == .clean)
    await server.stop()
    #expect(closed.elements.isEmpty)
  }

  @Test("The close handler is not called for a connection that was turned down and then lost", .clauses("C-8.a"))
  func turnedDownAndLost() async throws {
    let closed = Event()
    let turnedDown = Recorder<Connection>()
    let handlers = Handlers(
      open: { connection in
        turnedDown.record(connection)
        return try .turnDown(code: "not-today")
      },
      close: { _, _ in closed.happen() }
    )
    let server = try await Server.start(
      on: TestTransport.unix.newAddress(),
      security: .plain,
      configuration: .patient,
      handlers: handlers
    )
    let peer = try await RawPeer.open(server)
    _ = try await peer.receive(.close)
    peer.stream.endOutput()  // without a CLOSE of its own
    let other = try #require(await turnedDown.wait().first)
    #expect(try await other.waitUntilClosed().reason != .clean)
    await server.stop()
    #expect(closed.elements.isEmpty)
  }

  @Test("Requests that came before the connection was turned down get closing", .clauses("C-9.b", "E-1.j"))
  func requestsBeforeTurningDown() async throws {
    let gate = Gate()
    let handled = Event()
    let handlers = Handlers(
      open: { _ in
        await gate.pass()
        return try .turnDown(code: "no")
      },
      request: .synchronous { value, _ in
        handled.happen()
        return value
      }
    )
    let server = try await Server.start(
      on: TestTransport.unix.newAddress(),
      security: .plain,
      configuration: .patient,
      handlers: handlers
    )
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    let answer = Task { try await connection.request("early") }
    while await connection.statistics.requestsSent == 0 { await Task.yield() }
    try await connection.ping()
    gate.open()
    let error = await #expect(throws: BokbokError.self) { try await answer.value }
    #expect(error?.code == .closing)
    #expect(error?.peerCode == "closing")
    await server.stop()
    #expect(handled.elements.isEmpty)
  }

  @Test("Requests wait until the open handler has let the connection in", .clauses("C-9.d"))
  func requestsWait() async throws {
    let gate = Gate()
    let log = Recorder<String>()
    let handlers = Handlers(
      open: { _ in
        await gate.pass()
        log.record("let in")
        return .letIn
      },
      request: .synchronous { value, _ in
        log.record("handled")
        return value
      }
    )
    let server = try await Server.start(
      on: TestTransport.unix.newAddress(),
      security: .plain,
      configuration: .patient,
      handlers: handlers
    )
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    let answer = Task { try await connection.request("early") }
    while await connection.statistics.requestsSent == 0 { await Task.yield() }
    // Answered while the open handler decides; the request before it would have been handled by now.
    try await connection.ping()
    #expect(log.elements.isEmpty)
    gate.open()
    #expect(try await answer.value == "early")
    #expect(log.elements == ["let in", "handled"])
    connection.abort()
    await server.stop(.immediate)
  }

  @Test("An open handler that fails turns the connection down with shutdown", .clauses("C-9.e"))
  func failing() async throws {
    let closed = Event()
    let handlers = Handlers(open: { _ in throw Failure() }, close: { _, _ in closed.happen() })
    let server = try await Server.start(
      on: TestTransport.unix.newAddress(),
      security: .plain,
      configuration: .patient,
      handlers: handlers
    )
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    let end = try await connection.waitUntilClosed()
    #expect(end.reason == .clean)
    #expect(end.code == "shutdown")
    await server.stop()
    #expect(closed.elements.isEmpty)
  }

  @Test(
    "An open handler is cancelled when the connection ends; the close handler comes after it, once",
    .clauses("C-9.f", "C-8.a")
  )
  func cancelled() async throws {
    let log = Recorder<String>()
    let began = Event()
    let handlers = Handlers(
      open: { _ in
        began.happen()
        await untilCancelled()
        log.record("cancelled")
        return try .turnDown(code: "too-late")
      },
      close: { _, end in log.record("closed: \(end.reason.rawValue)") }
    )
    let server = try await Server.start(
      on: TestTransport.unix.newAddress(),
      security: .plain,
      configuration: .patient,
      handlers: handlers
    )
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    await began.wait()
    connection.abort()
    #expect(await log.wait(count: 2) == ["cancelled", "closed: lost"])
    await server.stop()
    #expect(log.elements.count == 2)
  }

  @Test("A client's open handler is not called")
  func client() async throws {
    let called = Event()
    let link = TestLink(transport: .unix, protection: .plain)
    let handlers = Handlers(open: { _ in
      called.happen()
      return try .turnDown()
    })
    try await link.withPair(clientHandlers: handlers) { _, connection in
      let answer = try await connection.request("open")
      #expect(answer == "open")
    }
    #expect(called.elements.isEmpty)
  }
}
