internal import BokbokCore
internal import NIOCore

/// The kit's side of a sealed handshake (specification, section 3), with the departures that cases ask for.
///
/// By the book it uses the library's handshake. A weak public key, which no secret gives, is mixed in by hand.
final class KitHandshake {
  private let slab = KeySlab()
  private let secrets: KitSecrets
  private var client: ClientHandshake?

  init(secrets: KitSecrets) {
    self.secrets = secrets
  }

  /// Message 1 of a client.
  func message1(preamble: [UInt8], user: [UInt8], key: [UInt8], weakPublicKey: [UInt8]?) throws -> [UInt8] {
    if let weakPublicKey {
      return try Self.weakMessage1(prologue: preamble + user, key: key, publicKey: weakPublicKey)
    }
    var handshake = try ClientHandshake(
      preamble: preamble,
      userName: ByteBuffer(bytes: user),
      userKey: SecretBytes(copying: key),
      sessionKey: SecretBytes(copying: secrets.sessionKey),
      ephemeral: SecretBytes(copying: secrets.ephemeral)
    )
    var buffer = ByteBuffer()
    try handshake.writeMessage1(into: &buffer)
    client = consume handshake
    return Array(buffer.readableBytesView)
  }

  /// The ciphers of a client that has received message 2; nil if it does not authenticate.
  func ciphers(message2: [UInt8]) -> KitCiphers? {
    guard let handshake = client.take() else { return nil }
    guard let ciphers = try? handshake.readMessage2(ByteBuffer(bytes: message2), slab: slab) else { return nil }
    return KitCiphers(ciphers)
  }

  /// Message 2 of a server, with the ciphers; nil if message 1 does not authenticate. With a weak public key there are
  /// no ciphers: nobody goes on from there.
  func answer(
    message1: [UInt8],
    preamble: [UInt8],
    user: [UInt8],
    key: [UInt8],
    weakPublicKey: [UInt8]?
  ) throws -> (message2: [UInt8], ciphers: KitCiphers?)? {
    if let weakPublicKey {
      let message = try Self.weakMessage2(
        message1: message1,
        prologue: preamble + user,
        key: key,
        publicKey: weakPublicKey
      )
      return message.map { ($0, nil) }
    }
    let handshake = try ServerHandshake(
      preamble: preamble,
      userName: ByteBuffer(bytes: user),
      ephemeral: SecretBytes(copying: secrets.ephemeral)
    )
    var buffer = ByteBuffer()
    do {
      let ciphers = try handshake.answer(
        message1: ByteBuffer(bytes: message1),
        userKey: SecretBytes(copying: key),
        message2Into: &buffer,
        slab: slab
      )
      return (Array(buffer.readableBytesView), KitCiphers(ciphers))
    } catch HandshakeError.notAuthentic {
      return nil
    }
  }

  // MARK: By hand

  private static func weakMessage1(prologue: [UInt8], key: [UInt8], publicKey: [UInt8]) throws -> [UInt8] {
    var state = try SymmetricState(protocolName: NoisePattern.bokbok.name, prologue: prologue)
    mix(key: key, publicKey: publicKey, into: &state)
    return publicKey + encrypt([UInt8](repeating: 0x5A, count: 32), &state)
  }

  private static func weakMessage2(
    message1: [UInt8],
    prologue: [UInt8],
    key: [UInt8],
    publicKey: [UInt8]
  ) throws -> [UInt8]? {
    guard message1.count == SealedHandshake.message1ByteCount else { return nil }
    var state = try SymmetricState(protocolName: NoisePattern.bokbok.name, prologue: prologue)
    mix(key: key, publicKey: Array(message1[..<32]), into: &state)
    guard let sessionKey = sessionKey(in: message1, &state) else { return nil }
    publicKey.withUnsafeBytes {
      state.mixHash($0)
      state.mixKey($0)
    }
    // What a Diffie-Hellman with such a key gives, whatever the secret is.
    [UInt8](repeating: 0, count: 32).withUnsafeBytes { state.mixKey($0) }
    sessionKey.withUnsafeBytes { state.mixKeyAndHash($0) }
    return publicKey + encrypt([], &state)
  }

  /// The session key that a client has chosen; nil if its message 1 does not authenticate with the user's key.
  ///
  /// - Parameter prologue: the client's preamble and the user name (H-1).
  static func sessionKey(message1: [UInt8], prologue: [UInt8], key: [UInt8]) -> [UInt8]? {
    guard message1.count == SealedHandshake.message1ByteCount,
      var state = try? SymmetricState(protocolName: NoisePattern.bokbok.name, prologue: prologue)
    else { return nil }
    mix(key: key, publicKey: Array(message1[..<32]), into: &state)
    return sessionKey(in: message1, &state)
  }

  private static func sessionKey(in message1: [UInt8], _ state: inout SymmetricState) -> [UInt8]? {
    var sessionKey = [UInt8](repeating: 0, count: 32)
    let isAuthentic = message1[32...].withUnsafeBytes { ciphertext in
      sessionKey.withUnsafeMutableBytes { output in
        output.baseAddress.map { state.decryptAndHash(ciphertext, into: $0) } ?? false
      }
    }
    return isAuthentic ? sessionKey : nil
  }

  private static func mix(key: [UInt8], publicKey: [UInt8], into state: inout SymmetricState) {
    key.withUnsafeBytes { state.mixKeyAndHash($0) }
    publicKey.withUnsafeBytes {
      state.mixHash($0)
      state.mixKey($0)
    }
  }

  private static func encrypt(_ payload: [UInt8], _ state: inout SymmetricState) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: payload.count + 16)
    payload.withUnsafeBytes { payload in
      output.withUnsafeMutableBytes { output in
        if let base = output.baseAddress { state.encryptAndHash(payload, into: base) }
      }
    }
    return output
  }
}

/// The ciphers of an open sealed connection, over arrays of bytes.
final class KitCiphers {
  private var ciphers: TrafficCiphers

  init(_ ciphers: consuming TrafficCiphers) {
    self.ciphers = ciphers
  }

  /// The content of a sealed record with these frames.
  func seal(_ frames: [UInt8]) throws -> [UInt8] {
    var buffer = ByteBuffer(bytes: frames)
    try ciphers.sealing.seal(&buffer, at: buffer.readerIndex, count: frames.count)
    return Array(buffer.readableBytesView)
  }

  /// The frames of a sealed record; nil if it does not authenticate.
  func open(_ content: [UInt8]) -> [UInt8]? {
    var buffer = ByteBuffer(bytes: content)
    do {
      try ciphers.opening.open(&buffer, at: buffer.readerIndex, count: content.count)
    } catch {
      return nil
    }
    return Array(buffer.readableBytesView.prefix(content.count - 16))
  }
}
