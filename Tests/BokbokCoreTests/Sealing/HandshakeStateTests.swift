import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// What a handshake rejects, over every pattern (specification, section 3).
@Suite struct HandshakeStateTests {
  private func state(
    _ pattern: NoisePattern,
    _ role: HandshakeState.Role,
    prologue: [UInt8] = [1, 2, 3],
    psks: [UInt8]? = nil
  ) throws -> HandshakeState {
    var state = try HandshakeState(
      pattern: pattern,
      role: role,
      prologue: prologue,
      ephemeral: SecretBytes(copying: Array(repeating: role == .initiator ? 0x11 : 0x22, count: 32))
    )
    let pskCount = pattern.messages.joined().count { $0 == .psk }
    for psk in psks ?? Array([0x33, 0x44].prefix(pskCount)) {
      try state.provide(presharedKey: SecretBytes(copying: Array(repeating: psk, count: 32)))
    }
    return state
  }

  @Test(.clauses("H-4.b"), arguments: NoisePattern.all)
  func everyChangedBitOfMessage1IsFound(pattern: NoisePattern) throws {
    var initiator = try self.state(pattern, .initiator)
    let message = try initiator.message(payload: [7])
    for position in 0..<message.readableBytes {
      var changed = message
      let byte = try #require(changed.getInteger(at: position, as: UInt8.self))
      changed.setInteger(byte ^ 0x40, at: position)
      var responder = try self.state(pattern, .responder)
      let error = failure(HandshakeError.self) { _ = try responder.readMessage(changed) }
      #expect(error == .notAuthentic, "byte \(position)")
    }
  }

  @Test(.clauses("H-11.b"), arguments: NoisePattern.all)
  func everyChangedBitOfMessage2IsFound(pattern: NoisePattern) throws {
    var responder = try self.state(pattern, .responder)
    var first = try self.state(pattern, .initiator)
    _ = try responder.readMessage(first.message(payload: []))
    let message = try responder.message(payload: [7])
    for position in 0..<message.readableBytes {
      var changed = message
      let byte = try #require(changed.getInteger(at: position, as: UInt8.self))
      changed.setInteger(byte ^ 0x01, at: position)
      var initiator = try self.state(pattern, .initiator)
      _ = try initiator.message(payload: [])
      let error = failure(HandshakeError.self) { _ = try initiator.readMessage(changed) }
      #expect(error == .notAuthentic, "byte \(position)")
    }
  }

  @Test(.clauses("H-1.a"), arguments: NoisePattern.all)
  func anotherPrologueIsFound(pattern: NoisePattern) throws {
    var initiator = try self.state(pattern, .initiator, prologue: [1, 2, 3])
    let message = try initiator.message(payload: [])
    var responder = try self.state(pattern, .responder, prologue: [1, 2, 3, 0])
    let error = failure(HandshakeError.self) { _ = try responder.readMessage(message) }
    #expect(error == .notAuthentic)
  }

  @Test func anotherSecondPresharedKeyIsFound() throws {
    var initiator = try self.state(.bokbok, .initiator, psks: [0x33, 0x44])
    var responder = try self.state(.bokbok, .responder, psks: [0x33, 0x45])
    _ = try responder.readMessage(initiator.message(payload: []))
    let message2 = try responder.message(payload: [])
    let error = failure(HandshakeError.self) { _ = try initiator.readMessage(message2) }
    #expect(error == .notAuthentic)
  }

  @Test(arguments: [0, 1, 31, 32, 47])
  func aMessageThatIsTooShortIsNotAuthentic(byteCount: Int) throws {
    var responder = try self.state(.bokbok, .responder)
    let error = failure(HandshakeError.self) {
      _ = try responder.readMessage(ByteBuffer(repeating: 9, count: byteCount))
    }
    #expect(error == .notAuthentic)
  }

  @Test func theLongestMessageHas65535Bytes() throws {
    let payload = [UInt8](repeating: 5, count: 65_535 - 48)
    var initiator = try self.state(.bokbok, .initiator)
    var responder = try self.state(.bokbok, .responder)
    let message = try initiator.message(payload: payload)
    #expect(message.readableBytes == 65_535)
    let received = try responder.readMessage(message).revealed()
    #expect(received == payload)

    var other = try self.state(.bokbok, .initiator)
    var buffer = ByteBuffer(string: "before")
    let error = failure(HandshakeError.self) {
      try (payload + [5]).withUnsafeBytes { try other.writeMessage(payload: $0, into: &buffer) }
    }
    #expect(error == .invalidInput)
    #expect(String(buffer: buffer) == "before")

    var third = try self.state(.bokbok, .responder)
    let tooLong = failure(HandshakeError.self) {
      _ = try third.readMessage(ByteBuffer(repeating: 9, count: 65_536))
    }
    #expect(tooLong == .notAuthentic)
  }

  /// The points of small order of Curve25519, also in their forms that are not reduced, and with the top bit set, which
  /// X25519 ignores (RFC 7748; D. J. Bernstein, "Curve25519: how do I validate public keys?").
  ///
  /// With each the tag that makes a message 1 of it, for the pre-shared key 33 33 … 33 and the prologue 01 02 03,
  /// computed with Python's cryptography package.
  static let pointsOfSmallOrder: [(point: String, tag: String)] = [
    ("0000000000000000000000000000000000000000000000000000000000000000", "4e4a80b58c7ad58958bda24888f98169"),
    ("0000000000000000000000000000000000000000000000000000000000000080", "7cbf2fcb99b9cdf22017d6ba03dae80e"),
    ("0100000000000000000000000000000000000000000000000000000000000000", "cce4132df518e51918c5f246a16d3678"),
    ("0100000000000000000000000000000000000000000000000000000000000080", "bd32279d842bc70ea218399adbebe707"),
    ("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "fb4fa2635fa2ca6cd3aa67de549b998e"),
    ("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880", "d9c623ceca4b77fc61f36219a6388361"),
    ("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", "54b638405314cf85e613c3257a871831"),
    ("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7", "fee9f9c9dcc649b1972aed14a66dbd46"),
    ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "2b6792572692c14b0c5c6e9120d0f75c"),
    ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "e835700ff378a9817f2587ce8620d6d2"),
    ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "54328a75c6ef6764ead216e85f884899"),
    ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "f19805caddaed7448b2d1689dcbd13a7"),
    ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "78ee1d72a7ad466a983af2bd1d2fae1d"),
    ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "49fdb34cd5a0e5a0a108eab35de5b419"),
  ]

  @Test(.clauses("H-6.a"), arguments: Self.pointsOfSmallOrder)
  func aResponderRejectsPointsOfSmallOrder(point: String, tag: String) throws {
    var responder = try self.state(.bokbok, .responder)
    let payload = try responder.readMessage(ByteBuffer(bytes: bytes(hexadecimal: point + tag)))
    let payloadByteCount = payload.count
    #expect(payloadByteCount == 0)
    var message2 = ByteBuffer(string: "before")
    let error = failure(HandshakeError.self) {
      try responder.writeMessage(payload: UnsafeRawBufferPointer(start: nil, count: 0), into: &message2)
    }
    #expect(error == .allZeroSharedSecret)
    #expect(String(buffer: message2) == "before")
  }

  @Test(.clauses("H-6.b"), arguments: Self.pointsOfSmallOrder)
  func anInitiatorRejectsPointsOfSmallOrder(point: String, tag: String) throws {
    var initiator = try self.state(.bokbok, .initiator)
    _ = try initiator.message(payload: [])
    let message2 = ByteBuffer(bytes: bytes(hexadecimal: point + tag))
    let error = failure(HandshakeError.self) { _ = try initiator.readMessage(message2) }
    #expect(error == .allZeroSharedSecret)
  }

  @Test func stepsOutOfOrderAreErrors() throws {
    var responder = try self.state(.bokbok, .responder)
    let tooEarly = failure(HandshakeError.self) { _ = try responder.message(payload: []) }
    #expect(tooEarly == .outOfOrder)

    var initiator = try self.state(.bokbok, .initiator)
    let reading = failure(HandshakeError.self) { _ = try initiator.readMessage(ByteBuffer()) }
    #expect(reading == .outOfOrder)

    let split = failure(HandshakeError.self) {
      let incomplete = try self.state(.bokbok, .initiator)
      _ = try incomplete.split(slab: KeySlab())
    }
    #expect(split == .outOfOrder)

    var first = try self.state(.nnpsk0, .initiator)
    var second = try self.state(.nnpsk0, .responder)
    _ = try second.readMessage(first.message(payload: []))
    _ = try first.readMessage(second.message(payload: []))
    let completed = (first.isComplete, second.isComplete)
    #expect(completed == (true, true))
    let third = failure(HandshakeError.self) { _ = try first.message(payload: []) }
    #expect(third == .outOfOrder)
  }

  @Test func keysThatAreMissingTooManyOrOfAnotherLengthAreErrors() throws {
    var missing = try self.state(.bokbok, .initiator, psks: [])
    let writing = failure(HandshakeError.self) { _ = try missing.message(payload: []) }
    #expect(writing == .invalidInput)

    var full = try self.state(.bokbok, .initiator)
    let third = failure(HandshakeError.self) {
      try full.provide(presharedKey: SecretBytes(copying: Array(repeating: 1, count: 32)))
    }
    #expect(third == .invalidInput)

    var short = try self.state(.bokbok, .initiator, psks: [])
    let ofAnotherLength = failure(HandshakeError.self) {
      try short.provide(presharedKey: SecretBytes(copying: Array(repeating: 1, count: 31)))
    }
    #expect(ofAnotherLength == .invalidInput)

    let beginning = failure(HandshakeError.self) {
      let ephemeral = try SecretBytes(copying: Array(repeating: 1, count: 33))
      _ = try HandshakeState(pattern: .bokbok, role: .initiator, prologue: [], ephemeral: ephemeral)
    }
    #expect(beginning == .invalidInput)
  }
}
