import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// How a client opens a sealed connection, and how it takes a server that cannot prove itself (section 3).
@Suite struct SealedClientOpeningTests {
  @Test(.clauses("H-2.a", "H-2.b", "H-1.a", "H-2.c", "O-1.b"))
  func theClientSendsNameAndMessage1WithoutWaiting() throws {
    let connection = try DrivenConnection(.sealedClient)
    var bytes = connection.wire.bytes
    bytes.moveReaderIndex(forwardBy: Preamble.byteCount)
    #expect(Record.read(from: &bytes) == TestSecrets.userName)
    #expect(Record.read(from: &bytes)?.readableBytes == 80)
    #expect(bytes.readableBytes == 0)
    // The test's server made message 2 from it: with another prologue, key or pattern it could not.
    #expect(connection.wire.opening.readableBytes == 8 + 2 + 48)
  }

  @Test(.clauses("H-3.a", "H-9.a", "S-1.a", "S-1.d", "S-1.f"))
  func theClientSendsItsSettingsSealedOnceMessage2HasCome() throws {
    let connection = try DrivenConnection(.sealedClient)
    connection.receive(connection.wire.opening)
    #expect(connection.takeFrames() == [.settings(.default)])
    #expect(!connection.isOpen)
    connection.receive(.settings(.default))
    #expect(connection.takeActions() == [.opened(userName: TestSecrets.userName)])
  }

  @Test(.clauses("H-11.a", "H-11.b", "O-9.f"))
  func everyChangedByteOfMessage2IsAFailedAuthentication() throws {
    for position in 0..<48 {
      let connection = try DrivenConnection(.sealedClient)
      var bytes = connection.wire.opening
      let index = Preamble.byteCount + Record.headerByteCount + position
      bytes.setInteger(bytes.readableBytesView[index] ^ 0x01, at: index)
      expectFailedAuthentication(connection, on: bytes)
    }
  }

  @Test(.clauses("H-11.a", "H-11.b", "H-3.b"))
  func aServerWithAnotherKeyIsAFailedAuthentication() throws {
    // A server that does not know the user's key answers with keys of its own.
    let connection = try DrivenConnection(.sealedClient)
    let other = try DrivenConnection(
      .sealedClient,
      userKey: TestSecrets.decoyKey,
      peerUserKey: TestSecrets.decoyKey
    )
    expectFailedAuthentication(connection, on: other.wire.opening)
  }

  @Test(.clauses("H-11.c", "H-11.a", "R-1.b"), arguments: [0, 1, 16, 47, 49, 80, 65_535])
  func aMessage2OfAnotherLengthIsAFailedAuthentication(_ length: Int) throws {
    let connection = try DrivenConnection(.sealedClient)
    var bytes = ByteBuffer(bytes: Preamble(mode: .sealed).bytes)
    bytes.writeInteger(UInt16(length))
    bytes.writeRepeatingByte(1, count: length)
    expectFailedAuthentication(connection, on: bytes)
  }

  @Test(.clauses("H-6.b"))
  func aServersPublicKeyOfSmallOrderIsAFailedAuthentication() throws {
    for first in [UInt8(0), 1] {
      let connection = try DrivenConnection(.sealedClient)
      var bytes = ByteBuffer(bytes: Preamble(mode: .sealed).bytes)
      Record.write(ByteBuffer(bytes: [first] + [UInt8](repeating: 0, count: 47)), into: &bytes)
      expectFailedAuthentication(connection, on: bytes)
    }
  }

  @Test(.clauses("O-9.c", "O-9.f"))
  func aPlainServerIsNotGoneAlongWith() throws {
    let connection = try DrivenConnection(.sealedClient)
    let sent = connection.wire.bytes
    var bytes = ByteBuffer(bytes: Preamble(mode: .plain).bytes)
    bytes.writeBytes([0, 10, 0, 0, 0, 2, 0, 0, 0, 0, 0x28, 0x29])
    connection.receive(bytes)
    #expect(connection.takeActions() == [.ended(.notBokbok)])
    #expect(connection.isClosed)
    #expect(connection.wire.bytes == sent)
  }

  @Test(.clauses("R-3.a", "R-3.d", "S-1.g", "O-9.f"))
  func aPlainSettingsOnASealedConnectionIsTampering() throws {
    let connection = try DrivenConnection(.sealedClient)
    connection.receive(connection.wire.opening)
    let sent = connection.wire.bytes
    var record = ByteBuffer()
    Frame.settings(.default).write(into: &record)
    var bytes = ByteBuffer()
    Record.write(record, into: &bytes)
    connection.receive(bytes)
    #expect(connection.takeActions() == [.ended(.tampered)])
    #expect(connection.isClosed && !connection.isShutDown)
    #expect(connection.wire.bytes == sent)
  }

  @Test(.clauses("H-8.b"))
  func theTrafficKeysLiveAsLongAsTheConnection() throws {
    let connection = try DrivenConnection(.sealedClient)
    try connection.open()
    #expect(connection.slab.usedSlotCount == 2)
    connection.abort()
    #expect(connection.slab.usedSlotCount == 0)
  }

  private func expectFailedAuthentication(
    _ connection: DrivenConnection,
    on bytes: ByteBuffer,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let sent = connection.wire.bytes
    connection.receive(bytes)
    #expect(connection.takeActions() == [.ended(.authenticationFailed)], sourceLocation: sourceLocation)
    #expect(connection.isClosed && !connection.isShutDown, sourceLocation: sourceLocation)
    #expect(connection.wire.bytes == sent, sourceLocation: sourceLocation)
    #expect(connection.slab.usedSlotCount == 0, sourceLocation: sourceLocation)
  }
}
