import Bokbok
import BokbokCore
import BokbokTestSupport
import Testing

@Suite struct ClosingTests {
  private static let link = TestLink(transport: .unix, protection: .sealed)

  private static func recording(_ ends: Recorder<ConnectionEnd>) -> Handlers {
    Handlers(request: .echo, close: { _, end in ends.record(end) })
  }

  @Test(
    "A clean end is reported on both sides, once, with the closer's code",
    .clauses("C-8.a", "C-4.c", "C-4.d"),
    arguments: TestLink.all
  )
  func cleanEnd(link: TestLink) async throws {
    let serverEnds = Recorder<ConnectionEnd>()
    let clientEnds = Recorder<ConnectionEnd>()
    try await link.withPair(
      serverHandlers: Self.recording(serverEnds),
      clientHandlers: Self.recording(clientEnds)
    ) { server, connection in
      let end = try await connection.close(code: "done", message: "bye")
      #expect(end == ConnectionEnd(reason: .clean, code: "done", message: "bye"))
      await serverEnds.wait()
      await server.stop()
    }
    #expect(serverEnds.elements == [ConnectionEnd(reason: .clean, code: "done", message: "bye")])
    #expect(clientEnds.elements == [ConnectionEnd(reason: .clean, code: "done", message: "bye")])
  }

  @Test("Closing again, from both sides and after the end, gives the same end")
  func closingAgain() async throws {
    let ends = Recorder<ConnectionEnd>()
    try await Self.link.withPair(serverHandlers: Self.recording(ends)) { server, connection in
      let other = try #require(server.connections.first)
      async let one = connection.close(code: "one")
      async let two = other.close(code: "two")
      async let three = connection.close(code: "three")
      let reasons = try await [one.reason, two.reason, three.reason]
      #expect(reasons == [.clean, .clean, .clean])
      let again = try await connection.close()
      let first = try await one
      #expect(again == first)
    }
    #expect(await ends.wait().count == 1)
  }

  @Test("An abort is lost on the other side, once", .clauses("C-8.a", "C-6.a"), arguments: TestLink.all)
  func abort(link: TestLink) async throws {
    let serverEnds = Recorder<ConnectionEnd>()
    let clientEnds = Recorder<ConnectionEnd>()
    try await link.withPair(
      serverHandlers: Self.recording(serverEnds),
      clientHandlers: Self.recording(clientEnds)
    ) { _, connection in
      connection.abort()
      connection.abort()
      let end = try await connection.waitUntilClosed()
      #expect(end.reason == .aborted)
      await serverEnds.wait()
    }
    #expect(serverEnds.elements.map(\.reason) == [.lost])
    #expect(clientEnds.elements.map(\.reason) == [.aborted])
  }

  @Test("A large answer, then a close at once: all of it arrives", .clauses("C-4.a"), arguments: TestLink.all)
  func largeAnswerThenClose(link: TestLink) async throws {
    let large = Value(bytes: [UInt8](repeating: 0x62, count: 8_000_000))
    let closing = Recorder<Task<ConnectionEnd, any Error>>()
    let handlers = Handlers(
      request: .asynchronous { _, context in
        closing.record(Task { try await context.connection.close() })
        return large
      }
    )
    try await link.withPair(serverHandlers: handlers, isHeavy: true) { _, connection in
      let answer = try await connection.request("large")
      #expect(answer == large)
      let end = try await connection.waitUntilClosed()
      #expect(end.reason == .clean)
      let other = try await closing.elements.first?.value
      #expect(other?.reason == .clean)
    }
  }

  @Test("What is under way when a side closes is answered", .clauses("C-1.c"))
  func drains() async throws {
    let begun = Event()
    let gate = Gate()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.happen()
        await gate.pass()
        return value
      }
    )
    try await Self.link.withPair(serverHandlers: handlers) { _, connection in
      let answer = Task { try await connection.request("slow") }
      await begun.wait()
      let close = Task { try await connection.close() }
      let late = Task { () -> (any Error)? in
        // The close has been asked for once a new request fails.
        while true {
          do {
            try await connection.ping()
            _ = try await connection.request("late", timeout: .milliseconds(20))
          } catch {
            if (error as? BokbokError)?.code == .closing { return error }
          }
        }
      }
      #expect(await late.value != nil)
      gate.open()
      let value = try await answer.value
      #expect(value == "slow")
      let end = try await close.value
      #expect(end.reason == .clean)
    }
  }

  @Test("A close that takes longer than the drain time limit ends as lost, on both sides", .clauses("C-5.b"))
  func drainTimeLimit() async throws {
    let ends = Recorder<ConnectionEnd>()
    let begun = Event()
    let gate = Gate()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.happen()
        await gate.pass()
        return value
      },
      close: { _, end in ends.record(end) }
    )
    var configuration = Configuration.patient
    configuration.drainTimeout = .milliseconds(100)
    try await Self.link.withPair(serverHandlers: handlers, clientConfiguration: configuration) { _, connection in
      let answer = Task { try await connection.request("never") }
      await begun.wait()
      let end = try await connection.close()
      #expect(end.reason == .lost)
      await #expect(throws: BokbokError(.lost, "")) { try await answer.value }
      #expect(await ends.wait().first?.reason == .lost)
      gate.open()
    }
  }

  @Test("A cancelled close throws at once; the closing goes on")
  func cancelledClose() async throws {
    let begun = Event()
    let gate = Gate()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.happen()
        await gate.pass()
        return value
      }
    )
    try await Self.link.withPair(serverHandlers: handlers) { _, connection in
      let answer = Task { try await connection.request("slow") }
      await begun.wait()
      let close = Task { try await connection.close() }
      close.cancel()
      await #expect(throws: CancellationError.self) { try await close.value }
      gate.open()
      let value = try await answer.value
      #expect(value == "slow")
      let end = try await connection.waitUntilClosed()
      #expect(end.reason == .clean)
    }
  }

  @Test(
    "The API refuses codes for closing that are none",
    .clauses("C-9.g"),
    arguments: ["", "protocol-error", "Two Words", String(repeating: "a", count: 65)]
  )
  func closeCodes(code: String) async throws {
    try await Self.link.withPair { _, connection in
      let error = await #expect(throws: BokbokError.self) { try await connection.close(code: code) }
      #expect(error?.code == .configuration)
      let decision = #expect(throws: BokbokError.self) { try OpenDecision.turnDown(code: code) }
      #expect(decision?.code == .configuration)
      let answer = try await connection.request("open")
      #expect(answer == "open")
    }
  }

  @Test("A connection on which nothing happens is closed after the idle time limit")
  func idle() async throws {
    var configuration = Configuration.patient
    configuration.idleTimeout = .milliseconds(300)
    let gate = Gate()
    // An exchange is under way from the first moment on.
    let serverHandlers = Handlers(
      open: { connection in
        _ = try await connection.request("hold")
        return .letIn
      },
      request: .echo
    )
    let clientHandlers = Handlers(
      request: .asynchronous { value, _ in
        await gate.pass()
        return value
      }
    )
    try await Self.link.withPair(
      serverConfiguration: configuration,
      serverHandlers: serverHandlers,
      clientHandlers: clientHandlers
    ) { _, connection in
      let error = await #expect(throws: BokbokError.self) {
        try await connection.request("not let in yet", timeout: .milliseconds(900))
      }
      #expect(error?.code == .timeout)
      gate.open()
      let end = try await connection.waitUntilClosed()
      #expect(end == ConnectionEnd(reason: .clean, code: "normal", message: "idle"))
    }
  }

  @Test("withConnection closes when its closure returns, and aborts when it throws")
  func scoped() async throws {
    struct Failure: Error {}
    let ends = Recorder<ConnectionEnd>()
    try await Self.link.withPair(serverHandlers: Self.recording(ends)) { server, _ in
      let security = try TestProtection.sealed.client()
      let answer = try await Connection.withConnection(
        server.address,
        security: security,
        configuration: .patient
      ) {
        try await $0.request("scoped")
      }
      #expect(answer == "scoped")
      #expect(await ends.wait(count: 1).last?.reason == .clean)
      await #expect(throws: Failure.self) {
        try await Connection.withConnection(server.address, security: security, configuration: .patient) {
          try await $0.ping()
          throw Failure()
        }
      }
      #expect(await ends.wait(count: 2).last?.reason == .lost)
    }
  }
}
