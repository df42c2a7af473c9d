internal import Logging
internal import NIOCore
internal import NIOPosix

/// One attempt of a client to open a connection: resolving, connecting, handshake, all within one time limit.
///
/// Sendable although it has mutable state: it is touched on its event loop only.
final class ClientAttempt: @unchecked Sendable {
  private let address: Address
  private let security: ClientSecurity
  private let endpoint: Endpoint
  private let loop: LoopContext
  private let pending: Pending<Connection>

  private var connecting: [ObjectIdentifier: any Channel] = [:]
  private var handler: ConnectionHandler?
  private var timer: Scheduled<Void>?
  /// The command that has been started, for an `exec:` address.
  private var command: CommandProcess?

  /// How long to wait before connecting again to a UNIX socket whose listener has no room for the moment.
  private static let retryDelay = TimeAmount.milliseconds(5)

  init(
    to address: Address,
    security: ClientSecurity,
    endpoint: Endpoint,
    loop: LoopContext,
    pending: Pending<Connection>
  ) {
    self.address = address
    self.security = security
    self.endpoint = endpoint
    self.loop = loop
    self.pending = pending
  }

  // MARK: On the event loop

  func start() {
    let timeout = self.endpoint.configuration.connectTimeout
    self.timer = self.loop.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(clamping: timeout)) {
      self.giveUp(
        because: BokbokError(
          .timeout,
          """
          no connection to \(self.address) within \(timeout): the server does not answer, or the network is slow; \
          raise connectTimeout if it may take so long
          """
        )
      )
    }
    self.connect()
  }

  /// Ends the attempt, whatever it has come to.
  func giveUp(because error: any Error) {
    guard !self.pending.isFinished else { return }
    let handler = self.handler
    self.fail(with: error)
    for channel in self.connecting.values { channel.close(promise: nil) }
    handler?.input { $0.abort(now: self.loop.now) }
    self.loop.endTurn()
  }

  func succeed(with connection: Connection) {
    self.timer?.cancel()
    self.handler = nil
    self.pending.finish(with: .success(connection))
  }

  func fail(with error: any Error) {
    self.timer?.cancel()
    self.handler = nil
    self.pending.finish(with: .failure(error))
  }

  private func connect() {
    guard let bootstrap = ClientBootstrap(validatingGroup: self.loop.eventLoop) else {
      self.fail(with: EventLoopGroupError.notThreaded)
      return
    }
    let configured =
      bootstrap
      .connectTimeout(TimeAmount(clamping: self.endpoint.configuration.connectTimeout))
      // Nothing is read before the handler is there.
      .channelOption(.autoRead, value: false)
      .channelInitializer { channel in
        self.connecting[ObjectIdentifier(channel)] = channel
        return channel.eventLoop.makeSucceededVoidFuture()
      }
    let channel: EventLoopFuture<any Channel>
    switch self.address.kind {
    case .tcp(let host, let port):
      // An address in digits needs no resolver, whose answers come from another thread.
      if let address = try? SocketAddress(ipAddress: host, port: port) {
        channel = configured.connect(to: address)
      } else {
        channel = configured.connect(host: host, port: port)
      }
    case .unix(let path):
      channel = configured.connect(unixDomainSocketPath: path)
    case .standardIO:
      self.fail(
        with: BokbokError(
          .unsupported,
          "no connection to \(self.address): stdio: is for servers; a client starts its server with exec:COMMAND ARG …"
        )
      )
      return
    case .command(let words):
      self.start(command: words)
      return
    }
    channel.assumeIsolated().whenComplete { self.connected($0) }
  }

  /// starts the command, whose standard input and output are the stream.
  private func start(command words: [String]) {
    // only where the caller said so.
    guard let options = self.endpoint.configuration.commands else {
      self.fail(
        with: BokbokError(
          .unsupported,
          "no connection to \(self.address): commands are not allowed here; set commands in the configuration to allow them"
        )
      )
      return
    }
    do {
      let command = try CommandStreams.start(words, options: options, loop: self.loop, logger: self.endpoint.logger)
      self.command = command.process
      command.channel.assumeIsolated().whenComplete { self.connected($0) }
    } catch {
      self.fail(
        with: BokbokError(
          .connect,
          """
          no connection to \(self.address): the command \"\(String(displaying: words[0]))\" cannot be started: \
          \(SystemFailure.text(error.errorNumber)); check its name, PATH and the working directory
          """
        )
      )
    }
  }

  private func connected(_ result: Result<any Channel, any Error>) {
    self.connecting = [:]
    switch result {
    case .success(let channel):
      guard !self.pending.isFinished else {
        channel.close(promise: nil)
        return
      }
      do {
        try self.open(channel)
      } catch {
        channel.close(promise: nil)
        self.fail(with: self.connectError(error))
      }
    case .failure(let error):
      guard !self.pending.isFinished else { return }
      if SystemFailure.isBacklogFull(error) {
        self.loop.eventLoop.assumeIsolated().scheduleTask(in: Self.retryDelay) {
          if !self.pending.isFinished { self.connect() }
        }
        return
      }
      self.fail(with: self.connectError(error))
    }
  }

  /// Begins the handshake on a channel that is connected: any stream will do.
  func open(_ channel: any Channel) throws {
    try self.endpoint.prepare(channel)
    let machine = try ConnectionMachine(
      client: try self.machineSecurity(),
      configuration: self.endpoint.machineConfiguration,
      slab: self.loop.keySlab,
      now: self.loop.now
    )
    let handler = ConnectionHandler(
      machine: machine,
      endpoint: self.endpoint,
      owner: .client(self),
      identity: ConnectionIdentity(
        id: .next(),
        peerAddress: self.address,
        localAddress: channel.localAddress?.asAddress ?? self.address,
        peerCredentials: PeerCredentials.of(channel),
        command: self.command
      ),
      loop: self.loop
    )
    self.handler = handler
    try channel.pipeline.syncOperations.addHandler(handler)
    try channel.syncOptions?.setOption(.autoRead, value: true)
  }

  private func machineSecurity() throws -> BokbokCore.ClientSecurity {
    guard let (user, key) = self.security.credentials else { return .plain }
    return .sealed(
      userName: user.buffer,
      userKey: try key.secret(),
      sessionKey: try SecretBytes.random(count: PresharedKey.byteCount),
      ephemeral: try SecretBytes.random(count: PresharedKey.byteCount)
    )
  }

  private func connectError(_ error: any Error) -> BokbokError {
    switch error {
    case is SecretError, is HandshakeError:
      BokbokError(
        .resources,
        "no connection to \(self.address): the system gave no locked memory for keys; raise ulimit -l",
        cause: error
      )
    default:
      BokbokError(
        .connect,
        "no connection to \(self.address): \(SystemFailure.text(error)); \(SystemFailure.adviceForConnecting(error))",
        cause: error
      )
    }
  }
}
