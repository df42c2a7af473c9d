internal import Bokbok
internal import BokbokConformance

internal import struct Bokbok.Configuration

// The commands that begin and end servers and connections.

extension Testee {
  func listen(_ command: TesteeCommandLine) async throws -> JSON {
    let (id, server) = try await startServer(command)
    return ["server": .string(id), "address": .string("\(server.address)")]
  }

  /// Starts a server as the members of a command `listen` say.
  func startServer(_ command: TesteeCommandLine) async throws -> (id: String, server: Server) {
    let id = registry.newServerID()
    let security = try TesteeKeys.serverSecurity(users: command.optionalObject("users"))
    let server = try await Server.start(
      on: try Address(command.string("address")),
      security: security,
      configuration: try configuration(for: command),
      handlers: Handlers(
        open: { [registry, output] connection in
          let testeeConnection = TesteeConnection(
            id: registry.newConnectionID(),
            server: id,
            holdsEvents: false,
            output: output
          )
          registry.add(connection, as: testeeConnection)
          // No request is handed over before this returns, so that this event is the first.
          testeeConnection.report(
            "opened",
            ["server": .string(id), "user": connection.user.map { .string($0.text) } ?? .null]
          )
          return .letIn
        },
        request: ConformanceService.handler { [registry] observation, context in
          registry.testeeConnection(of: context.connection)?.report(observation)
        },
        close: { [registry] connection, end in
          registry.testeeConnection(of: connection)?.reportEnd(end)
          registry.markEnded(connection)
        }
      ),
      logger: logger
    )
    registry.add(server, as: id)
    return (id, server)
  }

  /// Opens a connection and writes the reply, which comes before any event of the connection.
  func connect(_ command: TesteeCommandLine) async throws {
    let testeeConnection = TesteeConnection(
      id: registry.newConnectionID(),
      server: nil,
      holdsEvents: true,
      output: output
    )
    let connection = try await Connection.open(
      try Address(command.string("address")),
      security: try TesteeKeys.clientSecurity(
        user: command.optionalString("user"),
        key: command.optionalString("key")
      ),
      configuration: try configuration(for: command),
      handlers: Handlers(
        request: ConformanceService.handler { observation, _ in testeeConnection.report(observation) },
        close: { [registry] connection, end in
          testeeConnection.reportEnd(end)
          registry.markEnded(connection)
        }
      ),
      logger: logger
    )
    registry.add(connection, as: testeeConnection)
    // It may have ended before it was added.
    if testeeConnection.hasEnded { registry.markEnded(connection) }
    testeeConnection.releaseEvents(
      after: Testee.reply(to: command, ["connection": .string(testeeConnection.id)])
    )
  }

  func close(_ command: TesteeCommandLine) async throws -> JSON {
    let id = try command.string("connection")
    let connection = try registry.connection(id)
    let code = try command.optionalString("code") ?? "normal"
    let message = try command.optionalString("message") ?? ""
    try await connection.close(code: code, message: message)
    await registry.testeeConnection(id)?.waitUntilEndReported()
    return [:]
  }

  func stop(_ command: TesteeCommandLine) async throws -> JSON {
    let id = try command.string("server")
    guard let server = registry.removeServer(id) else {
      throw TesteeFailure(.other, "there is no server \"\(String(displaying: id))\"")
    }
    await server.stop(try command.optionalBool("graceful") ?? true ? .graceful : .immediate)
    for connection in registry.connections(of: id) { await connection.waitUntilEndReported() }
    return [:]
  }

  private func configuration(for command: TesteeCommandLine) throws -> Configuration {
    try Configuration(settings: command.optionalObject("settings"), limits: command.optionalObject("limits"))
  }
}

extension TesteeConnection {
  /// Reports what happens to a request.
  func report(_ observation: ConformanceService.Observation) {
    switch observation {
    case .called(let request): report("request", ["payload": .string(request.hexadecimal)])
    case .cancelled(let request): report("cancelled", ["payload": .string(request.hexadecimal)])
    }
  }
}
