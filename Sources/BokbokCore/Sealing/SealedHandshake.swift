package import NIOCore

/// The ciphers of an open sealed connection, for one side.
package struct TrafficCiphers: ~Copyable {
  /// For what this side sends.
  package var sealing: CipherState
  /// For what it receives.
  package var opening: CipherState
}

/// Sizes of the handshake's messages (H-2, H-3).
package enum SealedHandshake {
  /// e, the session key and a tag.
  package static let message1ByteCount = 80
  /// e and a tag.
  package static let message2ByteCount = 48

  /// The client's preamble and the user name, as they went over the wire (H-1).
  static func prologue(preamble: [UInt8], userName: ByteBuffer) -> [UInt8] {
    preamble + userName.readableBytesView
  }
}

/// The client's side of the sealed handshake (section 3).
package struct ClientHandshake: ~Copyable {
  private var handshake: HandshakeState
  /// Goes out in message 1 and is then the second pre-shared key.
  private var sessionKey: SecretBytes?

  /// Takes the three secrets, of 32 bytes each; the session key and the ephemeral are new random ones (H-7).
  package init(
    preamble: [UInt8],
    userName: ByteBuffer,
    userKey: consuming SecretBytes,
    sessionKey: consuming SecretBytes,
    ephemeral: consuming SecretBytes
  ) throws(HandshakeError) {
    guard sessionKey.count == Primitives.keyByteCount else { throw .invalidInput }
    var handshake = try HandshakeState(
      pattern: .bokbok,
      role: .initiator,
      prologue: SealedHandshake.prologue(preamble: preamble, userName: userName),
      ephemeral: ephemeral
    )
    try handshake.provide(presharedKey: userKey)
    self.handshake = handshake
    self.sessionKey = consume sessionKey
  }

  /// Appends message 1, 80 bytes without a record's header (H-2).
  package mutating func writeMessage1(into buffer: inout ByteBuffer) throws(HandshakeError) {
    guard let sessionKey = self.sessionKey.take() else { throw .outOfOrder }
    let payload = UnsafeRawBufferPointer(start: sessionKey.base, count: sessionKey.count)
    try self.handshake.writeMessage(payload: payload, into: &buffer)
    try self.handshake.provide(presharedKey: sessionKey)
  }

  /// Reads message 2, without its record's header: the traffic's ciphers, if it proves that the server has the user's
  /// key, else ``HandshakeError/notAuthentic`` (H-11). Either way all other secrets are erased (H-8).
  package consuming func readMessage2(
    _ message: ByteBuffer,
    slab: KeySlab
  ) throws(HandshakeError) -> TrafficCiphers {
    guard message.readableBytes == SealedHandshake.message2ByteCount else { throw .notAuthentic }
    do throws(HandshakeError) {
      _ = try self.handshake.readMessage(message)
    } catch {
      throw error == .allZeroSharedSecret ? .notAuthentic : error  // H-6
    }
    let ciphers = try self.handshake.split(slab: slab)
    return TrafficCiphers(sealing: ciphers.initiatorToResponder, opening: ciphers.responderToInitiator)
  }
}

/// The server's side of the sealed handshake (section 3).
package struct ServerHandshake: ~Copyable {
  private let prologue: [UInt8]
  private let ephemeral: SecretBytes

  /// Takes the ephemeral secret: 32 new random bytes (H-7).
  package init(
    preamble: [UInt8],
    userName: ByteBuffer,
    ephemeral: consuming SecretBytes
  ) throws(HandshakeError) {
    guard ephemeral.count == Primitives.keyByteCount else { throw .invalidInput }
    self.prologue = SealedHandshake.prologue(preamble: preamble, userName: userName)
    self.ephemeral = ephemeral
  }

  /// Reads message 1 with the user's key, and appends message 2, 48 bytes without a record's header.
  ///
  /// For an unknown user the caller gives its decoy key, so that the same steps are taken (H-4). Any failure is the
  /// refusal `authentication-failed`; it leaves the buffer as it was, and all secrets erased (H-8).
  package consuming func answer(
    message1: ByteBuffer,
    userKey: consuming SecretBytes,
    message2Into buffer: inout ByteBuffer,
    slab: KeySlab
  ) throws(HandshakeError) -> TrafficCiphers {
    let opened = try userKey.withUnsafeBytes { key throws(HandshakeError) in
      try self.read(message1, userKey: key)
    }
    return try Self.finish(opened, message2Into: &buffer, slab: slab)
  }

  /// The same for a user who has several keys while they are being changed: they are tried in order. With none, an
  /// unknown user, the decoy key is tried (H-4).
  package consuming func answer(
    message1: ByteBuffer,
    candidates: [PresharedKey],
    decoyKey: consuming SecretBytes,
    message2Into buffer: inout ByteBuffer,
    slab: KeySlab
  ) throws(HandshakeError) -> TrafficCiphers {
    for candidate in candidates {
      let opened: OpenedMessage1
      do throws(HandshakeError) {
        opened = try candidate.withUnsafeBytes { key throws(HandshakeError) in
          try self.read(message1, userKey: key)
        }
      } catch {
        guard error == .notAuthentic else { throw error }
        continue
      }
      return try Self.finish(opened, message2Into: &buffer, slab: slab)
    }
    guard candidates.isEmpty else { throw .notAuthentic }
    let opened = try decoyKey.withUnsafeBytes { key throws(HandshakeError) in
      try self.read(message1, userKey: key)
    }
    return try Self.finish(opened, message2Into: &buffer, slab: slab)
  }

  private struct OpenedMessage1: ~Copyable {
    var handshake: HandshakeState
    var sessionKey: SecretBytes
  }

  private borrowing func read(
    _ message1: ByteBuffer,
    userKey: UnsafeRawBufferPointer
  ) throws(HandshakeError) -> OpenedMessage1 {
    guard message1.readableBytes == SealedHandshake.message1ByteCount else { throw .notAuthentic }  // H-5
    var handshake = try HandshakeState(
      pattern: .bokbok,
      role: .responder,
      prologue: self.prologue,
      copyingEphemeral: self.ephemeral
    )
    try handshake.provide(copying: userKey)
    let sessionKey = try handshake.readMessage(message1)
    return OpenedMessage1(handshake: handshake, sessionKey: sessionKey)
  }

  private static func finish(
    _ opened: consuming OpenedMessage1,
    message2Into buffer: inout ByteBuffer,
    slab: KeySlab
  ) throws(HandshakeError) -> TrafficCiphers {
    var handshake = opened.handshake
    try handshake.provide(presharedKey: opened.sessionKey)
    let start = buffer.writerIndex
    try handshake.writeMessage(payload: UnsafeRawBufferPointer(start: nil, count: 0), into: &buffer)
    do throws(HandshakeError) {
      let ciphers = try handshake.split(slab: slab)
      return TrafficCiphers(sealing: ciphers.responderToInitiator, opening: ciphers.initiatorToResponder)
    } catch {
      buffer.moveWriterIndex(to: start)
      throw error
    }
  }
}
