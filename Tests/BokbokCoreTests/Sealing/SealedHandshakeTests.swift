import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// The sealed handshake as client and server use it (specification, section 3).
@Suite struct SealedHandshakeTests {
  private static let preamble = Array("BOKBOK".utf8) + [1, 1]
  private static let userName = ByteBuffer(string: "zoë")
  private static let userKey = Array(UInt8(0x01)...0x20)
  private static let sessionKey = Array(UInt8(0x81)...0xa0)

  // Computed with Python's cryptography package, from the framework's description alone.
  private static let message1 = """
    7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13\
    97eeb7e7a377a8a3e514f63f82800e4b18c664fc0b247529488c108861dcd02b\
    fec93c90b2a7e72b17f834507eec96a0
    """
  private static let message2 = """
    0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f20\
    f7386a4250f127d6baa006bc7e5f26c6
    """
  private static let recordOfClient = "9b88835146e70528f1a49670fa5605608db977f7db703af79c77d3ae4b8e87"
  private static let recordOfServer = "4721bd3fc28d6b1666dd3720a4b83d28f27c940e211b10076407214682a940"

  private let slab = KeySlab()

  private func client(userKey: [UInt8] = Self.userKey, userName: ByteBuffer = Self.userName) throws -> ClientHandshake {
    try ClientHandshake(
      preamble: Self.preamble,
      userName: userName,
      userKey: SecretBytes(copying: userKey),
      sessionKey: SecretBytes(copying: Self.sessionKey),
      ephemeral: SecretBytes(copying: Array(repeating: 0x11, count: 32))
    )
  }

  private func server(userName: ByteBuffer = Self.userName) throws -> ServerHandshake {
    try ServerHandshake(
      preamble: Self.preamble,
      userName: userName,
      ephemeral: SecretBytes(copying: Array(repeating: 0x22, count: 32))
    )
  }

  @Test(.clauses("H-1.a", "H-2.c", "H-3.b", "H-9.a", "R-2.c"))
  func bothSidesMatchAnIndependentComputation() throws {
    var client = try self.client()
    var message1 = ByteBuffer()
    try client.writeMessage1(into: &message1)
    #expect(hexadecimal(message1) == Self.message1)

    var message2 = ByteBuffer()
    var atServer = try self.server().answer(
      message1: message1,
      userKey: SecretBytes(copying: Self.userKey),
      message2Into: &message2,
      slab: self.slab
    )
    #expect(hexadecimal(message2) == Self.message2)
    var atClient = try client.readMessage2(message2, slab: self.slab)

    let fromClient = try atClient.sealing.seal("from the client".utf8)
    #expect(hexadecimal(fromClient) == Self.recordOfClient)
    let openedAtServer = try atServer.opening.open(fromClient)
    #expect(openedAtServer == Array("from the client".utf8))
    let fromServer = try atServer.sealing.seal("from the server".utf8)
    #expect(hexadecimal(fromServer) == Self.recordOfServer)
    let openedAtClient = try atClient.opening.open(fromServer)
    #expect(openedAtClient == Array("from the server".utf8))
    #expect(self.slab.usedSlotCount == 4)
  }

  @Test func messagesAreAppended() throws {
    var client = try self.client()
    var output = ByteBuffer(string: "before")
    try client.writeMessage1(into: &output)
    #expect(hexadecimal(output) == hexadecimal("before".utf8) + Self.message1)
    var answer = ByteBuffer(string: "before")
    _ = try self.server().answer(
      message1: ByteBuffer(bytes: bytes(hexadecimal: Self.message1)),
      userKey: SecretBytes(copying: Self.userKey),
      message2Into: &answer,
      slab: self.slab
    )
    #expect(hexadecimal(answer) == hexadecimal("before".utf8) + Self.message2)
  }

  private func answerError(
    message1: String = Self.message1,
    userKey: [UInt8] = Self.userKey,
    userName: ByteBuffer = Self.userName
  ) throws -> HandshakeError? {
    var message2 = ByteBuffer(string: "before")
    let error = failure(HandshakeError.self) {
      _ = try self.server(userName: userName).answer(
        message1: ByteBuffer(bytes: bytes(hexadecimal: message1)),
        userKey: SecretBytes(copying: userKey),
        message2Into: &message2,
        slab: self.slab
      )
    }
    #expect(String(buffer: message2) == "before" || error == nil)
    #expect(self.slab.usedSlotCount == 0)
    return error
  }

  @Test(.clauses("H-4.b", "H-4.f")) func anotherKeyIsNotAuthentic() throws {
    let error = try self.answerError(userKey: Array(repeating: 0, count: 32))
    #expect(error == .notAuthentic)
    #expect(try self.answerError() == nil)
  }

  @Test(.clauses("H-1.a"), arguments: ["zoe", "zoe\u{308}", "Zoë", "zoë ", ""])
  func anotherUserNameIsNotAuthentic(name: String) throws {
    let error = try self.answerError(userName: ByteBuffer(string: name))
    #expect(error == .notAuthentic)
  }

  @Test(.clauses("H-5.c"), arguments: [0, 1, 31, 32, 79, 81, 96, 65_535])
  func aMessage1OfAnotherLengthIsNotAuthentic(byteCount: Int) throws {
    var digits = Self.message1 + String(repeating: "0", count: max(0, 2 * byteCount - Self.message1.utf8.count))
    digits.removeLast(digits.utf8.count - 2 * byteCount)
    let error = try self.answerError(message1: digits)
    #expect(error == .notAuthentic)
  }

  private func clientError(message2: [UInt8]) throws -> HandshakeError? {
    failure(HandshakeError.self) {
      var client = try self.client()
      var message1 = ByteBuffer()
      try client.writeMessage1(into: &message1)
      _ = try client.readMessage2(ByteBuffer(bytes: message2), slab: self.slab)
    }
  }

  @Test(.clauses("H-11.c"), arguments: [0, 1, 16, 32, 47, 49, 64, 65_535])
  func aMessage2OfAnotherLengthIsNotAuthentic(byteCount: Int) throws {
    let message2 = bytes(hexadecimal: Self.message2) + Array(repeating: 0, count: 65_535)
    #expect(try self.clientError(message2: Array(message2.prefix(byteCount))) == .notAuthentic)
    #expect(try self.clientError(message2: Array(message2.prefix(48))) == nil)
  }

  @Test(.clauses("H-11.b"), arguments: 0..<48)
  func aChangedMessage2IsNotAuthentic(position: Int) throws {
    var message2 = bytes(hexadecimal: Self.message2)
    message2[position] ^= 0x10
    #expect(try self.clientError(message2: message2) == .notAuthentic)
  }

  @Test(.clauses("H-6.b"), arguments: HandshakeStateTests.pointsOfSmallOrder)
  func aClientTakesAnAllZeroSecretForAFailedAuthentication(point: String, tag: String) throws {
    #expect(try self.clientError(message2: bytes(hexadecimal: point + tag)) == .notAuthentic)
  }

  @Test func aServerTriesAUsersKeysInOrder() throws {
    let other = try PresharedKey(bytes: Array(repeating: 7, count: 32))
    let right = try PresharedKey(bytes: Self.userKey)
    for candidates in [[right], [right, other], [other, right], [other, other, right]] {
      var message2 = ByteBuffer()
      _ = try self.server().answer(
        message1: ByteBuffer(bytes: bytes(hexadecimal: Self.message1)),
        candidates: candidates,
        decoyKey: SecretBytes(copying: Array(repeating: 8, count: 32)),
        message2Into: &message2,
        slab: self.slab
      )
      #expect(hexadecimal(message2) == Self.message2)
    }
  }

  @Test(.clauses("H-4.a", "H-4.f"), arguments: [0, 1, 3])
  func withoutARightKeyNothingIsAnswered(candidateCount: Int) throws {
    let other = try PresharedKey(bytes: Array(repeating: 7, count: 32))
    var message2 = ByteBuffer(string: "before")
    let error = failure(HandshakeError.self) {
      _ = try self.server().answer(
        message1: ByteBuffer(bytes: bytes(hexadecimal: Self.message1)),
        candidates: Array(repeating: other, count: candidateCount),
        decoyKey: SecretBytes(copying: Array(repeating: 8, count: 32)),
        message2Into: &message2,
        slab: self.slab
      )
    }
    #expect(error == .notAuthentic)
    #expect(String(buffer: message2) == "before")
  }

  /// Without candidates the decoy key takes the part of the user's: the same steps, which end the same way only because
  /// nobody has it.
  @Test(.clauses("H-4.f")) func theDecoyKeyIsTriedWhereThereIsNone() throws {
    var message2 = ByteBuffer()
    _ = try self.server().answer(
      message1: ByteBuffer(bytes: bytes(hexadecimal: Self.message1)),
      candidates: [],
      decoyKey: SecretBytes(copying: Self.userKey),
      message2Into: &message2,
      slab: self.slab
    )
    #expect(hexadecimal(message2) == Self.message2)
  }

  @Test func aClientWritesMessage1Once() throws {
    var client = try self.client()
    var output = ByteBuffer()
    try client.writeMessage1(into: &output)
    let again = failure(HandshakeError.self) { try client.writeMessage1(into: &output) }
    #expect(again == .outOfOrder)
    #expect(output.readableBytes == 80)
  }

  @Test func aClientThatHasSentNothingReadsNothing() throws {
    let error = failure(HandshakeError.self) {
      let client = try self.client()
      _ = try client.readMessage2(ByteBuffer(bytes: bytes(hexadecimal: Self.message2)), slab: self.slab)
    }
    #expect(error == .outOfOrder)
  }

  @Test(arguments: [0, 31, 33]) func secretsOfAnotherLengthAreErrors(byteCount: Int) throws {
    for wrong in 0..<3 {
      let error = failure(HandshakeError.self) {
        let counts = (0..<3).map { $0 == wrong ? byteCount : 32 }
        _ = try ClientHandshake(
          preamble: Self.preamble,
          userName: Self.userName,
          userKey: SecretBytes.random(count: counts[0]),
          sessionKey: SecretBytes.random(count: counts[1]),
          ephemeral: SecretBytes.random(count: counts[2])
        )
      }
      #expect(error == .invalidInput)
    }
    let atServer = failure(HandshakeError.self) {
      _ = try ServerHandshake(
        preamble: Self.preamble,
        userName: Self.userName,
        ephemeral: SecretBytes.random(count: byteCount)
      )
    }
    #expect(atServer == .invalidInput)
    #expect(try self.answerError(userKey: Array(repeating: 1, count: byteCount)) == .invalidInput)
  }
}
