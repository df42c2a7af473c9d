internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// A socket that a server listens on.
final class Listener: StreamSource {
  let address: Address

  private let channel: any Channel
  /// The file of a UNIX socket and its lock, until they are given up.
  private let socketFile: NIOLockedValueBox<UnixSocketFile?>
  private let core: ServerCore

  private init(address: Address, channel: any Channel, socketFile: UnixSocketFile?, core: ServerCore) {
    self.address = address
    self.channel = channel
    self.socketFile = NIOLockedValueBox(socketFile)
    self.core = core
    // However the channel comes to its end, the server learns of it.
    channel.closeFuture.whenComplete { _ in core.listenerClosed() }
  }

  /// Stops accepting, and removes the socket's file. Further calls wait for the first.
  func close() async {
    // The file first: who finds it can still connect, and is answered.
    self.socketFile.withLockedValue { $0?.remove() }
    self.channel.close(promise: nil)
    try? await self.channel.closeFuture.get()
    self.socketFile.withLockedValue { file in
      file?.unlock()
      file = nil
    }
  }

  static func start(
    on address: Address,
    core: ServerCore,
    group: any EventLoopGroup
  ) async throws -> any StreamSource {
    switch address.kind {
    case .tcp(let host, let port):
      return try await self.startTCP(address, host: host, port: port, core: core, group: group)
    case .unix(let path):
      return try await self.startUnix(address, path: path, core: core, group: group)
    case .standardIO:
      return try await OneStreamServer.startOnStandardStreams(core: core, group: group)
    case .command:
      throw BokbokError(
        .unsupported,
        """
        a server cannot listen on \(address): exec: is for clients, which start the command; let the command serve on \
        stdio:
        """
      )
    }
  }

  private static func bootstrap(
    _ address: Address,
    core: ServerCore,
    group: any EventLoopGroup
  ) throws -> ServerBootstrap {
    guard let bootstrap = ServerBootstrap(validatingGroup: group) else {
      throw EventLoopGroupError.notThreaded
    }
    return
      bootstrap
      .serverChannelOption(.backlog, value: ListenBacklog.count)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptHandler(core: core))
        }
      }
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try core.take(channel, address: address) }
      }
  }

  // MARK: TCP

  private static func startTCP(
    _ address: Address,
    host: String,
    port: Int,
    core: ServerCore,
    group: any EventLoopGroup
  ) async throws -> Listener {
    let bootstrap = try self.bootstrap(address, core: core, group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    do {
      // Resolving blocks, so that it has a thread of its own.
      let socketAddress = try await NIOThreadPool.singleton.runIfActive {
        try SocketAddress.makeAddressResolvingHost(host, port: port)
      }
      let channel = try await bootstrap.bind(to: socketAddress).get()
      let realPort = channel.localAddress?.port ?? port
      return Listener(
        address: Address(kind: .tcp(host: host, port: realPort)),
        channel: channel,
        socketFile: nil,
        core: core
      )
    } catch {
      throw BokbokError(
        .listen,
        "the server cannot listen on \(address): \(SystemFailure.text(error)); \(SystemFailure.adviceForListening(error))",
        cause: error
      )
    }
  }

  // MARK: Sockets of a supervisor

  /// Serves on a socket that listens already, or on a connection. The file of a UNIX socket is the supervisor's.
  static func start(
    on socket: ActivationSocket,
    core: ServerCore,
    group: any EventLoopGroup
  ) async throws -> any StreamSource {
    let bootstrap = try self.bootstrap(socket.address, core: core, group: group)
    guard socket.isListening else {
      let streams = StandardDescriptors.Streams.socket(socket.descriptor)
      return try await OneStreamServer.start(on: streams, address: socket.address, core: core, group: group)
    }
    do {
      let channel = try await bootstrap.withBoundSocket(socket.descriptor).get()
      ListenBacklog.raise(socket.descriptor)
      return Listener(address: socket.address, channel: channel, socketFile: nil, core: core)
    } catch {
      throw BokbokError(
        .listen,
        "the server cannot listen on the socket \(socket.address) of the supervisor: \(SystemFailure.text(error))",
        cause: error
      )
    }
  }

  // MARK: UNIX

  private static func startUnix(
    _ address: Address,
    path: String,
    core: ServerCore,
    group: any EventLoopGroup
  ) async throws -> Listener {
    let bootstrap = try self.bootstrap(address, core: core, group: group)
    // the lock is held from here on.
    let (file, descriptor) = try UnixSocketFile.create(path: path, mode: core.endpoint.configuration.unixSocketMode)
    do {
      let channel = try await bootstrap.withBoundSocket(descriptor).get()
      // NIO listens with a small backlog of its own; on a UNIX socket a full one is an error for the client.
      ListenBacklog.raise(descriptor)
      return Listener(address: address, channel: channel, socketFile: file, core: core)
    } catch {
      file.remove()
      file.unlock()
      throw BokbokError(.listen, "the server cannot listen on \(address): \(SystemFailure.text(error))", cause: error)
    }
  }
}
