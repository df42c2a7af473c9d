internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// What a server knows about its streams and connections, shared by its event loops.
final class ServerCore: Sendable {
  /// Names a stream: the identity of its channel, which lives until it has closed; then the stream is forgotten.
  typealias StreamID = ObjectIdentifier

  let endpoint: Endpoint
  let security: ServerSecurity
  /// Stands in for the key of users that are not known (H-4); nil on a plain server.
  private let decoyKey: PresharedKey?

  private enum Phase {
    case running
    case stopping
    case stopped
  }

  /// What there is to end a stream by. In two words, since a server may have very many.
  private enum Stream {
    /// It has no handler yet.
    case accepted(any Channel)
    case opening(NIOLoopBoundBox<ConnectionHandler>)
    case open(Connection)
    case ending(Connection)
    /// It ends without having been open.
    case failing(NIOLoopBoundBox<ConnectionHandler>)

    var connection: Connection? {
      if case .open(let connection) = self { connection } else { nil }
    }

    /// Closes the stream without a word.
    func abort() {
      switch self {
      case .accepted(let channel):
        channel.close(promise: nil)
      case .open(let connection), .ending(let connection):
        connection.abort()
      case .opening(let handler), .failing(let handler):
        let loop = LoopContexts.context(for: handler.eventLoop)
        loop.perform { handler.value.input { $0.abort(now: loop.now) } }
      }
    }
  }

  private struct State {
    var phase = Phase.running
    var streams: [StreamID: Stream] = [:]
    var openCount = 0
    var unopened = StreamQueue()
    var isListening = true
    var dueCloseHandlers = 0
    var stopWaiters: [UnsafeContinuation<Void, Never>] = []
    var whenStreamCloses: (@Sendable () -> Void)?

    var isFinished: Bool {
      self.phase != .running && !self.isListening && self.streams.isEmpty && self.dueCloseHandlers == 0
    }
  }

  private let state = NIOLockedValueBox(State())

  init(endpoint: Endpoint, security: ServerSecurity) throws(BokbokError) {
    self.endpoint = endpoint
    self.security = security
    do throws(PresharedKeyError) {
      self.decoyKey = security.isSealed ? try PresharedKey.random() : nil
    } catch {
      throw BokbokError(.resources, error.message, cause: error)
    }
  }

  // MARK: Streams

  /// Counts a stream that has just been accepted; called in the order of accepting.
  ///
  /// - Returns: Whether the stream is to be taken: not if the server stops.
  func accepted(_ channel: any Channel) -> Bool {
    let id = StreamID(channel)
    let (isTaken, surplus) = self.state.withLockedValue { state -> (Bool, Stream?) in
      guard state.phase == .running else { return (false, nil) }
      // O-12: the one that has been among them longest makes room.
      var surplus: Stream?
      if state.unopened.count >= self.endpoint.configuration.openingStreamsMax, let oldest = state.unopened.popFirst() {
        surplus = state.streams[oldest]
      }
      state.streams[id] = .accepted(channel)
      state.unopened.append(id)
      return (true, surplus)
    }
    surplus?.abort()
    // However it ends, also before it has a handler.
    if isTaken { channel.closeFuture.whenComplete { _ in self.streamClosed(id) } }
    return isTaken
  }

  /// Gives a stream that was accepted its handler; on the event loop of the channel.
  ///
  /// - Parameters:
  ///   - address: That of the server, for streams whose ends have none.
  /// - Throws: when there is no memory for the secrets of the connection, or the channel has closed.
  func take(_ channel: any Channel, address: Address) throws {
    do {
      try self.endpoint.prepare(channel)
      let handler = try self.makeHandler(channel, address: address)
      let bound = NIOLoopBoundBox(handler, eventLoop: channel.eventLoop)
      self.state.withLockedValue { $0.streams[StreamID(channel)]? = .opening(bound) }
      try channel.pipeline.syncOperations.addHandler(handler)
    } catch {
      self.endpoint.logger.info("a stream was dropped", metadata: [LogKeys.error: "\(error)"])
      throw error
    }
  }

  private func makeHandler(_ channel: any Channel, address: Address) throws -> ConnectionHandler {
    let loop = LoopContexts.context(for: channel.eventLoop)
    let localAddress =
      switch address.kind {
      // All of a socket's streams have its path; one text serves them.
      case .unix: address
      default: channel.localAddress?.asAddress ?? address
      }
    return ConnectionHandler(
      machine: ConnectionMachine(
        server: try self.machineSecurity(),
        configuration: self.endpoint.machineConfiguration,
        slab: loop.keySlab,
        now: loop.now
      ),
      endpoint: self.endpoint,
      owner: .server(self, StreamID(channel)),
      identity: ConnectionIdentity(
        id: .next(),
        peerAddress: channel.remoteAddress?.asAddress ?? address,
        localAddress: localAddress,
        peerCredentials: PeerCredentials.of(channel),
        command: nil
      ),
      loop: loop
    )
  }

  private func machineSecurity() throws -> BokbokCore.ServerSecurity {
    guard let decoyKey = self.decoyKey else { return .plain }
    return .sealed(
      decoyKey: try decoyKey.secret(),
      ephemeral: try SecretBytes.random(count: PresharedKey.byteCount)
    )
  }

  /// O-6: whether one more connection may open.
  var hasRoom: Bool {
    self.state.withLockedValue { $0.openCount < self.endpoint.configuration.connectionsMax }
  }

  /// A connection is open. False: the server stops.
  func streamOpened(_ id: StreamID, _ connection: Connection) -> Bool {
    self.state.withLockedValue { state in
      state.unopened.remove(id)
      state.streams[id]? = .open(connection)
      state.openCount += 1
      return state.phase == .running
    }
  }

  /// The end of a stream is decided; ending it may take a while (F-3), and counts among those that are not open.
  func streamEnding(_ id: StreamID) {
    self.state.withLockedValue { state in
      switch state.streams[id] {
      case .opening(let handler):
        state.streams[id] = .failing(handler)
      case .open(let connection):
        state.streams[id] = .ending(connection)
        state.openCount -= 1
        state.unopened.append(id)
      case .accepted, .ending, .failing, nil:
        break
      }
    }
  }

  private func streamClosed(_ id: StreamID) {
    self.change { state in
      state.unopened.remove(id)
      state.streams[id] = nil
      return state.whenStreamCloses.take()
    }
  }

  /// Calls once when a stream has gone: a descriptor is free.
  func whenStreamCloses(_ body: @escaping @Sendable () -> Void) {
    self.state.withLockedValue { $0.whenStreamCloses = body }
  }

  var connections: [Connection] {
    self.state.withLockedValue { state in state.streams.values.compactMap(\.connection) }
  }

  func closeHandlerIsDue() {
    self.state.withLockedValue { $0.dueCloseHandlers += 1 }
  }

  func closeHandlerEnded() {
    self.change { state in
      state.dueCloseHandlers -= 1
      return nil
    }
  }

  // MARK: Stopping

  /// Ends all streams: open ones as asked, others at once. No new ones are taken.
  func stop(_ how: Server.StopMode) {
    let streams = self.state.withLockedValue { state in
      if state.phase == .running { state.phase = .stopping }
      return Array(state.streams.values)
    }
    for stream in streams {
      switch stream {
      case .open(let connection): connection.stop(how)
      case .accepted, .opening: stream.abort()
      case .ending, .failing: if how == .immediate { stream.abort() }
      }
    }
  }

  func listenerClosed() {
    self.change { state in
      if state.phase == .running { state.phase = .stopping }
      state.isListening = false
      return nil
    }
  }

  func waitUntilStopped() async {
    await withUnsafeContinuation { continuation in
      let isFinished = self.state.withLockedValue { state in
        if !state.isFinished { state.stopWaiters.append(continuation) }
        return state.isFinished
      }
      if isFinished { continuation.resume() }
    }
  }

  /// Changes the state, tells those who wait if that was the last thing to happen, and calls what the change gives.
  private func change(_ body: (inout State) -> (@Sendable () -> Void)?) {
    let (call, waiters) = self.state.withLockedValue { state in
      let call = body(&state)
      guard state.isFinished else { return (call, [UnsafeContinuation<Void, Never>]()) }
      state.phase = .stopped
      defer { state.stopWaiters = [] }
      return (call, state.stopWaiters)
    }
    call?()
    for waiter in waiters { waiter.resume() }
  }
}
