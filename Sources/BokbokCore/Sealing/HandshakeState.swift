package import NIOCore

/// Why a handshake failed.
package enum HandshakeError: Error, Equatable {
  /// The message does not open under the keys that both sides should have, or has a length that it cannot have.
  case notAuthentic
  /// The Diffie-Hellman result is all zero (H-6).
  case allZeroSharedSecret
  /// A step at the wrong time, or after a failure: an error of the caller.
  case outOfOrder
  /// A secret that does not have 32 bytes, a pre-shared key too many or too few, or a payload that no message can
  /// hold: an error of the caller.
  case invalidInput
  /// No secret memory.
  case memory(SecretError)

  /// Runs what needs secret memory.
  static func wrapping<Result: ~Copyable>(
    _ body: () throws(SecretError) -> Result
  ) throws(HandshakeError) -> Result {
    do throws(SecretError) {
      return try body()
    } catch {
      throw .memory(error)
    }
  }
}

/// Noise's HandshakeState for one side (revision 34, section 5.3), over any ``NoisePattern``.
///
/// All secrets lie in one piece of locked memory, which ends with this value and is erased at once by a failure (H-8).
package struct HandshakeState: ~Copyable {
  package enum Role: Sendable {
    case initiator
    case responder
  }

  private static let messageByteCountMax = 65_535

  private let pattern: NoisePattern
  private let role: Role
  private var symmetric: SymmetricState
  /// How many messages have been written or read.
  private var messageCount = 0
  private var presharedKeysProvidedCount = 0
  private var presharedKeysUsedCount = 0
  private var hasRemotePublicKey = false
  private var hasFailed = false

  /// Starts a handshake. The ephemeral secret has 32 bytes and is used for this handshake alone (H-7).
  package init(
    pattern: NoisePattern,
    role: Role,
    prologue: [UInt8],
    ephemeral: consuming SecretBytes
  ) throws(HandshakeError) {
    try self.init(pattern: pattern, role: role, prologue: prologue, copyingEphemeral: ephemeral)
  }

  /// The same for a secret that ends elsewhere, in time.
  init(
    pattern: NoisePattern,
    role: Role,
    prologue: [UInt8],
    copyingEphemeral ephemeral: borrowing SecretBytes
  ) throws(HandshakeError) {
    guard ephemeral.count == Primitives.keyByteCount else { throw .invalidInput }
    let symmetric = try HandshakeError.wrapping { () throws(SecretError) in
      try SymmetricState(protocolName: pattern.name, prologue: prologue)
    }
    symmetric[.ephemeral].copyMemory(from: ephemeral.base, byteCount: Primitives.keyByteCount)
    self.pattern = pattern
    self.role = role
    self.symmetric = symmetric
  }

  /// Gives the next pre-shared key, in the order in which the pattern uses them. A key may come late: it is needed when
  /// the message that uses it is written or read.
  package mutating func provide(presharedKey: consuming SecretBytes) throws(HandshakeError) {
    try presharedKey.withUnsafeBytes { bytes throws(HandshakeError) in
      try self.provide(copying: bytes)
    }
  }

  /// The same for a key that ends elsewhere.
  mutating func provide(copying presharedKey: UnsafeRawBufferPointer) throws(HandshakeError) {
    guard presharedKey.count == Primitives.keyByteCount, !self.hasFailed else { throw .invalidInput }
    let region: SymmetricState.Region
    switch self.presharedKeysProvidedCount {
    case 0: region = .firstPresharedKey
    case 1: region = .secondPresharedKey
    default: throw .invalidInput
    }
    UnsafeMutableRawBufferPointer(start: self.symmetric[region], count: Primitives.keyByteCount)
      .copyMemory(from: presharedKey)
    self.presharedKeysProvidedCount += 1
  }

  /// Whether all messages of the pattern have passed, so that ``split(slab:)`` may come.
  package var isComplete: Bool { self.messageCount == self.pattern.messages.count }

  /// The hash of everything that passed: when complete, it names this one handshake.
  package var handshakeHash: [UInt8] { Array(self.symmetric.bytes(of: .hash)) }

  /// Appends this side's next message to the buffer. A failure leaves the buffer as it was, and ends the handshake.
  package mutating func writeMessage(
    payload: UnsafeRawBufferPointer,
    into buffer: inout ByteBuffer
  ) throws(HandshakeError) {
    let start = buffer.writerIndex
    do throws(HandshakeError) {
      try self.beginMessage(from: self.role)
      try self.writeTokens(payloadByteCount: payload.count, into: &buffer)
      let byteCount = payload.count + self.symmetric.overheadByteCount
      guard buffer.writerIndex - start + byteCount <= Self.messageByteCountMax else { throw .invalidInput }
      // Straight from its own memory to the ciphertext: a secret payload never lies open in the buffer (H-8).
      buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { output in
        guard let output = output.baseAddress, byteCount > 0 else { return 0 }
        self.symmetric.encryptAndHash(payload, into: output)
        return byteCount
      }
      self.messageCount += 1
    } catch {
      buffer.moveWriterIndex(to: start)
      self.fail()
      throw error
    }
  }

  /// Reads the other side's next message, all readable bytes of the buffer, and returns its payload. A failure ends
  /// the handshake.
  package mutating func readMessage(_ message: ByteBuffer) throws(HandshakeError) -> SecretBytes {
    do throws(HandshakeError) {
      var message = message
      try self.beginMessage(from: self.role == .initiator ? .responder : .initiator)
      guard message.readableBytes <= Self.messageByteCountMax else { throw .notAuthentic }
      try self.readTokens(from: &message)
      guard message.readableBytes >= self.symmetric.overheadByteCount else { throw .notAuthentic }
      let payloadByteCount = message.readableBytes - self.symmetric.overheadByteCount
      let payload = try HandshakeError.wrapping { () throws(SecretError) in
        try SecretBytes(uninitializedCount: payloadByteCount)
      }
      let authentic = message.withUnsafeReadableBytes { bytes in
        self.symmetric.decryptAndHash(bytes, into: payload.base)
      }
      guard authentic else { throw .notAuthentic }
      self.messageCount += 1
      return payload
    } catch {
      self.fail()
      throw error
    }
  }

  /// The ciphers of both directions, once all messages have passed (H-9). The handshake ends, and is erased.
  package consuming func split(slab: KeySlab) throws(HandshakeError) -> DirectionCiphers {
    guard self.isComplete, !self.hasFailed else { throw .outOfOrder }
    let initiatorToResponder = try HandshakeError.wrapping { () throws(SecretError) in try slab.allocate() }
    let responderToInitiator = try HandshakeError.wrapping { () throws(SecretError) in try slab.allocate() }
    self.symmetric.split(into: initiatorToResponder, responderToInitiator)
    return DirectionCiphers(
      initiatorToResponder: CipherState(key: initiatorToResponder),
      responderToInitiator: CipherState(key: responderToInitiator)
    )
  }

  // MARK: Tokens

  private func beginMessage(from sender: Role) throws(HandshakeError) {
    let next: Role = self.messageCount.isMultiple(of: 2) ? .initiator : .responder
    guard !self.hasFailed, !self.isComplete, sender == next else { throw .outOfOrder }
  }

  private mutating func writeTokens(payloadByteCount: Int, into buffer: inout ByteBuffer) throws(HandshakeError) {
    for token in self.pattern.messages[self.messageCount] {
      switch token {
      case .e:
        Primitives.publicKey(of: self.symmetric[.ephemeral], into: self.symmetric[.localPublicKey])
        buffer.reserveCapacity(
          minimumWritableBytes: Primitives.keyByteCount + payloadByteCount + Primitives.tagByteCount
        )
        buffer.writeBytes(self.symmetric.bytes(of: .localPublicKey))
        self.mixPublicKey(.localPublicKey)
      case .ee:
        try self.mixSharedSecret()
      case .psk:
        try self.mixPresharedKey()
      }
    }
  }

  private mutating func readTokens(from message: inout ByteBuffer) throws(HandshakeError) {
    for token in self.pattern.messages[self.messageCount] {
      switch token {
      case .e:
        guard message.readableBytes >= Primitives.keyByteCount else { throw .notAuthentic }
        message.withUnsafeReadableBytes { bytes in
          UnsafeMutableRawBufferPointer(start: self.symmetric[.remotePublicKey], count: Primitives.keyByteCount)
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(Primitives.keyByteCount)))
        }
        message.moveReaderIndex(forwardBy: Primitives.keyByteCount)
        self.hasRemotePublicKey = true
        self.mixPublicKey(.remotePublicKey)
      case .ee:
        try self.mixSharedSecret()
      case .psk:
        try self.mixPresharedKey()
      }
    }
  }

  /// With pre-shared keys an ephemeral public key goes into the chaining key too (Noise, section 9.2).
  private mutating func mixPublicKey(_ region: SymmetricState.Region) {
    self.symmetric.mixHash(self.symmetric.bytes(of: region))
    self.symmetric.mixKey(self.symmetric.bytes(of: region))
  }

  private mutating func mixSharedSecret() throws(HandshakeError) {
    guard self.hasRemotePublicKey else { throw .outOfOrder }
    guard
      Primitives.sharedSecret(
        of: self.symmetric[.ephemeral],
        with: self.symmetric[.remotePublicKey],
        into: self.symmetric[.sharedSecret]
      )
    else { throw .allZeroSharedSecret }
    self.symmetric.mixKey(self.symmetric.bytes(of: .sharedSecret))
    self.symmetric.erase(.sharedSecret)
    // No pattern here uses the ephemeral key again.
    self.symmetric.erase(.ephemeral)
  }

  private mutating func mixPresharedKey() throws(HandshakeError) {
    guard self.presharedKeysUsedCount < self.presharedKeysProvidedCount else { throw .invalidInput }
    let region: SymmetricState.Region =
      self.presharedKeysUsedCount == 0 ? .firstPresharedKey : .secondPresharedKey
    self.symmetric.mixKeyAndHash(self.symmetric.bytes(of: region))
    self.symmetric.erase(region)
    self.presharedKeysUsedCount += 1
  }

  private mutating func fail() {
    self.symmetric.eraseAll()
    self.hasFailed = true
  }
}

/// What a completed handshake leaves: a cipher for each direction (H-9).
package struct DirectionCiphers: ~Copyable {
  package var initiatorToResponder: CipherState
  package var responderToInitiator: CipherState
}
