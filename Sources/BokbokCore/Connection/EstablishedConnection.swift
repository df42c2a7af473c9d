import DequeModule
import NIOCore

/// A connection past its handshake: frames, exchanges, closing. No client and no server any more: requester and
/// responder, ours and the peer's.
struct EstablishedConnection: ~Copyable {
  private let sharedConfiguration: SharedConfiguration
  /// Until the connection is open.
  private var userName: ByteBuffer?
  /// What the opening left to be sent.
  private var prefix: ByteBuffer
  var protection: RecordProtection
  var input: InputRecords
  var output: OutputQueue
  var own = OwnExchanges()
  var peer = PeerExchanges()
  var closing = Closing()
  var keepalive: Keepalive?
  /// Nil until the peer's SETTINGS has come: then the connection is open (S-1).
  var peerSettings: Settings?
  /// When the connection has to be open (O-10).
  let openDeadline: NIODeadline
  /// Whether the open handler has let the connection in (C-9).
  var isLetIn = false
  /// Sum of the fragments held of unfinished messages, in bytes.
  var partialByteCount = 0
  /// Until when is read on after a failed write (F-4).
  var writeFailedDeadline: NIODeadline?
  /// Whether answers could not be written (F-4), so that no end is clean any more.
  var answersAreLost = false
  /// Whether answers still go out once nothing else is left to do (C-4).
  var progress = OutputProgress()
  var pings: Set<PingToken> = []
  var now: NIODeadline
  /// What several consequences of one event leave to be done.
  var actions: Deque<ConnectionAction> = []
  var counters = ConnectionCounters()
  /// The end of input has come; what came before it is taken first.
  var inputHasEnded = false

  /// PINGs of the application have this bit clear, those of keepalive are this.
  static let keepalivePing: PingToken = .max

  init(
    protection: consuming RecordProtection,
    userName: ByteBuffer?,
    prefix: ByteBuffer,
    rest: ByteBuffer,
    configuration: SharedConfiguration,
    openDeadline: NIODeadline,
    writeFailedDeadline: NIODeadline?,
    now: NIODeadline
  ) {
    sharedConfiguration = configuration
    self.userName = userName
    self.prefix = prefix
    self.openDeadline = openDeadline
    self.writeFailedDeadline = writeFailedDeadline
    self.now = now
    output = OutputQueue(isSealed: protection.isSealed)
    input = InputRecords(rest, protection: &protection)
    self.protection = protection
  }

  var configuration: MachineConfiguration { sharedConfiguration.value }

  var isOpen: Bool { peerSettings != nil }

  private var tagByteCount: Int { protection.isSealed ? CipherState.tagByteCount : 0 }

  /// S-1: the first frame of this side.
  mutating func sendSettings() {
    output.append(.settings, body: configuration.settingsBody)
  }

  // MARK: The stream

  mutating func receive(_ bytes: consuming ByteBuffer, now: NIODeadline) {
    self.now = now
    let before = input.recordCount
    input.receive(bytes, protection: &protection)
    if input.recordCount != before {
      keepalive?.recordCame(now: now)
      counters.recordsIn += input.recordCount - before
    }
  }

  mutating func receiveEnd(now: NIODeadline) {
    self.now = now
    inputHasEnded = true
  }

  /// P-4: nothing more is read or taken while the protocol layer's own answers pile up.
  var wantsInput: Bool {
    output.protocolByteCount <= configuration.protocolOutputBytesMax
  }

  var deadline: NIODeadline? {
    var earliest = isOpen ? nil : openDeadline
    for case let deadline? in [keepalive?.deadline, closing.drainDeadline, writeFailedDeadline, lastWordDeadline] {
      earliest = earliest.map { min($0, deadline) } ?? deadline
    }
    return earliest
  }

  /// What ends the connection.
  enum End: Equatable {
    /// CLOSE stands in the output, or nothing more is to be said: the stream is ended as F-3 says.
    case afterLastWord(ConnectionEnding)
    /// The stream is closed at once, and nothing more is sent.
    case atOnce(ConnectionEnding)
  }

  mutating func timePassed(now: NIODeadline) -> End? {
    self.now = now
    if !isOpen, now >= openDeadline { return .atOnce(.timedOut) }  // O-10
    if let deadline = writeFailedDeadline, now >= deadline { return .atOnce(.lost(.writeFailed)) }
    if let deadline = closing.drainDeadline, now >= deadline { return .atOnce(.lost(.drainTimeout)) }
    if isDone, progress.isStuck(now: now, timeout: configuration.endTimeout) { return .atOnce(.lost(.writeFailed)) }
    switch keepalive?.timePassed(now: now) {
    case .lost: return .atOnce(.lost(.keepalive))
    case .ping: sendPing(Self.keepalivePing)
    case .nothing, nil: break
    }
    return nil
  }

  /// F-4: nothing more goes out, and reading goes on.
  mutating func writeFailed(now: NIODeadline) {
    if writeFailedDeadline == nil { writeFailedDeadline = now + configuration.endTimeout }
  }

  mutating func takeOutput(byteCountMax: Int) throws(CipherError) -> ByteBuffer? {
    guard writeFailedDeadline == nil else {
      if output.hasAnswersWaiting { answersAreLost = true }
      output.removeAll()
      return nil
    }
    if prefix.readableBytes > 0 {
      defer { prefix = ByteBuffer() }
      return prefix
    }
    var requests: [ExchangeID] = []
    var responses: [ExchangeID] = []
    let bytes = try output.take(byteCountMax: byteCountMax, protection: &protection) { finished in
      if finished.kind == .request { requests.append(finished.exchange) } else { responses.append(finished.exchange) }
    }
    for id in requests { own.becameSent(id) }
    for id in responses { peer.remove(id) }
    if !requests.isEmpty { sendCloseWhenDue() }
    if let bytes {
      counters.bytesOut += UInt64(bytes.readableBytes)
      progress.tookOutput()
    }
    return bytes
  }

  /// All that stands in the order of sending, for the end of the stream (F-3).
  mutating func takeAllOutput() throws(CipherError) -> ByteBuffer {
    var all = ByteBuffer()
    while let bytes = try takeOutput(byteCountMax: .max) { all.writeImmutableBuffer(bytes) }
    return all
  }

  /// The connection after its end, with the last word in its output where there is one.
  consuming func ended(_ end: End) -> EndedConnection {
    switch end {
    case .atOnce(let ending):
      return EndedConnection(ending, counters: counters, now: now)
    case .afterLastWord(let ending):
      guard writeFailedDeadline == nil, let output = try? takeAllOutput() else {
        return EndedConnection(ending, counters: counters, now: now)
      }
      let stream = EndingStream(
        output: output.readableBytes > 0 ? output : nil,
        timeout: configuration.endTimeout,
        inputHasEnded: inputHasEnded
      )
      return EndedConnection(ending, stream: stream, counters: counters, now: now)
    }
  }

  // MARK: What comes next

  enum Step {
    case action(ConnectionAction)
    case end(End)
    /// Nothing to do until something new comes.
    case idle
  }

  mutating func next() -> Step {
    while true {
      if let action = actions.popFirst() { return .action(action) }
      if let (id, value) = nextForHandler() { return .action(.handle(id, value)) }
      if isCleanEnd { return .end(.afterLastWord(ending)) }
      guard wantsInput || inputHasEnded else { return .idle }
      do throws(InputRecords.Failure) {
        guard let frame = try input.nextFrame(tagByteCount: tagByteCount) else {
          return inputHasEnded ? .end(.atOnce(.lost(writeFailedDeadline == nil ? .endOfInput : .writeFailed))) : .idle
        }
        counters.framesIn += 1
        if let step = take(frame) { return step }
      } catch {
        switch error {
        case .violation(let violation): return .end(violationFound(violation))
        case .tampered: return .end(.atOnce(.tampered))
        case .counterExhausted: return .end(.atOnce(.lost(.counterExhausted)))
        }
      }
    }
  }

  /// Takes one frame; nil when the next one may follow at once.
  private mutating func take(_ frame: Frame) -> Step? {
    do throws(Violation) {
      guard isOpen else { return .action(try open(frame)) }
      switch frame.kind {
      case .settings: throw Violation("S-1", "a second SETTINGS")
      case .request: return try takeRequest(frame).map { .action($0) }
      case .response: return try takeResponse(frame).map { .action($0) }
      case .error: return try takeError(frame).map { .action($0) }
      case .cancel: return takeCancel(frame.exchange).map { .action($0) }
      case .ping:
        output.append(.pong, body: frame.body, as: .protocolAnswer)  // P-1
        return nil
      case .pong: return takePong(frame).map { .action($0) }
      case .close: return try takeClose(frame)
      }
    } catch {
      return .end(violationFound(error))
    }
  }

  /// S-1: the first frame is SETTINGS, and with it the connection is open.
  private mutating func open(_ frame: Frame) throws(Violation) -> ConnectionAction {
    guard frame.kind == .settings else {
      throw Violation("S-1", "the first frame is \(frame.kind.name), not SETTINGS")
    }
    // The same bytes as this side's own, as where both have the defaults, mean the same.
    let isLikeOwn = frame.body == configuration.settingsBody
    let settings = isLikeOwn ? configuration.settings : try Settings(decoding: frame.body)
    peerSettings = settings
    output.partialBytesMax = Int(settings.partialBytesMax)
    keepalive = Keepalive(configuration, now: now)
    return .opened(userName: userName.take())
  }

  /// F-2: the last word is CLOSE `protocol-error`.
  mutating func violationFound(_ violation: Violation) -> End {
    output.dropFragments()
    let word = CodedMessage(
      code: Closing.protocolErrorCode,
      message: "\(violation.requirement): \(violation.message)"
    )
    output.append(.close, body: word.encoded(byteCountMax: output.bodyByteCountMax))
    return .afterLastWord(
      .violation(side: .local, requirement: violation.requirement, message: violation.message)
    )
  }

  // MARK: PING

  mutating func ping(_ token: PingToken) -> Bool {
    guard isOpen, token != Self.keepalivePing else { return false }
    pings.insert(token)
    sendPing(token)
    return true
  }

  private mutating func sendPing(_ token: PingToken) {
    var body = ByteBuffer()
    body.writeInteger(token)
    output.append(.ping, body: body)
  }

  private mutating func takePong(_ frame: Frame) -> ConnectionAction? {
    guard let token = frame.body.getInteger(at: frame.body.readerIndex, as: PingToken.self),
      pings.remove(token) != nil
    else {
      return nil  // P-2
    }
    return .ponged(token)
  }
}

/// What has gone over a connection since its handshake.
package struct ConnectionCounters: Equatable, Sendable {
  /// Frames received.
  package var framesIn: UInt64 = 0
  /// Records received whole.
  package var recordsIn: UInt64 = 0
  /// Bytes given out to be written.
  package var bytesOut: UInt64 = 0
}
