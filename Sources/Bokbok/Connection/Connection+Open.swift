public import Logging
public import NIOCore
internal import NIOPosix

extension Connection {
  /// Opens a connection to a server.
  ///
  /// For an `exec:` address the command is started, where ``Configuration/commands`` allows it, and its standard input
  /// and output are the stream. When the connection ends, so does the command: see ``CommandOptions`` and
  /// ``Connection/waitUntilCommandEnded()``. A connection that is lost because its command ended tells how it ended.
  ///
  /// Cancelling the task throws `CancellationError` at once and closes what has been opened.
  ///
  /// - Parameters:
  ///   - address: The server's: TCP, UNIX or `exec:`.
  ///   - security: Whether the connection is to be plain or sealed. A client that asks for a sealed one never goes on in
  ///     plain.
  ///   - configuration: Limits and options.
  ///   - handlers: What answers the server's requests, and is told of the end. ``Handlers/open`` is not called.
  ///   - logger: Where to log; nil, the default: nowhere.
  ///   - eventLoopGroup: The connection runs on one of its event loops; nil, the default:
  ///     `MultiThreadedEventLoopGroup.singleton`. It has to outlive the connection.
  /// - Returns: The connection, open.
  /// - Throws: ``BokbokError`` with the code `connect` (no stream), `refused`, `authentication`, `notBokbok`, `timeout`,
  ///   `lost`, `violation`, `tampered`, `configuration`, `address`, `resources` or `unsupported`; `CancellationError`.
  public static func open(
    _ address: Address,
    security: ClientSecurity,
    configuration: Configuration = Configuration(),
    handlers: Handlers = Handlers(),
    logger: Logger? = nil,
    eventLoopGroup: (any EventLoopGroup)? = nil
  ) async throws -> Connection {
    let endpoint = try Endpoint(role: .client, configuration: configuration, handlers: handlers, logger: logger)
    let group = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
    let loop = LoopContexts.context(for: group.next())
    let pending = Pending<Connection>()
    let attempt = ClientAttempt(to: address, security: security, endpoint: endpoint, loop: loop, pending: pending)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        loop.perform {
          if pending.begin(continuation) { attempt.start() }
        }
      }
    } onCancel: {
      loop.perform { attempt.giveUp(because: CancellationError()) }
    }
  }

  /// Opens a connection for the time of a closure: closes it when the closure returns, and aborts it when the closure
  /// throws or the task is cancelled.
  ///
  /// - Parameters:
  ///   - address: The server's: TCP, UNIX or `exec:`.
  ///   - security: Whether the connection is to be plain or sealed.
  ///   - configuration: Limits and options.
  ///   - handlers: What answers the server's requests, and is told of the end.
  ///   - logger: Where to log; nil, the default: nowhere.
  ///   - eventLoopGroup: As for ``open(_:security:configuration:handlers:logger:eventLoopGroup:)``.
  ///   - isolation: The actor that the closure runs on; by default the caller's.
  ///   - body: Gets the connection, open.
  /// - Returns: What the closure returned, once the connection has ended.
  /// - Throws: What opening or the closure threw; `CancellationError`.
  public static func withConnection<Result>(
    _ address: Address,
    security: ClientSecurity,
    configuration: Configuration = Configuration(),
    handlers: Handlers = Handlers(),
    logger: Logger? = nil,
    eventLoopGroup: (any EventLoopGroup)? = nil,
    isolation: isolated (any Actor)? = #isolation,
    _ body: (Connection) async throws -> Result
  ) async throws -> Result {
    let connection = try await self.open(
      address,
      security: security,
      configuration: configuration,
      handlers: handlers,
      logger: logger,
      eventLoopGroup: eventLoopGroup
    )
    do {
      let result = try await body(connection)
      try await connection.close()
      return result
    } catch {
      connection.abort()
      throw error
    }
  }
}
