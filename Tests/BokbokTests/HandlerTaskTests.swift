import Bokbok
import BokbokTestSupport
import NIOCore
import NIOPosix
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Handlers that do not wait share a task; that must not show.
@Suite struct HandlerTaskTests {
  private static let link = TestLink(transport: .unix, protection: .plain)

  /// Sends requests that go out as one write, and gives the answers in the order in which they came.
  private static func answers(_ connection: Connection, to requests: [Value]) async throws -> [Value] {
    try await withThrowingTaskGroup(of: Value.self) { tasks in
      try await withTaskExecutorPreference(connection.taskExecutor) {
        for request in requests { tasks.addTask { try await connection.request(request) } }
        var answers: [Value] = []
        for try await answer in tasks { answers.append(answer) }
        return answers
      }
    }
  }

  @Test("A handler that waits holds up none of the requests that came with its own", .clauses("X-2.a"))
  func waiting() async throws {
    let (gate, opening) = AsyncStream.makeStream(of: Void.self)
    let handled = Recorder<Value>()
    let handler = RequestHandler.asynchronous { value, _ in
      handled.record(value)
      switch value {
      case "wait": for await _ in gate {}
      case "open": opening.finish()
      default: break
      }
      return value
    }
    let requests: [Value] = ["first", "wait", "second", "third", "open"]
    try await Self.link.withPair(serverHandlers: Handlers(request: handler)) { _, connection in
      let answers = try await Self.answers(connection, to: requests)
      #expect(answers.last == "wait")
      #expect(Set(answers) == Set(requests))
      #expect(handled.elements == requests)
    }
  }

  @Test("A handler that cancels its own task cancels no other")
  func cancelling() async throws {
    let handler = RequestHandler.asynchronous { value, _ in
      let wasCancelled = Task.isCancelled
      if value == "cancel" { withUnsafeCurrentTask { $0?.cancel() } }
      return [value, wasCancelled ? "cancelled" : "not cancelled"]
    }
    try await Self.link.withPair(serverHandlers: Handlers(request: handler)) { _, connection in
      let answers = try await Self.answers(connection, to: ["first", "cancel", "second", "third"])
      #expect(answers == ["first", "cancel", "second", "third"].map { [$0, "not cancelled"] })
    }
  }

  @Test("A task on the executor of an event loop opens, uses and closes a connection without leaving it")
  func wholeConnection() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    try await Self.link.withPair { server, _ in
      let address = server.address
      let task = Task(executorPreference: Connection.taskExecutor(on: loop)) {
        var isOnLoop = [loop.inEventLoop]
        let connection = try await Connection.open(
          address,
          security: .plain,
          configuration: .patient,
          eventLoopGroup: loop
        )
        isOnLoop.append(loop.inEventLoop)
        let answer = try await connection.request("back")
        isOnLoop.append(loop.inEventLoop)
        try await connection.close()
        isOnLoop.append(loop.inEventLoop)
        return (answer, isOnLoop)
      }
      let (answer, isOnLoop) = try await task.value
      #expect(answer == "back")
      #expect(isOnLoop == [true, true, true, true])
    }
    try await group.shutdownGracefully()
  }

  @Test("A task that prefers the connection's executor calls from its event loop")
  func caller() async throws {
    let handler = RequestHandler.asynchronous { _, context in
      // The client's connection has another event loop or the same; here it is the server's own that counts.
      let before = UInt(bitPattern: pthread_self().hashValue)
      let called = try await Task(executorPreference: context.connection.taskExecutor) {
        let first = UInt(bitPattern: pthread_self().hashValue)
        _ = try await context.connection.request("back")
        return [first, UInt(bitPattern: pthread_self().hashValue)]
      }.value
      return .list(of: ([before] + called).map { Value($0) })
    }
    try await Self.link.withPair(serverHandlers: Handlers(request: handler)) { _, connection in
      let threads = try await connection.request("threads").elements
      #expect(Set(threads).count == 1)
    }
  }
}
