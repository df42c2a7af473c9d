public import Logging
public import NIOCore

extension Server {
  /// Starts a server on a socket that the supervisor of this process has opened: when this returns, clients that have
  /// connected are served.
  ///
  /// Where the socket listens, the server takes connections from it until it is stopped; those that then wait are the
  /// supervisor's, and so is the file of a UNIX socket. Where it is a connection, the server serves that one, and stops
  /// when it has ended. A socket can be used once.
  ///
  /// Cancelling the task has no effect.
  ///
  /// - Parameters:
  ///   - socket: From ``ActivationSocket/take()``.
  ///   - security: Whether connections are plain or sealed.
  ///   - configuration: Limits and options; ``Configuration/unixSocketMode`` is not used.
  ///   - handlers: What answers requests, and is told of connections.
  ///   - logger: Where to log; nil, the default: nowhere.
  ///   - eventLoopGroup: The event loops; nil, the default: `MultiThreadedEventLoopGroup.singleton`. It has to outlive
  ///     the server.
  /// - Throws: ``BokbokError`` with the code `configuration`, `listen` or `resources`.
  public static func start(
    on socket: ActivationSocket,
    security: ServerSecurity,
    configuration: Configuration = Configuration(),
    handlers: Handlers = Handlers(),
    logger: Logger? = nil,
    eventLoopGroup: (any EventLoopGroup)? = nil
  ) async throws -> Server {
    let endpoint = try Endpoint(role: .server, configuration: configuration, handlers: handlers, logger: logger)
    return try await self.start(
      endpoint,
      security: security,
      eventLoopGroup: eventLoopGroup,
      metadata: ["socket": "\(socket.name)"]
    ) { core, group in
      try await Listener.start(on: socket, core: core, group: group)
    }
  }
}
