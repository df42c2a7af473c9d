import Bokbok
import Testing

/// The code of README.
@Suite struct ReadmeExamples {
  @Test func serverAndClientCallEachOther() async throws {
    let server = try await Server.start(
      on: Address("tcp:127.0.0.1:0"),
      security: .plain,
      handlers: Handlers(
        request: .synchronous { request, _ in
          let numbers = try request.elements(count: 3)
          guard try numbers[0].text == "add" else {
            throw RemoteError(code: "unknown-request", message: "this server only adds")
          }
          return try Value(numbers[1].integer() + numbers[2].integer())
        }
      )
    )

    let sum = try await Connection.withConnection(server.address, security: .plain) { connection in
      try await connection.request(["add", 1, 2])
    }
    #expect(sum == 3)

    await server.stop()
  }

  @Test func serverAsksItsClientBack() async throws {
    let server = try await Server.start(
      on: Address("tcp:127.0.0.1:0"),
      security: .plain,
      handlers: Handlers(
        request: .asynchronous { request, context in
          let name = try await context.connection.request(["who-are-you"])
          return ["hello", name]
        }
      )
    )
    let client = try await Connection.open(
      server.address,
      security: .plain,
      handlers: Handlers(request: .synchronous { _, _ in "Ada" })
    )
    let greeting = try await client.request(["greet"])
    #expect(greeting == ["hello", "Ada"])
    try await client.close()
    await server.stop()
  }

  @Test func sealedConnectionKnowsItsUser() async throws {
    let key = try PresharedKey.random()
    let ada = try UserName("ada")

    let server = try await Server.start(
      on: Address("tcp:127.0.0.1:0"),
      security: .sealed(keys: [ada: key]),
      handlers: Handlers(
        request: .synchronous { _, context in
          Value(bytes: context.user?.bytes ?? [])
        }
      )
    )
    let client = try await Connection.open(server.address, security: .sealed(user: ada, key: key))
    #expect(try await client.request(["whoami"]) == "ada")
    try await client.close()
    await server.stop()
  }
}
