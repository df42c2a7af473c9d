internal import Logging
internal import NIOCore
internal import Synchronization

/// What a server knows about its streams and connections, shared by its event loops.
final class ServerCore: Sendable {
  /// The number of a stream, in the order of accepting.
  typealias StreamID = UInt64

  let endpoint: Endpoint
  let security: ServerSecurity
  /// Stands in for the key of users that are not known (H-4); nil on a plain server.
  private let decoyKey: PresharedKey?

  private enum Phase {
    case running
    case stopping
    case stopped
  }

  private struct Stream {
    let loop: LoopContext
    let handler: NIOLoopBound<ConnectionHandler>
    var connection: Connection?
    var isEnding = false

    func abort() {
      let handler = self.handler
      self.loop.perform { handler.value.input { $0.abort(now: .now()) } }
    }
  }

  private struct State {
    var phase = Phase.running
    var streams: [StreamID: Stream] = [:]
    var lastID: StreamID = 0
    var openCount = 0
    var unopened = StreamQueue()
    var isListening = true
    var runningCloseHandlers = 0
    var stopWaiters: [UnsafeContinuation<Void, Never>] = []
    var whenStreamCloses: (@Sendable () -> Void)?

    var isFinished: Bool {
      self.phase != .running && !self.isListening && self.streams.isEmpty && self.runningCloseHandlers == 0
    }
  }

  private let state = Mutex(State())

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

  /// Takes a new stream: a channel that is connected, on its event loop.
  ///
  /// - Parameters:
  ///   - address: That of the server, for streams whose ends have none.
  /// - Throws: when there is no memory for the secrets of the connection, or the server stops.
  func take(_ channel: any Channel, address: Address) throws {
    try self.endpoint.prepare(channel)
    let loop = LoopContexts.context(for: channel.eventLoop)
    let machine = ConnectionMachine(
      server: try self.machineSecurity(),
      configuration: self.endpoint.machineConfiguration,
      slab: loop.keySlab,
      now: .now()
    )
    let id = self.state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    let handler = ConnectionHandler(
      machine: machine,
      endpoint: self.endpoint,
      owner: .server(self, id),
      identity: ConnectionIdentity(
        id: .next(),
        peerAddress: channel.remoteAddress?.asAddress ?? address,
        localAddress: channel.localAddress?.asAddress ?? address,
        peerCredentials: PeerCredentials.of(channel)
      ),
      loop: loop
    )
    let stream = Stream(loop: loop, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
    let (isTaken, surplus) = self.state.withLock { state -> (Bool, Stream?) in
      guard state.phase == .running else { return (false, nil) }
      // O-12: the one that has been among them longest makes room.
      var surplus: Stream?
      if state.unopened.count >= self.endpoint.configuration.openingStreamsMax, let oldest = state.unopened.popFirst() {
        surplus = state.streams[oldest]
      }
      state.streams[id] = stream
      state.unopened.append(id)
      return (true, surplus)
    }
    guard isTaken else { throw ChannelError.ioOnClosedChannel }
    surplus?.abort()
    do {
      try channel.pipeline.syncOperations.addHandler(handler)
    } catch {
      self.streamClosed(id)
      throw error
    }
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
    self.state.withLock { $0.openCount < self.endpoint.configuration.connectionsMax }
  }

  /// A connection is open. False: the server stops.
  func streamOpened(_ id: StreamID, _ connection: Connection) -> Bool {
    self.state.withLock { state in
      state.unopened.remove(id)
      state.streams[id]?.connection = connection
      state.openCount += 1
      return state.phase == .running
    }
  }

  /// The end of a stream is decided; ending it may take a while (F-3), and counts among those that are not open.
  func streamEnding(_ id: StreamID) {
    self.state.withLock { state in
      state.streams[id]?.isEnding = true
      guard state.streams[id]?.connection != nil else { return }
      state.streams[id]?.connection = nil
      state.openCount -= 1
      state.unopened.append(id)
    }
  }

  func streamClosed(_ id: StreamID) {
    self.change { state in
      state.unopened.remove(id)
      state.streams[id] = nil
      return state.whenStreamCloses.take()
    }
  }

  /// Calls once when a stream has gone: a descriptor is free.
  func whenStreamCloses(_ body: @escaping @Sendable () -> Void) {
    self.state.withLock { $0.whenStreamCloses = body }
  }

  var connections: [Connection] {
    self.state.withLock { state in state.streams.values.compactMap(\.connection) }
  }

  func closeHandlerBegan() {
    self.state.withLock { $0.runningCloseHandlers += 1 }
  }

  func closeHandlerEnded() {
    self.change { state in
      state.runningCloseHandlers -= 1
      return nil
    }
  }

  // MARK: Stopping

  /// Ends all streams: open ones as asked, others at once. No new ones are taken.
  func stop(_ how: Server.StopMode) {
    let streams = self.state.withLock { state in
      if state.phase == .running { state.phase = .stopping }
      return Array(state.streams.values)
    }
    for stream in streams {
      if let connection = stream.connection {
        connection.stop(how)
      } else if how == .immediate || !stream.isEnding {
        stream.abort()
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
      let isFinished = self.state.withLock { state in
        if !state.isFinished { state.stopWaiters.append(continuation) }
        return state.isFinished
      }
      if isFinished { continuation.resume() }
    }
  }

  /// Changes the state, tells those who wait if that was the last thing to happen, and calls what the change gives.
  private func change(_ body: (inout State) -> (@Sendable () -> Void)?) {
    let (call, waiters) = self.state.withLock { state in
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
