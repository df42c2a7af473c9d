package import NIOCore

/// How a client opens a connection (sections 2 and 3).
package enum ClientSecurity: ~Copyable {
  case plain
  /// The session key and the ephemeral are new for each connection (H-7).
  case sealed(userName: ByteBuffer, userKey: SecretBytes, sessionKey: SecretBytes, ephemeral: SecretBytes)
}

/// The client's side of the opening: it speaks first, then reads the server's preamble and message 2, or a refusal.
struct ClientOpening: ~Copyable {
  private enum State: ~Copyable {
    case preamble(Expected)
    case refusal
    case message2(userName: ByteBuffer, ClientHandshake)
    case over
  }

  private enum Expected: ~Copyable {
    case plain
    case sealed(userName: ByteBuffer, ClientHandshake)

    var mode: Preamble.Mode {
      switch self {
      case .plain: .plain
      case .sealed: .sealed
      }
    }
  }

  private var state: State

  private init(state: consuming State) {
    self.state = state
  }

  /// Writes what the client sends at once, apart from a plain client's SETTINGS (O-1, O-8, H-2).
  ///
  /// - Throws: `HandshakeError.memory` when there is no locked memory for the secrets.
  init(_ security: consuming ClientSecurity, output: inout ByteBuffer) throws(HandshakeError) {
    switch consume security {
    case .plain:
      output.writeBytes(Preamble(mode: .plain).bytes)
      state = .preamble(.plain)
    case .sealed(let userName, let userKey, let sessionKey, let ephemeral):
      let preamble = Preamble(mode: .sealed).bytes
      var handshake = try ClientHandshake(
        preamble: preamble,
        userName: userName,
        userKey: userKey,
        sessionKey: sessionKey,
        ephemeral: ephemeral
      )
      var message1 = ByteBuffer()
      try handshake.writeMessage1(into: &message1)
      output.writeBytes(preamble)
      Record.write(userName, into: &output)
      Record.write(message1, into: &output)
      state = .preamble(.sealed(userName: userName, handshake))
    }
  }

  mutating func next(input: inout ByteBuffer, slab: KeySlab) -> OpeningStep {
    switch consume state {
    case .preamble(let expected):
      self = .init(state: .over)
      return readPreamble(expected, input: &input, slab: slab)

    case .refusal:
      // O-6, O-9: anything but `(code message)` is not this protocol. Not authenticated, and reported as such (O-11).
      switch OpeningRecord.read(from: &input, lengths: 1...Record.contentByteCountMax) {
      case .incomplete:
        self = .init(state: .refusal)
        return .idle
      case .wrongLength:
        self = .init(state: .over)
        return .fail(.notBokbok)
      case .content(let content):
        self = .init(state: .over)
        guard let refusal = CodedMessage(decoding: content, allowsDetails: false) else {
          return .fail(.notBokbok)
        }
        return .fail(.refused(code: refusal.code, message: refusal.message))
      }

    case .message2(let userName, let handshake):
      let length = SealedHandshake.message2ByteCount
      switch OpeningRecord.read(from: &input, lengths: length...length) {
      case .incomplete:
        self = .init(state: .message2(userName: userName, handshake))
        return .idle
      case .wrongLength:
        self = .init(state: .over)
        return .fail(.authenticationFailed)  // H-11
      case .content(let message2):
        self = .init(state: .over)
        do throws(HandshakeError) {
          let ciphers = try handshake.readMessage2(message2, slab: slab)
          return .established(.sealed(ciphers), userName: userName)
        } catch {
          if case .memory = error { return .fail(.lost(.outOfMemory)) }
          return .fail(.authenticationFailed)  // H-6, H-11
        }
      }

    case .over:
      self = .init(state: .over)
      return .idle
    }
  }

  private mutating func readPreamble(
    _ expected: consuming Expected,
    input: inout ByteBuffer,
    slab: KeySlab
  ) -> OpeningStep {
    switch Preamble.read(input) {
    case .incomplete:
      self = .init(state: .preamble(expected))
      return .idle
    case .foreign:
      self = .init(state: .over)
      return .fail(.notBokbok)
    case .preamble(let preamble):
      input.moveReaderIndex(forwardBy: Preamble.byteCount)
      // O-4: a refusal carries the highest version that the server speaks.
      if preamble.mode == .refused {
        self = .init(state: .refusal)
        return next(input: &input, slab: slab)
      }
      // O-9: a client that asked for sealed does not go on in plain.
      guard preamble == Preamble(mode: expected.mode) else {
        self = .init(state: .over)
        return .fail(.notBokbok)
      }
      switch consume expected {
      case .plain:
        self = .init(state: .over)
        return .established(.plain, userName: nil)
      case .sealed(let userName, let handshake):
        self = .init(state: .message2(userName: userName, handshake))
        return next(input: &input, slab: slab)
      }
    }
  }
}
