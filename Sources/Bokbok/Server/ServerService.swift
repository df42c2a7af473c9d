public import Logging
public import NIOCore
public import ServiceLifecycle

/// A ``Server`` as a service of swift-service-lifecycle: it starts with `run()`, drains on a graceful shutdown, for
/// example by SIGTERM, and ends at once when its task is cancelled.
public struct ServerService: Service {
  private let start: @Sendable () async throws -> Server
  private let started: @Sendable (Server) async -> Void

  /// A service; what it is given goes to
  /// ``Server/start(on:security:configuration:handlers:logger:eventLoopGroup:)-(Address,_,_,_,_,_)``.
  ///
  /// - Parameters:
  ///   - address: A TCP or UNIX address; the port 0 lets the system choose one.
  ///   - security: Whether connections are plain or sealed.
  ///   - configuration: Limits and options.
  ///   - handlers: What answers requests, and is told of connections.
  ///   - logger: Where to log; nil, the default: nowhere.
  ///   - eventLoopGroup: The event loops; nil, the default: `MultiThreadedEventLoopGroup.singleton`.
  ///   - started: Called when clients can connect, for example to learn the port.
  public init(
    on address: Address,
    security: ServerSecurity,
    configuration: Configuration = Configuration(),
    handlers: Handlers = Handlers(),
    logger: Logger? = nil,
    eventLoopGroup: (any EventLoopGroup)? = nil,
    started: @escaping @Sendable (Server) async -> Void = { _ in }
  ) {
    self.start = {
      try await Server.start(
        on: address,
        security: security,
        configuration: configuration,
        handlers: handlers,
        logger: logger,
        eventLoopGroup: eventLoopGroup
      )
    }
    self.started = started
  }

  /// Runs the server until it has stopped.
  ///
  /// - Throws: ``BokbokError`` when the server cannot start.
  public func run() async throws {
    let server = try await self.start()
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await self.started(server)
        await server.waitUntilStopped()
      } onGracefulShutdown: {
        Task { await server.stop(.graceful) }
      }
    } onCancel: {
      Task { await server.stop(.immediate) }
    }
  }
}
