import NIOCore

/// How a server takes a new connection (sections 2 and 3).
package enum ServerSecurity: ~Copyable {
  case plain
  /// The decoy stands in for the key of a user that is not known (H-4), the ephemeral is new for each connection (H-7).
  case sealed(decoyKey: SecretBytes, ephemeral: SecretBytes)
}

/// The server's side of the opening: preamble, admission, user name, message 1, key, message 2.
///
/// Checks come in the order magic, version, mode, busy, authentication (O-6).
struct ServerOpening: ~Copyable {
  private enum State: ~Copyable {
    case preamble(ServerSecurity)
    case admission(ServerSecurity)
    case userName(decoyKey: SecretBytes, ephemeral: SecretBytes)
    case message1(userName: ByteBuffer, decoyKey: SecretBytes, ephemeral: SecretBytes)
    case keyLookUp(userName: ByteBuffer, message1: ByteBuffer, decoyKey: SecretBytes, ephemeral: SecretBytes)
    case over
  }

  private var state: State

  init(_ security: consuming ServerSecurity) {
    state = .preamble(security)
  }

  private init(state: consuming State) {
    self.state = state
  }

  /// A user name is 1 to 255 bytes (H-2).
  private static let userNameLengths = 1...255
  private static let message1ByteCount = SealedHandshake.message1ByteCount

  /// Whether the application has to answer before anything more is read.
  var waitsForApplication: Bool {
    switch state {
    case .admission: true
    case .keyLookUp: true
    case .preamble: false
    case .userName: false
    case .message1: false
    case .over: false
    }
  }

  mutating func next(input: inout ByteBuffer) -> OpeningStep {
    switch consume state {
    case .preamble(let security):
      self = .init(state: .over)
      return readPreamble(security, input: &input)
    case .admission(let security):
      self = .init(state: .admission(security))
      return .idle
    case .userName(let decoyKey, let ephemeral):
      switch OpeningRecord.read(from: &input, lengths: Self.userNameLengths) {
      case .incomplete:
        self = .init(state: .userName(decoyKey: decoyKey, ephemeral: ephemeral))
        return .idle
      case .wrongLength(let length):
        self = .init(state: .over)
        return .refuse(code: .authenticationFailed, reason: "the user name has \(length) bytes")  // H-5
      case .content(let name):
        // H-12: never repaired.
        guard String(validating: name.readableBytesView, as: UTF8.self) != nil else {
          self = .init(state: .over)
          return .refuse(code: .authenticationFailed, reason: "the user name is not UTF-8")  // H-5
        }
        // A copy of its own size: the slice would keep the read it came in (O-10).
        let userName = ByteBuffer(bytes: name.readableBytesView)
        self = .init(state: .message1(userName: userName, decoyKey: decoyKey, ephemeral: ephemeral))
        return next(input: &input)
      }
    case .message1(let userName, let decoyKey, let ephemeral):
      switch OpeningRecord.read(from: &input, lengths: Self.message1ByteCount...Self.message1ByteCount) {
      case .incomplete:
        self = .init(state: .message1(userName: userName, decoyKey: decoyKey, ephemeral: ephemeral))
        return .idle
      case .wrongLength(let length):
        self = .init(state: .over)
        return .refuse(code: .authenticationFailed, reason: "message 1 has \(length) bytes, not 80")  // H-5
      case .content(let message1):
        // H-4: only now is the key looked up.
        self = .init(
          state: .keyLookUp(
            userName: userName,
            message1: ByteBuffer(bytes: message1.readableBytesView),
            decoyKey: decoyKey,
            ephemeral: ephemeral
          )
        )
        return .action(.lookUpKey(userName: userName))
      }
    case .keyLookUp(let userName, let message1, let decoyKey, let ephemeral):
      self = .init(
        state: .keyLookUp(userName: userName, message1: message1, decoyKey: decoyKey, ephemeral: ephemeral)
      )
      return .idle
    case .over:
      self = .init(state: .over)
      return .idle
    }
  }

  private mutating func readPreamble(
    _ security: consuming ServerSecurity,
    input: inout ByteBuffer
  ) -> OpeningStep {
    switch Preamble.read(input) {
    case .incomplete:
      self = .init(state: .preamble(security))
      return .idle
    case .foreign:
      self = .init(state: .over)
      return .fail(.notBokbok)  // O-3
    case .preamble(let preamble):
      input.moveReaderIndex(forwardBy: Preamble.byteCount)
      guard preamble.version == Preamble.currentVersion else {  // O-4: whatever the mode byte says
        self = .init(state: .over)
        return .refuse(code: .unsupportedVersion, reason: "the client speaks version \(preamble.version)")
      }
      guard preamble.mode == security.mode else {  // O-5
        self = .init(state: .over)
        return .refuse(code: .modeMismatch, reason: "the client asked for mode \(preamble.mode.rawValue)")
      }
      self = .init(state: .admission(security))
      return .action(.checkAdmission)
    }
  }

  /// Whether there is room for one more connection (O-6).
  /// The server's preamble is appended to `output` where that opens a plain connection (O-7).
  mutating func admit(busy: Bool, output: inout ByteBuffer) -> OpeningStep {
    switch consume state {
    case .admission(let security):
      guard !busy else {
        self = .init(state: .over)
        return .refuse(code: .busy, reason: "as many connections are open as the server holds")
      }
      switch consume security {
      case .plain:
        self = .init(state: .over)
        output.writeBytes(Preamble(mode: .plain).bytes)
        return .established(.plain, userName: nil)
      case .sealed(let decoyKey, let ephemeral):
        self = .init(state: .userName(decoyKey: decoyKey, ephemeral: ephemeral))
        return .idle
      }
    case let other:
      self = .init(state: other)
      return .idle
    }
  }

  /// The keys of the user, tried in their order; none: the user is not known, and the decoy takes their place (H-4).
  /// The server's preamble and message 2 are appended to `output`.
  mutating func keysFound(_ keys: [PresharedKey], output: inout ByteBuffer, slab: KeySlab) -> OpeningStep {
    switch consume state {
    case .keyLookUp(let userName, let message1, let decoyKey, let ephemeral):
      self = .init(state: .over)
      var message2 = ByteBuffer()
      do throws(HandshakeError) {
        // H-1: the preamble that the client sent; it is this one, or the opening would not have come so far.
        let handshake = try ServerHandshake(
          preamble: Preamble(mode: .sealed).bytes,
          userName: userName,
          ephemeral: ephemeral
        )
        let ciphers = try handshake.answer(
          message1: message1,
          candidates: keys,
          decoyKey: decoyKey,
          message2Into: &message2,
          slab: slab
        )
        output.writeBytes(Preamble(mode: .sealed).bytes)
        Record.write(message2, into: &output)
        return .established(.sealed(ciphers), userName: userName)
      } catch {
        let reason: String =
          switch error {
          case .notAuthentic: keys.isEmpty ? "unknown user" : "message 1 does not authenticate: wrong key"
          case .memory: "no locked memory for the keys of the connection"
          default: "the handshake failed: \(error)"
          }
        return .refuse(code: .authenticationFailed, reason: reason)
      }
    case let other:
      self = .init(state: other)
      return .idle
    }
  }
}

extension ServerSecurity {
  fileprivate var mode: Preamble.Mode {
    switch self {
    case .plain: .plain
    case .sealed: .sealed
    }
  }
}
