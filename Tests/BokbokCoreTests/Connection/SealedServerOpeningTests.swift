import BokbokTestSupport
import NIOCore
import Testing

@testable import BokbokCore

/// How a server opens a sealed connection, and how it refuses one (section 3).
@Suite struct SealedServerOpeningTests {
  /// What goes wrong with a client's authentication.
  enum Failure: CaseIterable, CustomTestStringConvertible {
    case unknownUser
    case wrongKey
    case emptyName
    case longName
    case nameNotUTF8
    case shortMessage1
    case longMessage1
    case emptyMessage1
    case changedMessage1
    case zeroPublicKey
    case otherUserName

    var testDescription: String { "\(self)" }
  }

  /// A client's preamble, user name and message 1, spoilt.
  private func opening(_ failure: Failure, userKey: [UInt8] = TestSecrets.userKey) throws -> ByteBuffer {
    var name = TestSecrets.userName
    switch failure {
    case .emptyName: name = ByteBuffer()
    case .longName: name = ByteBuffer(repeating: 0x61, count: 256)
    case .nameNotUTF8: name = ByteBuffer(bytes: [0x61, 0xC3])
    default: break
    }
    let isZero = failure == .zeroPublicKey
    var message1 = isZero ? try smallOrderMessage1(userName: name) : try message1(userName: name, userKey: userKey)
    switch failure {
    case .shortMessage1: message1 = message1.parts(byteCount: 79)[0]
    case .longMessage1: message1.writeInteger(UInt8(0))
    case .emptyMessage1: message1 = ByteBuffer()
    case .changedMessage1: message1.setInteger(message1.readableBytesView[40] ^ 1, at: 40)
    case .otherUserName: name = ByteBuffer(string: "alicf")
    default: break
    }
    var bytes = ByteBuffer(bytes: Preamble(mode: .sealed).bytes)
    for content in [name, message1] {
      bytes.writeInteger(UInt16(content.readableBytes))
      bytes.writeImmutableBuffer(content)
    }
    return bytes
  }

  private func message1(userName: ByteBuffer, userKey: [UInt8]) throws -> ByteBuffer {
    var handshake = try ClientHandshake(
      preamble: Preamble(mode: .sealed).bytes,
      userName: userName,
      userKey: try TestSecrets.bytes(userKey),
      sessionKey: try TestSecrets.bytes(TestSecrets.sessionKey),
      ephemeral: try TestSecrets.bytes(TestSecrets.clientEphemeral)
    )
    var message1 = ByteBuffer()
    try handshake.writeMessage1(into: &message1)
    return message1
  }

  /// A message 1 that authenticates, with a public key of small order: whatever the server's secret is, the shared one
  /// is zero.
  private func smallOrderMessage1(userName: ByteBuffer) throws -> ByteBuffer {
    let prologue = Preamble(mode: .sealed).bytes + userName.readableBytesView
    var symmetric = try SymmetricState(protocolName: NoisePattern.bokbok.name, prologue: prologue)
    TestSecrets.userKey.withUnsafeBytes { symmetric.mixKeyAndHash($0) }
    let publicKey = [UInt8](repeating: 0, count: 32)
    publicKey.withUnsafeBytes { publicKey in
      symmetric.mixHash(publicKey)
      symmetric.mixKey(publicKey)
    }
    var message1 = ByteBuffer(bytes: publicKey)
    message1.writeWithUnsafeMutableBytes(minimumWritableBytes: 48) { output in
      TestSecrets.sessionKey.withUnsafeBytes { payload in
        output.baseAddress.map { symmetric.encryptAndHash(payload, into: $0) }
      }
      return 48
    }
    return message1
  }

  @Test(.clauses("H-6.a"))
  func theMessage1OfSmallOrderIsRefusedForItsPublicKeyAlone() throws {
    // Else the refusal would come from a message that does not authenticate.
    guard case .refusedPeer(code: _, let reason)? = try refused(.zeroPublicKey).ending else { return }
    #expect(reason.contains("allZeroSharedSecret"))
  }

  private static let wrongKey = [UInt8](repeating: 7, count: 32)

  private func refused(_ failure: Failure) throws -> DrivenConnection {
    let connection = try DrivenConnection(.sealedServer)
    if failure == .unknownUser { connection.keys = [] }
    connection.receive(try opening(failure, userKey: failure == .wrongKey ? Self.wrongKey : TestSecrets.userKey))
    return connection
  }

  @Test(
    .clauses("H-4.a", "H-4.b", "H-4.c", "H-5.a", "H-5.b", "H-5.c", "H-5.d", "H-6.a", "H-12.b", "H-3.c", "H-1.a"),
    arguments: Failure.allCases
  )
  func everyFailureIsTheSameRefusal(_ failure: Failure) throws {
    let connection = try refused(failure)
    #expect(connection.wire.bytes == RefusalCode.authenticationFailed.bytes)
    #expect(connection.isShutDown && !connection.isClosed)
    #expect(connection.slab.usedSlotCount == 0)
    guard case .refusedPeer(code: "authentication-failed", let reason)? = connection.ending else {
      Issue.record("ended with \(String(describing: connection.ending))")
      return
    }
    #expect(!reason.isEmpty)
    #expect(connection.takeActions() == [.ended(.refusedPeer(code: "authentication-failed", reason: reason))])
  }

  @Test(.clauses("H-4.j"))
  func theLocalReasonTellsAnUnknownUserFromAWrongKey() throws {
    #expect(try refused(.unknownUser).ending != refused(.wrongKey).ending)
  }

  @Test(.clauses("H-4.d", "H-4.e"), arguments: [Failure.unknownUser, .wrongKey])
  func theKeyIsLookedUpOnceMessage1HasComeWhole(_ failure: Failure) throws {
    let connection = try DrivenConnection(.sealedServer)
    connection.keys = nil
    let bytes = try opening(failure, userKey: Self.wrongKey)
    for byte in bytes.readableBytesView.dropLast() { connection.receive(ByteBuffer(bytes: [byte])) }
    #expect(connection.takeActions().isEmpty)
    #expect(connection.wire.bytes.readableBytes == 0)
    connection.receive(ByteBuffer(bytes: bytes.readableBytesView.suffix(1)))
    #expect(connection.takeActions() == [.lookUpKey(userName: TestSecrets.userName)])
    #expect(connection.wire.bytes.readableBytes == 0)
    #expect(!connection.wantsReading)
    connection.keysFound(failure == .unknownUser ? [] : [try PresharedKey(bytes: TestSecrets.userKey)])
    #expect(connection.wire.refusal?.code == "authentication-failed")
  }

  @Test(.clauses("H-4.f"))
  func anUnknownUserMayNotComeInWithTheDecoyKeyEither() throws {
    // Whoever had the decoy key would come in: so it is random, and this shows that it is tried.
    let connection = try DrivenConnection(.sealedServer, peerUserKey: TestSecrets.decoyKey)
    connection.keys = []
    connection.receive(connection.wire.opening)
    #expect(connection.wire.preamble?.mode == .sealed)
  }

  @Test(.clauses("H-4.b"))
  func theDecoyKeyIsNotTriedForAKnownUser() throws {
    let connection = try DrivenConnection(.sealedServer, peerUserKey: TestSecrets.decoyKey)
    connection.receive(connection.wire.opening)
    #expect(connection.wire.refusal?.code == "authentication-failed")
  }

  @Test(.clauses("H-4.b", "H-2.c"))
  func eachOfAUsersKeysIsTried() throws {
    let keys = try [Self.wrongKey, TestSecrets.userKey].map { try PresharedKey(bytes: $0) }
    for keys in [keys, keys.reversed()] {
      let connection = try DrivenConnection(.sealedServer)
      connection.keys = keys
      try connection.open()
    }
  }

  @Test(.clauses("H-4.i", "O-10.a"))
  func aLookUpThatHangsEndsWithTheTimeLimit() throws {
    let connection = try DrivenConnection(.sealedServer)
    connection.keys = nil
    connection.receive(connection.wire.opening)
    connection.wait(.seconds(10))
    #expect(connection.ending == .timedOut)
    #expect(connection.wire.bytes.readableBytes == 0)
    // The answer comes too late.
    connection.keysFound([try PresharedKey(bytes: TestSecrets.userKey)])
    #expect(connection.wire.bytes.readableBytes == 0)
  }

  @Test(.clauses("H-3.a", "H-3.b", "H-10.a", "H-10.b", "S-1.f", "H-9.a"))
  func theServerAnswersAndWaitsForTheClientsSettings() throws {
    let connection = try DrivenConnection(.sealedServer)
    connection.receive(connection.wire.opening)
    #expect(connection.wire.preamble == Preamble(version: 1, mode: .sealed))
    #expect(connection.wire.bytes.readableBytesView.dropFirst(8).prefix(2) == [0, 48])
    // The test's client read message 2 and opened the record of SETTINGS.
    #expect(connection.takeFrames() == [.settings(.default)])
    #expect(connection.takeActions().isEmpty)
    #expect(!connection.isOpen)
    connection.receive(.settings(.default))
    #expect(connection.takeActions() == [.opened(userName: TestSecrets.userName)])
    #expect(connection.isOpen)
  }

  @Test(.clauses("H-10.b", "H-10.c", "R-3.a", "R-3.d", "S-1.g"))
  func aReplayedMessage1OpensNothing() throws {
    // Another connection's first sealed record: whoever replays message 1 has no better.
    let recorded = try DrivenConnection(.sealedServer)
    recorded.receive(recorded.wire.opening)
    var record = recorded.wire.record([.settings([])])
    record.setInteger(record.readableBytesView[5] ^ 1, at: 5)

    let connection = try DrivenConnection(.sealedServer)
    connection.receive(connection.wire.opening)
    let sent = connection.wire.bytes
    connection.receive(record)
    #expect(connection.takeActions() == [.ended(.tampered)])
    #expect(connection.isClosed && !connection.isShutDown)
    #expect(connection.wire.bytes == sent)
  }

  @Test(
    .clauses("H-2.a", "H-12.a", "H-12.b"),
    arguments: [
      [0x61], [0xC3, 0xA9], [0x65, 0xCC, 0x81], [0x00], [UInt8](repeating: 0x62, count: 255), [0xF0, 0x9D, 0x84, 0x9E],
    ]
  )
  func everyUserNameOfTheFormIsLookedUpAsItIs(_ name: [UInt8]) throws {
    let name = ByteBuffer(bytes: name)
    let connection = try DrivenConnection(.sealedServer, peerUserName: name)
    connection.keys = nil
    connection.receive(connection.wire.opening)
    #expect(connection.takeActions() == [.lookUpKey(userName: name)])
    connection.keysFound([try PresharedKey(bytes: TestSecrets.userKey)])
    connection.receive(.settings(.default))
    #expect(connection.takeActions() == [.opened(userName: name)])
  }

  @Test(
    .clauses("H-5.b", "H-12.b"),
    arguments: [
      [0xFF], [0x80], [0xC3], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF8, 0x88, 0x80, 0x80, 0x80], [0x61, 0xE2, 0x82], [0x61, 0xFE],
    ] as [[UInt8]]
  )
  func aNameThatIsNotUTF8IsNeverLookedUp(_ name: [UInt8]) throws {
    let connection = try DrivenConnection(.sealedServer, peerUserName: ByteBuffer(bytes: name))
    connection.keys = nil
    connection.receive(connection.wire.opening)
    #expect(connection.wire.bytes == RefusalCode.authenticationFailed.bytes)
  }

  @Test(.clauses("H-5.a", "H-5.c", "O-10.e"))
  func aRecordOfAWrongLengthIsJudgedByItsLength() throws {
    for length in [UInt16(0), 256, 1000, .max] {
      let connection = try DrivenConnection(.sealedServer)
      var bytes = ByteBuffer(bytes: Preamble(mode: .sealed).bytes)
      bytes.writeInteger(length)
      connection.receive(bytes)
      #expect(connection.wire.refusal?.code == "authentication-failed")
    }
    for length in [UInt16(0), 1, 79, 81, .max] {
      let connection = try DrivenConnection(.sealedServer)
      connection.keys = nil
      var bytes = ByteBuffer(bytes: Preamble(mode: .sealed).bytes)
      Record.write(TestSecrets.userName, into: &bytes)
      bytes.writeInteger(length)
      connection.receive(bytes)
      #expect(connection.wire.refusal?.code == "authentication-failed")
    }
  }

  @Test(.clauses("H-8.b"))
  func theTrafficKeysLiveAsLongAsTheConnection() throws {
    let connection = try DrivenConnection(.sealedServer)
    #expect(connection.slab.usedSlotCount == 0)
    try connection.open()
    #expect(connection.slab.usedSlotCount == 2)
    connection.receive(.close())
    #expect(connection.ending != nil && !connection.isClosed)
    #expect(connection.slab.usedSlotCount == 0)
  }
}
