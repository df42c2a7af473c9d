import Bokbok
import BokbokTestSupport
import NIOCore
import Testing

/// Requests whose callers are called back, on the event loop or from any other thread.
@Suite struct CallbackRequestTests {
  private typealias Answers = Recorder<Result<Value, any Error>>

  @Test("The answer is given to the completion, once and on the event loop", arguments: TestLink.all, [true, false])
  func answers(link: TestLink, isOnLoop: Bool) async throws {
    try await link.withPair { _, connection in
      let answers = Answers()
      @Sendable func send() {
        connection.sendRequest(["ping", "12345"]) { answer in
          #expect(connection.eventLoop.inEventLoop)
          answers.record(answer)
        }
      }
      if isOnLoop { connection.eventLoop.execute(send) } else { send() }
      #expect(try await answers.wait()[0].get() == ["ping", "12345"])
      // A ping that is answered fences a second call.
      try await connection.ping()
      #expect(answers.elements.count == 1)
    }
  }

  @Test("A completion sends the next request", arguments: TestProtection.allCases)
  func chains(protection: TestProtection) async throws {
    let link = TestLink(transport: .unix, protection: protection)
    try await link.withPair { _, connection in
      let answers = Answers()
      @Sendable func send(_ number: Int) {
        connection.sendRequest(Value(number)) { answer in
          answers.record(answer)
          if number < 1000 { send(number + 1) }
        }
      }
      for _ in 0..<8 { send(1) }
      let numbers = try await answers.wait(count: 8000).compactMap { try Int($0.get().text) }
      #expect(numbers.reduce(0, +) == 8 * 500_500)
    }
  }

  @Test("An error of the other side is given to the completion")
  func fails() async throws {
    let handlers = Handlers(request: .synchronous { _, _ in throw RemoteError(code: "no-such-thing", message: "none") })
    try await TestLink(transport: .unix, protection: .plain).withPair(serverHandlers: handlers) { _, connection in
      let answers = Answers()
      connection.sendRequest("thing") { answers.record($0) }
      let answer = await answers.wait()[0]
      let error = #expect(throws: RemoteError.self) { try answer.get() }
      #expect(error?.code == "no-such-thing")
    }
  }

  @Test("Cancelling calls the completion at once, and stops the handler", .clauses("X-7.b"), arguments: [true, false])
  func cancelling(isOnLoop: Bool) async throws {
    let begun = Event()
    let cancelled = Event()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        guard value == "hang" else { return value }
        begun.happen()
        await untilCancelled()
        cancelled.happen()
        return value
      }
    )
    try await TestLink(transport: .unix, protection: .plain).withPair(serverHandlers: handlers) { _, connection in
      let answers = Answers()
      let request = connection.sendRequest("hang") { answers.record($0) }
      await begun.wait()
      if isOnLoop { connection.eventLoop.execute { request.cancel() } } else { request.cancel() }
      let answer = await answers.wait()[0]
      #expect(throws: CancellationError.self) { try answer.get() }
      await cancelled.wait()
      request.cancel()
      let works = try await connection.request("works")
      #expect(works == "works")
      #expect(answers.elements.count == 1)
    }
  }

  @Test("A request's time limit ends it")
  func timeLimit() async throws {
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        await untilCancelled()
        return value
      }
    )
    try await TestLink(transport: .unix, protection: .plain).withPair(serverHandlers: handlers) { _, connection in
      let answers = Answers()
      connection.sendRequest("hang", timeout: .milliseconds(1)) { answers.record($0) }
      let answer = await answers.wait()[0]
      let error = #expect(throws: BokbokError.self) { try answer.get() }
      #expect(error?.code == .timeout)
    }
  }

  @Test(
    "The end of the connection ends requests under way, and fails those after it",
    arguments: TestProtection.allCases
  )
  func connectionEnds(protection: TestProtection) async throws {
    let begun = Event()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.happen()
        await untilCancelled()
        return value
      }
    )
    let link = TestLink(transport: .unix, protection: protection)
    try await link.withPair(serverHandlers: handlers) { _, connection in
      let answers = Answers()
      // One that tries again and again must neither come deeper into itself nor hold up the event loop.
      @Sendable func insist(_ attempts: Int) {
        connection.sendRequest("hang") { answer in
          if attempts == 0 { answers.record(answer) } else { insist(attempts - 1) }
        }
      }
      insist(50_000)
      await begun.wait()
      connection.abort()
      let answer = await answers.wait()[0]
      #expect(throws: BokbokError.self) { try answer.get() }
      _ = try await connection.waitUntilClosed()
    }
  }

  @Test("A request that is longer than the other side takes fails", .clauses("X-5.b"))
  func tooLarge() async throws {
    var configuration = Configuration.patient
    configuration.messageBytesMax = 65_536
    let link = TestLink(transport: .unix, protection: .plain)
    try await link.withPair(serverConfiguration: configuration) { _, connection in
      let answers = Answers()
      connection.sendRequest(Value(bytes: [UInt8](repeating: 1, count: 65_536))) { answers.record($0) }
      let answer = await answers.wait()[0]
      let error = #expect(throws: BokbokError.self) { try answer.get() }
      #expect(error?.code == .tooLarge)
      let works = try await connection.request("works")
      #expect(works == "works")
    }
  }
}
