public import Logging
public import NIOCore
internal import NIOPosix
internal import Synchronization

/// A server: it listens on an address, and each client that connects becomes a ``Connection`` with the same handlers.
///
/// A server runs until it is stopped, also when nothing refers to it any more. ``ServerService`` runs one under
/// swift-service-lifecycle.
public final class Server: Sendable {
  /// How a server stops.
  public enum StopMode: Hashable, Sendable {
    /// Each connection is closed with the code `shutdown`: what is under way is answered, within
    /// ``Configuration/drainTimeout`` (C-5).
    case graceful
    /// Each connection is ended at once, without a word.
    case immediate
  }

  /// The address that the server listens on, with the port that it got if 0 was asked for.
  public let address: Address

  private let core: ServerCore
  private let source: any StreamSource

  init(address: Address, core: ServerCore, source: any StreamSource) {
    self.address = address
    self.core = core
    self.source = source
  }

  /// Starts a server: when this returns, clients can connect.
  ///
  /// A UNIX socket is created with ``Configuration/unixSocketMode``, under an exclusive lock on the file `PATH.lock`,
  /// which stays. A socket file on which nothing listens any more is replaced; anything else at the path is an error
  /// . A name is resolved, and the first of its addresses is taken.
  ///
  /// On `stdio:` the server serves one connection on this process's standard input and output, and stops when that has
  /// ended. From then on standard input reads nothing and standard output is standard error, so that printing does no
  /// harm. A process can do this once.
  ///
  /// Cancelling the task has no effect: starting takes no longer than resolving a name.
  ///
  /// - Parameters:
  ///   - address: A TCP or UNIX address, or `stdio:`; the port 0 lets the system choose one.
  ///   - security: Whether connections are plain or sealed.
  ///   - configuration: Limits and options.
  ///   - handlers: What answers requests, and is told of connections.
  ///   - logger: Where to log; nil, the default: nowhere.
  ///   - eventLoopGroup: The event loops; nil, the default: `MultiThreadedEventLoopGroup.singleton`. It has to outlive
  ///     the server.
  /// - Throws: ``BokbokError`` with the code `configuration`, `address`, `listen`, `resources` or `unsupported`.
  public static func start(
    on address: Address,
    security: ServerSecurity,
    configuration: Configuration = Configuration(),
    handlers: Handlers = Handlers(),
    logger: Logger? = nil,
    eventLoopGroup: (any EventLoopGroup)? = nil
  ) async throws -> Server {
    let endpoint = try Endpoint(role: .server, configuration: configuration, handlers: handlers, logger: logger)
    return try await self.start(endpoint, security: security, eventLoopGroup: eventLoopGroup) { core, group in
      try await Listener.start(on: address, core: core, group: group)
    }
  }

  /// Every start; the closure begins to take connections. The metadata is for the log.
  static func start(
    _ endpoint: Endpoint,
    security: ServerSecurity,
    eventLoopGroup: (any EventLoopGroup)?,
    metadata: Logger.Metadata = [:],
    from listen: (ServerCore, any EventLoopGroup) async throws -> any StreamSource
  ) async throws -> Server {
    let core = try ServerCore(endpoint: endpoint, security: security)
    let source = try await listen(core, eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton)
    endpoint.logger.info(
      "the server listens",
      metadata: metadata.merging(["address": "\(source.address)"]) { $1 }
    )
    return Server(address: source.address, core: core, source: source)
  }

  /// The connections that are open.
  public var connections: [Connection] { self.core.connections }

  /// Stops the server and waits until it has stopped: no new connections are taken, those that are there end as asked,
  /// and a UNIX socket's file is removed if it is still this server's.
  ///
  /// It can be called again, also while it stops, and also to change from graceful to immediate. Cancelling the task has
  /// no effect: a graceful stop ends within ``Configuration/drainTimeout`` and twice ``Configuration/endTimeout``, as
  /// far as close handlers end. Request handlers are cancelled; one that does not stop may run on.
  public func stop(_ how: StopMode = .graceful) async {
    await self.source.close()
    self.core.stop(how)
    await self.core.waitUntilStopped()
  }

  /// Waits until the server has stopped: it listens no more, all connections have ended, and all close handlers have
  /// returned. Cancelling the task has no effect.
  public func waitUntilStopped() async {
    await self.core.waitUntilStopped()
  }
}
