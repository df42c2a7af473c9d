/// One sealed handshake (section 3 of the specification), computed with the secrets of both sides, by code that shares
/// nothing with the library's.
///
/// Each input may be given, so that handshakes can be made that nobody would make: a public key without a secret, a
/// payload of another length.
struct ReferenceHandshake {
  static let protocolName = "Noise_NNpsk0+psk2_25519_ChaChaPoly_SHA256"

  let prologue: [UInt8]
  let clientPublicKey: [UInt8]
  let serverPublicKey: [UInt8]
  let sharedSecret: [UInt8]
  let message1: [UInt8]
  let message2: [UInt8]
  /// The hash after message 2.
  let handshakeHash: [UInt8]
  let clientToServerKey: [UInt8]
  let serverToClientKey: [UInt8]

  /// What goes into a handshake.
  struct Inputs {
    var userName: [UInt8] = Array("alice".utf8)
    var userKey: [UInt8] = ReferenceHandshake.ascending(from: 0x00)
    var sessionKey: [UInt8] = ReferenceHandshake.ascending(from: 0x20)
    var clientEphemeral: [UInt8] = ReferenceHandshake.ascending(from: 0x40)
    var serverEphemeral: [UInt8] = ReferenceHandshake.ascending(from: 0x60)

    /// Instead of the client's preamble and the user name (H-1).
    var prologue: [UInt8]?
    /// Instead of the public keys of the secrets.
    var clientPublicKey: [UInt8]?
    var serverPublicKey: [UInt8]?
    /// Instead of the session key (H-2).
    var payload1: [UInt8]?
    /// Instead of an empty payload (H-3).
    var payload2: [UInt8] = []
    /// Instead of the session key as the second pre-shared key (H-3).
    var secondKey: [UInt8]?
  }

  init(_ inputs: Inputs = Inputs()) {
    prologue = inputs.prologue ?? (WirePreamble.bytes(mode: WirePreamble.sealed) + inputs.userName)
    let exchange = Self.keyExchange(inputs)
    clientPublicKey = exchange.clientPublicKey
    serverPublicKey = exchange.serverPublicKey
    sharedSecret = exchange.sharedSecret

    var state = ReferenceSymmetricState(protocolName: Self.protocolName)
    state.mixHash(prologue)
    state.mixKeyAndHash(inputs.userKey)
    state.mixHash(clientPublicKey)
    state.mixKey(clientPublicKey)
    message1 = clientPublicKey + state.encryptAndHash(inputs.payload1 ?? inputs.sessionKey)

    state.mixHash(serverPublicKey)
    state.mixKey(serverPublicKey)
    state.mixKey(sharedSecret)
    state.mixKeyAndHash(inputs.secondKey ?? inputs.sessionKey)
    message2 = serverPublicKey + state.encryptAndHash(inputs.payload2)

    handshakeHash = state.hash
    let keys = state.derive([], count: 2)
    clientToServerKey = keys[0]
    serverToClientKey = keys[1]
  }

  /// The session key that message 1 carries; nil if it does not authenticate with the user's key.
  static func sessionKey(message1: [UInt8], user: [UInt8], userKey: [UInt8]) -> [UInt8]? {
    guard message1.count == 80 else { return nil }
    var state = ReferenceSymmetricState(protocolName: protocolName)
    state.mixHash(WirePreamble.bytes(mode: WirePreamble.sealed) + user)
    state.mixKeyAndHash(userKey)
    state.mixHash(Array(message1[..<32]))
    state.mixKey(Array(message1[..<32]))
    return state.decrypt(Array(message1[32...]))
  }

  private struct KeyExchange {
    var clientPublicKey: [UInt8]
    var serverPublicKey: [UInt8]
    var sharedSecret: [UInt8]

    init(_ inputs: Inputs) {
      clientPublicKey = inputs.clientPublicKey ?? ReferenceX25519.publicKey(of: inputs.clientEphemeral)
      serverPublicKey = inputs.serverPublicKey ?? ReferenceX25519.publicKey(of: inputs.serverEphemeral)
      // Whoever has the secret of the key that was not replaced.
      sharedSecret =
        inputs.serverPublicKey == nil
        ? ReferenceX25519.sharedSecret(of: inputs.serverEphemeral, with: clientPublicKey)
        : ReferenceX25519.sharedSecret(of: inputs.clientEphemeral, with: serverPublicKey)
    }
  }

  /// That of the example, which nearly all vectors use: the reference arithmetic is slow.
  private static let exampleExchange = KeyExchange(Inputs())

  private static func keyExchange(_ inputs: Inputs) -> KeyExchange {
    let example = Inputs()
    let isExample =
      inputs.clientEphemeral == example.clientEphemeral && inputs.serverEphemeral == example.serverEphemeral
      && inputs.clientPublicKey == nil && inputs.serverPublicKey == nil
    return isExample ? exampleExchange : KeyExchange(inputs)
  }

  /// 32 bytes that count up.
  static func ascending(from first: UInt8) -> [UInt8] {
    (0..<32).map { first &+ $0 }
  }
}

/// Noise's SymmetricState, with a cipher that seals one message with each key.
struct ReferenceSymmetricState {
  private var chainingKey: [UInt8]
  private(set) var hash: [UInt8]
  private var key: [UInt8] = []

  init(protocolName: String) {
    // All names here have more than 32 bytes.
    hash = ReferenceSHA256.hash(Array(protocolName.utf8))
    chainingKey = hash
  }

  mutating func mixHash(_ data: [UInt8]) {
    hash = ReferenceSHA256.hash(hash + data)
  }

  mutating func mixKey(_ material: [UInt8]) {
    let outputs = derive(material, count: 2)
    chainingKey = outputs[0]
    key = outputs[1]
  }

  mutating func mixKeyAndHash(_ material: [UInt8]) {
    let outputs = derive(material, count: 3)
    chainingKey = outputs[0]
    mixHash(outputs[1])
    key = outputs[2]
  }

  mutating func encryptAndHash(_ plaintext: [UInt8]) -> [UInt8] {
    let sealed = ReferenceChaCha20Poly1305.seal(
      plaintext,
      key: key,
      nonce: ReferenceChaCha20Poly1305.nonce(counter: 0),
      associatedData: hash
    )
    mixHash(sealed)
    return sealed
  }

  /// What was sealed with the key of now; nil if it does not authenticate.
  func decrypt(_ sealed: [UInt8]) -> [UInt8]? {
    ReferenceChaCha20Poly1305.open(
      sealed,
      key: key,
      nonce: ReferenceChaCha20Poly1305.nonce(counter: 0),
      associatedData: hash
    )
  }

  /// Noise's HKDF.
  func derive(_ material: [UInt8], count: Int) -> [[UInt8]] {
    let temporary = Self.authenticate(material, key: chainingKey)
    var outputs: [[UInt8]] = []
    for index in 1...count {
      outputs.append(
        Self.authenticate((outputs.last ?? []) + [UInt8(truncatingIfNeeded: index)], key: temporary)
      )
    }
    return outputs
  }

  /// HMAC-SHA-256 (RFC 2104) with a key of at most 64 bytes.
  static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    let padded = key + [UInt8](repeating: 0, count: 64 - key.count)
    let inner = ReferenceSHA256.hash(padded.map { $0 ^ 0x36 } + message)
    return ReferenceSHA256.hash(padded.map { $0 ^ 0x5C } + inner)
  }
}
