import Bokbok
import Foundation
import Logging
import ServiceLifecycle
import Testing
import UnixSignals

/// The code of the tutorial.
@Suite struct GettingStartedExamples {
  @Test func serverAnswersSeveralRequestsAtOnce() async throws {
    let server = try await Server.start(
      on: Address("tcp:127.0.0.1:0"),
      security: .plain,
      handlers: Handlers(request: .synchronous(answer))
    )
    print("listening on \(server.address)")

    let answers = try await Connection.withConnection(server.address, security: .plain) { connection in
      async let sum = connection.request(["add", 1, 2, 3])
      async let greeting = connection.request(["greet", "Ada"])
      return try await (sum, greeting)
    }
    #expect(answers == (6, ["hello", "Ada"]))
    await server.stop()
  }

  @Test func unknownRequestIsARemoteError() async throws {
    let server = try await Server.start(
      on: Address("tcp:127.0.0.1:0"),
      security: .plain,
      handlers: Handlers(request: .synchronous(answer))
    )
    let connection = try await Connection.open(server.address, security: .plain)
    do {
      _ = try await connection.request(["fly"], timeout: .seconds(2))
    } catch let error as RemoteError where error.code == "unknown-request" {
      print("the server cannot do that: \(error)")
    } catch let error as BokbokError where error.code == .timeout {
      print("no answer within two seconds")
    }
    await #expect(throws: RemoteError(code: "unknown-request", message: "")) {
      try await connection.request(["fly"])
    }
    try await connection.close()
    await server.stop()
  }

  @Test func serverAsksBack() async throws {
    let asking = RequestHandler.asynchronous { request, context in
      let name = try await context.connection.request(["who-are-you"])
      return ["hello", name]
    }
    let server = try await Server.start(
      on: Address("tcp:127.0.0.1:0"),
      security: .plain,
      handlers: Handlers(request: asking)
    )
    let client = Handlers(request: .synchronous { _, _ in "Ada" })
    let greeting = try await Connection.withConnection(
      server.address,
      security: .plain,
      handlers: client
    ) { connection in
      try await connection.request(["greet"])
    }
    #expect(greeting == ["hello", "Ada"])
    await server.stop()
  }

  @Test func sealedConnectionKnowsItsUser() async throws {
    let ada = try UserName("ada")
    let key = try PresharedKey.derive(passphrase: "kolibri-72-ostsee-quarz-lampe-17-birke", user: "ada")

    let server = try await Server.start(
      on: Address("tcp:127.0.0.1:0"),
      security: .sealed(lookingUp: { user in user == ada ? key : nil }),
      handlers: Handlers(request: .synchronous { _, context in Value(bytes: context.user?.bytes ?? []) })
    )
    let connection = try await Connection.open(server.address, security: .sealed(user: ada, key: key))
    #expect(try await connection.request(["whoami"]) == "ada")
    try await connection.close()

    let other = try PresharedKey.random()
    await #expect(throws: BokbokError(.refused, "")) {
      _ = try await Connection.open(server.address, security: .sealed(user: ada, key: other))
    }
    await server.stop()
  }

  @Test func openHandlerTurnsStrangersDown() async throws {
    let ada = try UserName("ada")
    let handlers = Handlers(
      open: { connection in
        connection.user == ada ? .letIn : try .turnDown(code: "not-today", message: "only Ada may come in")
      },
      request: .synchronous(answer),
      close: { connection, end in
        connection.logger.info("gone", metadata: ["end": "\(end)"])
      }
    )
    let server = try await Server.start(on: Address("tcp:127.0.0.1:0"), security: .plain, handlers: handlers)
    let stranger = try await Connection.open(server.address, security: .plain)
    let end = try await stranger.waitUntilClosed()
    #expect(end.code == "not-today")
    await server.stop()
  }

  @Test func manySmallRequestsStayOnTheEventLoop() async throws {
    let server = try await Server.start(
      on: Address("tcp:127.0.0.1:0"),
      security: .plain,
      handlers: Handlers(request: .synchronous(answer))
    )
    let connection = try await Connection.open(server.address, security: .plain)
    var total = 0
    for number in 1...10 {
      total += try await Task(executorPreference: connection.taskExecutor) {
        try await connection.request(["add", 1, Value(number)]).integer()
      }.value
    }
    #expect(total == 65)

    let (answers, continuation) = AsyncStream.makeStream(of: Result<Value, any Error>.self)
    connection.sendRequest(["add", 1, 2]) { answer in
      continuation.yield(answer)
    }
    var iterator = answers.makeAsyncIterator()
    let sum = try await iterator.next()?.get()
    #expect(sum == 3)
    try await connection.close()
    await server.stop()
  }

  @Test func serviceDrainsOnShutdown() async throws {
    let folder = NSTemporaryDirectory() + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let service = try ServerService(
      on: Address("unix:\(folder)/demo.sock"),
      security: .plain,
      handlers: Handlers(request: .synchronous(answer))
    )
    let group = ServiceGroup(
      services: [service],
      gracefulShutdownSignals: [.sigterm, .sigint],
      logger: Logger(label: "demo")
    )
    await group.triggerGracefulShutdown()
    try await group.run()
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/demo.sock"))
    try FileManager.default.removeItem(atPath: folder)
  }

  @Sendable func answer(request: Value, context: RequestContext) throws -> Value {
    let words = try request.elements
    switch try words.first?.text {
    case "add":
      return try Value(words.dropFirst().reduce(0) { sum, word in try sum + word.integer() })
    case "greet" where words.count == 2:
      return ["hello", words[1]]
    default:
      throw RemoteError(code: "unknown-request", message: "this server knows add and greet")
    }
  }
}
