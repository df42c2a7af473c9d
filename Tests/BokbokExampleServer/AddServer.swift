import Bokbok

/// The server of the guide to subprocesses.
@main
struct AddServer {
  static func main() async throws {
    let server = try await Server.start(
      on: .standardIO,
      security: .plain,
      handlers: Handlers(request: .synchronous(answer))
    )
    await server.waitUntilStopped()
  }

  @Sendable static func answer(request: Value, context: RequestContext) throws -> Value {
    guard try request.text(at: 0) == "add" else {
      throw RemoteError(code: "unknown-request", message: "this server only adds")
    }
    return try Value(request.elements.dropFirst().reduce(0) { sum, number in try sum + number.integer() })
  }
}
