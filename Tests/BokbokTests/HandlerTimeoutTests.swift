import Bokbok
import BokbokTestSupport
import Testing

@Suite struct HandlerTimeoutTests {
  private static func configuration(_ timeout: Duration) -> Configuration {
    var configuration = Configuration.patient
    configuration.handlerTimeout = timeout
    return configuration
  }

  @Test(
    "A handler that takes too long is cancelled, and answers timed-out",
    arguments: [HandlerExecution.eventLoop, .globalPool]
  )
  func tooLong(execution: HandlerExecution) async throws {
    let handlers = Handlers(
      request: .asynchronous(execution: execution) { value, _ in
        guard value == "wait" else { return value }
        await untilCancelled()
        throw CancellationError()
      }
    )
    let server = try await Server.start(
      on: TestTransport.unix.newAddress(),
      security: .plain,
      configuration: Self.configuration(.milliseconds(20)),
      handlers: handlers
    )
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    let error = await #expect(throws: RemoteError.self) { try await connection.request("wait") }
    #expect(error?.code == "timed-out")
    #expect(try await connection.request("quick") == "quick")
    try await connection.close()
    await server.stop()
  }

  @Test("A handler learns until when it may take, and nothing where there is no limit")
  func deadline() async throws {
    for (timeout, isLimited) in [(Duration.seconds(3600), true), (nil, false)] {
      var configuration = Configuration.patient
      configuration.handlerTimeout = timeout
      let server = try await Server.start(
        on: TestTransport.unix.newAddress(),
        security: .plain,
        configuration: configuration,
        handlers: Handlers(
          request: .asynchronous { _, context in
            guard let deadline = context.deadline else { return "none" }
            return deadline > .now && deadline <= .now + .seconds(3600) ? "limited" : "wrong"
          }
        )
      )
      let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
      #expect(try await connection.request("deadline") == (isLimited ? "limited" : "none"))
      try await connection.close()
      await server.stop()
    }
  }
}
