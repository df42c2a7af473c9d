import NIOCore

/// A connection whose handshake is under way: the opening of either side, and the bytes that have come and wait to go.
struct OpeningConnection: ~Copyable {
  private var opening: Opening
  private let sharedConfiguration: SharedConfiguration
  private let slab: KeySlab
  private var input = ByteBuffer()
  private var output = ByteBuffer()
  private var inputHasEnded = false
  /// Whether SETTINGS stands in the output: a plain client does not wait with it (O-8).
  private var hasSentSettings = false
  /// When the connection has to be open (O-10).
  private let openDeadline: NIODeadline
  /// Until when is read on after a failed write (F-4).
  private var writeFailedDeadline: NIODeadline?
  private(set) var now: NIODeadline

  init(
    client security: consuming ClientSecurity,
    configuration: SharedConfiguration,
    slab: KeySlab,
    now: NIODeadline
  ) throws(HandshakeError) {
    let isPlain = security.isPlain
    opening = .client(try ClientOpening(security, output: &output))
    sharedConfiguration = configuration
    self.slab = slab
    self.now = now
    openDeadline = now + configuration.value.handshakeTimeout
    if isPlain {
      var record = ByteBuffer()
      Frame(.settings, body: configuration.value.settingsBody).write(into: &record)
      Record.write(record, into: &output)
      hasSentSettings = true
    }
  }

  init(
    server security: consuming ServerSecurity,
    configuration: SharedConfiguration,
    slab: KeySlab,
    now: NIODeadline
  ) {
    opening = .server(ServerOpening(security))
    sharedConfiguration = configuration
    self.slab = slab
    self.now = now
    openDeadline = now + configuration.value.handshakeTimeout
  }

  private var configuration: MachineConfiguration { sharedConfiguration.value }

  /// O-10: nothing more is read while the application is asked.
  var wantsReading: Bool { !opening.waitsForApplication }

  mutating func receive(_ bytes: ByteBuffer, now: NIODeadline) {
    self.now = now
    if input.readableBytes == 0 {
      input = bytes
    } else {
      input.writeImmutableBuffer(bytes)
    }
  }

  mutating func receiveEnd(now: NIODeadline) {
    self.now = now
    inputHasEnded = true
  }

  /// F-4: a refusal may be waiting to be read.
  mutating func writeFailed(now: NIODeadline) {
    self.now = now
    if writeFailedDeadline == nil { writeFailedDeadline = now + configuration.endTimeout }
  }

  var deadline: NIODeadline {
    writeFailedDeadline.map { min($0, openDeadline) } ?? openDeadline
  }

  /// How the connection ends now; nil where it goes on.
  func timePassed(now: NIODeadline) -> ConnectionEnding? {
    if now >= openDeadline { return .timedOut }  // O-10: without a word
    if let deadline = writeFailedDeadline, now >= deadline { return .lost(.writeFailed) }
    return nil
  }

  mutating func takeOutput() -> ByteBuffer? {
    guard output.readableBytes > 0, writeFailedDeadline == nil else { return nil }
    defer { output = ByteBuffer() }
    return output
  }

  mutating func next() -> OpeningStep {
    let step = opening.next(input: &input, slab: slab)
    if inputHasEnded, step.isIdle { return .fail(.lost(.endOfInput)) }  // O-9
    return step
  }

  mutating func admit(busy: Bool) -> OpeningStep {
    opening.admit(busy: busy, output: &output)
  }

  mutating func keysFound(_ keys: [PresharedKey]) -> OpeningStep {
    opening.keysFound(keys, output: &output, slab: slab)
  }

  /// The handshake is over: this side's SETTINGS goes out (O-7, O-8, H-10).
  consuming func established(
    _ protection: consuming RecordProtection,
    userName: ByteBuffer?
  ) -> EstablishedConnection {
    var connection = EstablishedConnection(
      protection: protection,
      userName: userName,
      prefix: output,
      rest: input,
      configuration: sharedConfiguration,
      openDeadline: openDeadline,
      writeFailedDeadline: writeFailedDeadline,
      now: now
    )
    if !hasSentSettings { connection.sendSettings() }
    if inputHasEnded { connection.receiveEnd(now: now) }
    return connection
  }

  /// The refusal is the last word (O-6, F-3).
  consuming func refused(_ code: RefusalCode, reason: String) -> EndedConnection {
    EndedConnection(
      .refusedPeer(code: code.rawValue, reason: reason),
      stream: EndingStream(
        output: code.bytes,
        timeout: configuration.endTimeout,
        inputHasEnded: inputHasEnded
      ),
      now: now
    )
  }
}

extension ClientSecurity {
  fileprivate var isPlain: Bool {
    switch self {
    case .plain: true
    case .sealed: false
    }
  }
}
