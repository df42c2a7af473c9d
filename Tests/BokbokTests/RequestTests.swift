import Bokbok
import BokbokTestSupport
import Testing

@Suite struct RequestTests {
  @Test("An answer comes back, in both directions", .clauses("X-2.a", "X-1.a"), arguments: TestLink.all)
  func answers(link: TestLink) async throws {
    try await link.withPair { server, connection in
      let answer = try await connection.request(["ping", "12345"])
      #expect(answer == ["ping", "12345"])
      let other = try #require(server.connections.first)
      let otherAnswer = try await other.request(["pong", 1])
      #expect(otherAnswer == ["pong", 1])
      #expect(connection.isSealed == (link.protection == .sealed))
      #expect(other.user == connection.user)
    }
  }

  @Test(
    "Small requests finish while a large one is under way, in both directions at once",
    .clauses("X-4.c", "X-9.a"),
    arguments: TestLink.all
  )
  func largeAndSmall(link: TestLink) async throws {
    // The answer to the large request comes only when the small ones are through: a large one that held them up would
    // never end.
    let gates = (server: Gate(), client: Gate())
    func handler(_ gate: Gate) -> Handlers {
      Handlers(
        request: .asynchronous { value, _ in
          if value.isAtom { await gate.pass() }
          return value
        }
      )
    }
    try await link.withPair(
      serverHandlers: handler(gates.server),
      clientHandlers: handler(gates.client),
      isHeavy: true
    ) { server, connection in
      let other = try #require(server.connections.first)
      let large = Value(bytes: [UInt8](repeating: 0x61, count: 16_777_216 - 16))
      @Sendable func exchange(_ requester: Connection, _ gate: Gate) async throws {
        async let largeAnswer = requester.request(large, timeout: .seconds(60))
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<100 {
            group.addTask {
              let answer = try await requester.request(["small", Value(number)])
              #expect(answer == ["small", Value(number)])
            }
          }
          try await group.waitForAll()
        }
        gate.open()
        let answer = try await largeAnswer
        #expect(answer == large)
      }
      async let one: Void = exchange(connection, gates.server)
      async let two: Void = exchange(other, gates.client)
      try await one
      try await two
    }
  }

  @Test("Requests beyond the other side's limit wait for a place, first come first served", .clauses("X-6.b"))
  func places() async throws {
    var configuration = Configuration.patient
    configuration.requestsMax = 2
    let begun = Recorder<Value>()
    let gate = Gate()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.record(value)
        await gate.pass()
        return value
      }
    )
    let link = TestLink(transport: .unix, protection: .plain)
    try await link.withPair(serverConfiguration: configuration, serverHandlers: handlers) { _, connection in
      try await withThrowingTaskGroup(of: Value.self) { group in
        for number in 0..<6 {
          group.addTask { try await connection.request(Value(number)) }
          // The next one is only made when this one is counted.
          while await connection.statistics.requestsSent != UInt64(number + 1) { await Task.yield() }
        }
        await begun.wait(count: 2)
        // A ping that is answered fences the requests: no third one was sent.
        try await connection.ping()
        #expect(begun.elements.count == 2)
        gate.open()
        for try await _ in group {}
      }
      #expect(begun.elements == (0..<6).map { Value($0) })
    }
  }

  @Test("A request longer than the other side takes fails at the caller", .clauses("X-5.b"))
  func tooLarge() async throws {
    var configuration = Configuration.patient
    configuration.messageBytesMax = 1024
    let link = TestLink(transport: .unix, protection: .plain)
    try await link.withPair(serverConfiguration: configuration) { _, connection in
      let error = await #expect(throws: BokbokError.self) {
        try await connection.request(Value(bytes: [UInt8](repeating: 0, count: 1024)))
      }
      #expect(error?.code == .tooLarge)
      #expect(error?.message.contains("1024") == true)
      let answer = try await connection.request("still open")
      #expect(answer == "still open")
    }
  }

  @Test("An answer longer than the requester takes fails as too-large", .clauses("X-5.c"))
  func tooLargeAnswer() async throws {
    var configuration = Configuration.patient
    configuration.messageBytesMax = 1024
    let link = TestLink(transport: .unix, protection: .plain)
    let handlers = Handlers(request: .synchronous { _, _ in Value(bytes: [UInt8](repeating: 0, count: 2000)) })
    try await link.withPair(serverHandlers: handlers, clientConfiguration: configuration) { _, connection in
      let error = await #expect(throws: RemoteError.self) { try await connection.request("large") }
      #expect(error?.code == "too-large")
    }
  }

  @Test("A value that nests too deep fails at the caller", .clauses("E-4.a"))
  func tooDeep() async throws {
    let link = TestLink(transport: .unix, protection: .plain)
    try await link.withPair { _, connection in
      let value = (0...Value.depthMax).reduce(Value.list([])) { inner, _ in .list([inner]) }
      let error = await #expect(throws: BokbokError.self) { try await connection.request(value) }
      #expect(error?.code == .malformed)
    }
  }

  @Test(
    "Cancelling a request tells its caller at once, cancels the handler and keeps the place",
    .clauses("X-7.b", "X-7.i")
  )
  func cancelling() async throws {
    let begun = Event()
    let cancelled = Event()
    let gate = Gate()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        guard value == "hang" else { return value }
        begun.happen()
        await untilCancelled()
        cancelled.happen()
        await gate.pass()
        return value
      }
    )
    var configuration = Configuration.patient
    configuration.requestsMax = 1
    let link = TestLink(transport: .unix, protection: .sealed)
    try await link.withPair(serverConfiguration: configuration, serverHandlers: handlers) { _, connection in
      let task = Task { try await connection.request("hang") }
      await begun.wait()
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      await cancelled.wait()
      // the place is taken until the answer comes, and this one waits for it.
      let next = Task { try await connection.request("next") }
      while await connection.statistics.requestsSent != 2 { await Task.yield() }
      let framesSent = await connection.statistics
      try await connection.ping()
      #expect(framesSent.requestsSent == 2)
      gate.open()
      let answer = try await next.value
      #expect(answer == "next")
    }
  }

  @Test("A request in a task that was cancelled before throws at once")
  func cancelledBefore() async throws {
    let link = TestLink(transport: .unix, protection: .plain)
    try await link.withPair { _, connection in
      let gate = Gate()
      let task = Task {
        await gate.pass()
        return try await connection.request("never")
      }
      task.cancel()
      gate.open()
      await #expect(throws: CancellationError.self) { try await task.value }
      let answer = try await connection.request("works")
      #expect(answer == "works")
    }
  }

  @Test("A request's time limit counts while it waits, and cancels the handler", arguments: TestProtection.allCases)
  func timeLimit(protection: TestProtection) async throws {
    let cancelled = Event()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        guard value == "hang" else { return value }
        await untilCancelled()
        cancelled.happen()
        return value
      }
    )
    let link = TestLink(transport: .unix, protection: protection)
    try await link.withPair(serverHandlers: handlers) { _, connection in
      let error = await #expect(throws: BokbokError.self) {
        try await connection.request("hang", timeout: .milliseconds(50))
      }
      #expect(error?.code == .timeout)
      #expect(error?.message.contains("connection \(connection.id)") == true)
      await cancelled.wait()
      let answer = try await connection.request("works")
      #expect(answer == "works")
    }
  }

  @Test("The configuration's time limit holds where a call gives none")
  func defaultTimeLimit() async throws {
    var configuration = Configuration.patient
    configuration.requestTimeout = .milliseconds(50)
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        await untilCancelled()
        return value
      }
    )
    let link = TestLink(transport: .unix, protection: .plain)
    try await link.withPair(serverConfiguration: configuration, clientHandlers: handlers) { server, _ in
      let other = try #require(server.connections.first)
      let error = await #expect(throws: BokbokError.self) { try await other.request("hang") }
      #expect(error?.code == .timeout)
    }
  }

  @Test("A ping tells how far away the other side is", .clauses("P-1.a"), arguments: TestLink.all)
  func pings(link: TestLink) async throws {
    try await link.withPair { server, connection in
      let there = try await connection.ping()
      #expect(there > .zero && there < .seconds(20))
      let back = try await server.connections.first?.ping()
      #expect(back != nil)
    }
  }

  @Test("Requests and pings under way fail as lost when the connection is aborted", .clauses("C-6.c"))
  func aborted() async throws {
    let begun = Event()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.happen()
        await untilCancelled()
        return value
      }
    )
    let link = TestLink(transport: .unix, protection: .sealed)
    try await link.withPair(serverHandlers: handlers) { server, connection in
      let task = Task { try await connection.request("hang") }
      await begun.wait()
      server.connections.first?.abort()
      let error = await #expect(throws: BokbokError.self) { try await task.value }
      #expect(error?.code == .lost)
      let end = try await connection.waitUntilClosed()
      #expect(end.reason == .lost)
      // X: a request on a connection that has ended gets the kind of its end.
      let late = await #expect(throws: BokbokError.self) { try await connection.request("late") }
      #expect(late?.code == .lost)
    }
  }

  @Test("Requests on a closed connection fail as closing")
  func closed() async throws {
    let link = TestLink(transport: .unix, protection: .plain)
    try await link.withPair { _, connection in
      try await connection.close()
      let error = await #expect(throws: BokbokError.self) { try await connection.request("late") }
      #expect(error?.code == .closing)
      let ping = await #expect(throws: BokbokError.self) { try await connection.ping() }
      #expect(ping?.code == .closing)
    }
  }
}
