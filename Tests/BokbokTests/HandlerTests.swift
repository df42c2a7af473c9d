import Bokbok
import BokbokTestSupport
import Logging
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct HandlerTests {
  private static let link = TestLink(transport: .unix, protection: .plain)

  enum Kind: String, CaseIterable, Sendable {
    case synchronousOnLoop
    case synchronousOnPool
    case asynchronousOnLoop
    case asynchronousOnPool

    func handler(_ body: @escaping @Sendable (Value) throws -> Value) -> RequestHandler {
      switch self {
      case .synchronousOnLoop: .synchronous { value, _ in try body(value) }
      case .synchronousOnPool: .synchronous(execution: .globalPool) { value, _ in try body(value) }
      case .asynchronousOnLoop:
        .asynchronous { value, _ in
          await Task.yield()
          return try body(value)
        }
      case .asynchronousOnPool:
        .asynchronous(execution: .globalPool) { value, _ in
          await Task.yield()
          return try body(value)
        }
      }
    }
  }

  @Test("Handlers of each kind answer with a value or an error", .clauses("E-1.f"), arguments: Kind.allCases)
  func kinds(kind: Kind) async throws {
    let handler = kind.handler { value in
      guard value != "fail" else { throw RemoteError(code: "no-luck", message: "today", details: [1, ["two"]]) }
      return [value]
    }
    try await Self.link.withPair(serverHandlers: Handlers(request: handler)) { _, connection in
      for number in 0..<20 {
        let answer = try await connection.request(Value(number))
        #expect(answer == [Value(number)])
      }
      let error = await #expect(throws: RemoteError.self) { try await connection.request("fail") }
      #expect(error?.code == "no-luck")
      #expect(error?.message == "today")
      #expect(error?.details == [1, ["two"]])
    }
  }

  @Test("Handlers on the event loop run on one thread, also after waiting; others do not run on it")
  func threads() async throws {
    @Sendable func thread() -> Value { Value(UInt(bitPattern: pthread_self().hashValue)) }
    let onLoop = Handlers(
      request: .asynchronous { _, context in
        let first = thread()
        _ = try await context.connection.request("back")
        let second = thread()
        await Task.yield()
        return [first, second, thread()]
      }
    )
    let threads = try await Self.threads(onLoop)
    #expect(threads[0] == threads[1])
    #expect(threads[0] == threads[2])
    let onPool = Handlers(request: .asynchronous(execution: .globalPool) { _, _ in [thread(), thread(), thread()] })
    let others = try await Self.threads(onPool)
    #expect(others[0] != threads[0])
  }

  private static func threads(_ handlers: Handlers) async throws -> [Value] {
    let result = Recorder<[Value]>()
    try await self.link.withPair(serverHandlers: handlers) { _, connection in
      let answer = try await connection.request("threads")
      result.record(try answer.elements)
    }
    return try #require(result.elements.first)
  }

  @Test(
    "A reserved or invalid code of a handler becomes handler-failed, message and details kept",
    .clauses("E-1.c", "E-1.d"),
    arguments: ["closing", "cancelled", "overloaded", "Not a code", "", String(repeating: "x", count: 65)]
  )
  func codes(code: String) async throws {
    let handlers = Handlers(
      request: .synchronous { _, _ in throw RemoteError(code: code, message: "why", details: ["more"]) }
    )
    try await Self.link.withPair(serverHandlers: handlers) { _, connection in
      let error = await #expect(throws: RemoteError.self) { try await connection.request("fail") }
      #expect(error?.code == "handler-failed")
      #expect(error?.message == "why")
      #expect(error?.details == ["more"])
    }
  }

  private struct Failure: Error, CustomStringConvertible {
    let description = "the disk is full"
  }

  @Test(
    "Another error of a handler is described, unless that is hidden",
    .clauses("E-1.b", "E-1.g", "E-1.h"),
    arguments: [false, true]
  )
  func otherErrors(isHidden: Bool) async throws {
    let log = LogRecorder()
    var configuration = Configuration.patient
    configuration.hidesHandlerErrors = isHidden
    let server = try await Server.start(
      on: TestTransport.unix.newAddress(),
      security: .plain,
      configuration: configuration,
      handlers: Handlers(request: .synchronous { _, _ in throw Failure() }),
      logger: log.logger()
    )
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    let error = await #expect(throws: RemoteError.self) { try await connection.request("fail") }
    #expect(error?.code == "handler-failed")
    #expect(error?.message.contains("the disk is full") == !isHidden)
    #expect(log.lines.contains { $0.contains("the disk is full") } == isHidden)
    try await connection.close()
    await server.stop()
  }

  @Test("An error that a handler passes on from a request of its own", .clauses("E-1.b", "E-1.f", "E-1.i"))
  func passingOn() async throws {
    let serverHandlers = Handlers(
      request: .asynchronous { value, context in try await context.connection.request(value) }
    )
    let clientHandlers = Handlers(
      request: .synchronous { value, _ in
        guard value != "reserved" else { throw Failure() }
        throw RemoteError(code: "mine", message: "own code")
      }
    )
    try await Self.link.withPair(serverHandlers: serverHandlers, clientHandlers: clientHandlers) { _, connection in
      let own = await #expect(throws: RemoteError.self) { try await connection.request("own") }
      #expect(own?.code == "mine")
      let reserved = await #expect(throws: RemoteError.self) { try await connection.request("reserved") }
      #expect(reserved?.code == "handler-failed")
      #expect(reserved?.message.contains("the disk is full") == true)
    }
  }

  @Test("A handler's request that fails on its own side is handler-failed, with the message", .clauses("E-1.e"))
  func localFailure() async throws {
    var configuration = Configuration.patient
    configuration.messageBytesMax = 1024
    let handlers = Handlers(
      request: .asynchronous { _, context in
        try await context.connection.request(Value(bytes: [UInt8](repeating: 0, count: 5000)))
      }
    )
    try await Self.link.withPair(serverHandlers: handlers, clientConfiguration: configuration) { _, connection in
      let error = await #expect(throws: RemoteError.self) { try await connection.request("go") }
      #expect(error?.code == "handler-failed")
      #expect(error?.message.contains("takes 1024") == true)
    }
  }

  @Test("Handlers send requests while they handle one, to any depth", .clauses("X-8.a"), arguments: TestLink.all)
  func nesting(link: TestLink) async throws {
    let handlers = Handlers(
      request: .asynchronous { value, context in
        let depth = try value.integer(as: Int.self)
        guard depth > 0 else { return ["nested"] }
        return [try await context.connection.request(Value(depth - 1))]
      }
    )
    try await link.withPair(serverHandlers: handlers, clientHandlers: handlers) { _, connection in
      var answer = try await connection.request(40)
      for _ in 0..<40 {
        answer = try answer.element(at: 0)
      }
      #expect(answer == ["nested"])
    }
  }

  @Test("Running handlers are cancelled when the connection ends", arguments: Kind.allCases)
  func cancelledAtTheEnd(kind: Kind) async throws {
    let begun = Event()
    let cancelled = Event()
    let execution: HandlerExecution =
      [.asynchronousOnPool, .synchronousOnPool].contains(kind) ? .globalPool : .eventLoop
    let handlers = Handlers(
      request: .asynchronous(execution: execution) { value, _ in
        begun.happen()
        await untilCancelled()
        cancelled.happen()
        return value
      }
    )
    try await Self.link.withPair(serverHandlers: handlers) { _, connection in
      let task = Task { try await connection.request("hang") }
      await begun.wait()
      connection.abort()
      await cancelled.wait()
      await #expect(throws: BokbokError(.lost, "")) { try await task.value }
    }
  }

  @Test("A server without a handler answers unknown-request")
  func noHandler() async throws {
    try await Self.link.withPair(serverHandlers: Handlers()) { _, connection in
      let error = await #expect(throws: RemoteError.self) { try await connection.request("anything") }
      #expect(error?.code == "unknown-request")
    }
  }

  @Test("A handler that holds up the event loop is logged, with the option that helps")
  func slowTurns() async throws {
    let log = LogRecorder()
    var configuration = Configuration.patient
    configuration.slowTurnThreshold = .milliseconds(5)
    let handlers = Handlers(
      request: .synchronous { value, _ in
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(20)
        while clock.now < end {}
        return value
      }
    )
    let server = try await Server.start(
      on: TestTransport.unix.newAddress(),
      security: .plain,
      configuration: configuration,
      handlers: handlers,
      logger: log.logger()
    )
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    _ = try await connection.request("slow")
    try await connection.close()
    await server.stop()
    #expect(log.lines.contains { $0.contains("Configuration.handlerExecution = .globalPool") })
  }

  @Test("What a handler knows about a request")
  func context() async throws {
    let handlers = Handlers(
      request: .synchronous { _, context in
        [
          Value(context.user?.text ?? ""),
          Value("\(context.peerAddress)"),
          Value("\(context.connection.id)"),
          Value("\(context.logger[metadataKey: "exchange"] ?? "")"),
        ]
      }
    )
    let link = TestLink(transport: .tcpVersion4, protection: .sealed)
    try await link.withPair(serverHandlers: handlers, logger: LogRecorder().logger()) { server, connection in
      let answer = try await connection.request("who")
      let other = try #require(server.connections.first)
      #expect(try answer.text(at: 0) == "alice")
      #expect(try answer.text(at: 1) == "\(connection.localAddress)")
      #expect(try answer.text(at: 2) == "\(other.id)")
      #expect(try answer.text(at: 3) == "1")
      #expect(connection.peerAddress == server.address)
    }
  }
}
