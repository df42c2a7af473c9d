import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// What a client sends first, and what it makes of the server's first bytes (O-1, O-8 to O-11).
@Suite struct ClientOpeningTests {
  private static func refusal(version: UInt8 = 1, _ content: String) -> ByteBuffer {
    var bytes = ByteBuffer(bytes: Preamble(version: version, mode: .refused).bytes)
    bytes.writeInteger(UInt16(content.utf8.count))
    bytes.writeString(content)
    return bytes
  }

  @Test(.clauses("O-1.a", "O-1.b", "O-8.a"), arguments: ConnectionSetup.clients)
  func theClientSpeaksFirst(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    #expect(connection.wire.bytes.readableBytesView.prefix(7) == [0x42, 0x4F, 0x4B, 0x42, 0x4F, 0x4B, 0x01])
    #expect(connection.wire.preamble?.mode == setup.mode)
    #expect(connection.takeFrames() == (setup.isSealed ? [] : [.settings(.default)]))
    #expect(connection.takeActions().isEmpty)
  }

  @Test(.clauses("O-9.a", "O-9.f"), arguments: ConnectionSetup.clients)
  func otherFirstBytesAreNotThisProtocol(_ setup: ConnectionSetup) throws {
    for position in 0..<6 {
      let connection = try DrivenConnection(setup)
      var bytes = connection.wire.opening
      bytes.setInteger(UInt8(ascii: "?"), at: position)
      expectEnd(connection, .notBokbok, on: bytes)
    }
  }

  @Test(.clauses("O-9.b", "O-9.c", "O-9.f"), arguments: ConnectionSetup.clients)
  func anotherVersionOrModeIsNotThisProtocol(_ setup: ConnectionSetup) throws {
    for version in [UInt8(0), 1, 2, 0xFF] {
      for mode in [UInt8(0), 1, 2, 0x7F, 0xFE]
      where Preamble(version: version, mode: .init(rawValue: mode)) != .own(setup) {
        let connection = try DrivenConnection(setup)
        var bytes = ByteBuffer(bytes: Preamble(version: version, mode: .init(rawValue: mode)).bytes)
        bytes.writeBytes([0, 10, 0, 0, 0, 2, 0, 0, 0, 0, 0x28, 0x29])
        expectEnd(connection, .notBokbok, on: bytes)
      }
    }
  }

  @Test(.clauses("O-9.h", "O-11.a", "S-1.g"), arguments: ConnectionSetup.clients)
  func aRefusalIsReportedWithItsCodeAndMessage(_ setup: ConnectionSetup) throws {
    let codes = ["busy", "authentication-failed", "mode-mismatch", "unsupported-version", "some-new.code-7"]
    for (version, code) in zip([UInt8(1), 1, 1, 2, 0xFF], codes) {
      let connection = try DrivenConnection(setup)
      let bytes = Self.refusal(version: version, "(\(code.utf8.count):\(code)6:no way)")
      // Not a byte less is enough, and the end of the stream need not be waited for.
      connection.receive(bytes.parts(byteCount: bytes.readableBytes - 1)[0])
      #expect(connection.ending == nil)
      expectEnd(
        connection,
        .refused(code: code, message: "no way"),
        on: bytes.parts(byteCount: bytes.readableBytes - 1)[1]
      )
    }
  }

  @Test(
    .clauses("O-9.d", "E-2.g"),
    arguments: [
      "", "4:busy", "()", "(4:busy)", "(4:busy0:0:)", "(4:Busy0:)", "(0:0:)", "(4:busy())", "(4:busy0:)x", "(4:busy0:",
      "(4:busy 0:)", "(4:busy1:\u{E4})", "(65:\(String(repeating: "x", count: 65))0:)",
    ]
  )
  func aRefusalOfAnotherFormIsNotThisProtocol(_ content: String) throws {
    for setup in ConnectionSetup.clients {
      expectEnd(try DrivenConnection(setup), .notBokbok, on: Self.refusal(content))
    }
  }

  @Test(.clauses("O-9.d", "E-2.g"), arguments: ConnectionSetup.clients)
  func aRefusalWhoseMessageIsNotUTF8IsNotThisProtocol(_ setup: ConnectionSetup) throws {
    var bytes = ByteBuffer(bytes: Preamble(mode: .refused).bytes)
    Record.write(ByteBuffer(bytes: Array("(4:busy1:".utf8) + [0xFF] + Array(")".utf8)), into: &bytes)
    expectEnd(try DrivenConnection(setup), .notBokbok, on: bytes)
  }

  @Test(.clauses("O-9.e", "C-6.a"), arguments: ConnectionSetup.clients)
  func anEndOfTheStreamBeforeTheServersLastByteIsALoss(_ setup: ConnectionSetup) throws {
    let accepting = try DrivenConnection(setup).wire.opening
    for bytes in [accepting, RefusalCode.busy.bytes] {
      for count in 0..<bytes.readableBytes {
        let connection = try DrivenConnection(setup)
        let sent = connection.wire.bytes
        if count > 0 { connection.receive(bytes.parts(byteCount: count)[0]) }
        connection.receiveEnd()
        #expect(connection.ending == .lost(.endOfInput))
        #expect(connection.isClosed && !connection.isShutDown)
        #expect(connection.wire.bytes == sent)
        #expect(connection.slab.usedSlotCount == 0)
      }
    }
  }

  @Test(.clauses("O-9.e", "C-6.a"), arguments: ConnectionSetup.clients)
  func anEndOfTheStreamBeforeTheServersSettingsIsALoss(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.receive(connection.wire.opening)
    connection.receiveEnd()
    #expect(connection.takeActions() == [.ended(.lost(.endOfInput))])
  }

  @Test(.clauses("O-10.b", "O-10.c", "O-10.d"), arguments: ConnectionSetup.clients)
  func aConnectionThatDoesNotOpenInTimeTimesOut(_ setup: ConnectionSetup) throws {
    let model = try DrivenConnection(setup)
    var whole = model.wire.opening
    model.receive(whole)
    whole.writeImmutableBuffer(model.wire.record([.settings([])]))
    for count in 0..<whole.readableBytes {
      let connection = try DrivenConnection(setup)
      if count > 0 { connection.receive(whole.parts(byteCount: count)[0]) }
      let bytes = connection.wire.bytes
      connection.wait(.milliseconds(9999))
      #expect(connection.ending == nil)
      connection.wait(.milliseconds(1))
      #expect(connection.ending == .timedOut)
      #expect(connection.isClosed && !connection.isShutDown)
      #expect(connection.wire.bytes == bytes)
    }
  }

  @Test(.clauses("S-1.f"), arguments: ConnectionSetup.clients)
  func nothingCanBeAskedBeforeTheConnectionIsOpen(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    #expect(connection.request("a") == .failed(.closing))
    #expect(!connection.ping(1))
    connection.receive(connection.wire.opening)
    #expect(connection.request("a") == .failed(.closing))
    #expect(!connection.ping(1))
    #expect(connection.takeActions().isEmpty)
    connection.receive(.settings([]))
    #expect(connection.takeActions() == [.opened(userName: setup.isSealed ? TestSecrets.userName : nil)])
    #expect(connection.ping(1))
  }

  @Test(.clauses("S-1.g"), arguments: ConnectionSetup.all)
  func closingBeforeTheConnectionIsOpenIsAnAbort(_ setup: ConnectionSetup) throws {
    for isAccepted in [false, true] {
      let connection = try DrivenConnection(setup)
      if isAccepted { connection.receive(connection.wire.opening) }
      let bytes = connection.wire.bytes
      connection.close()
      #expect(connection.takeActions() == [.ended(.aborted)])
      #expect(connection.isClosed && !connection.isShutDown)
      #expect(connection.wire.bytes == bytes)
    }
  }

  private func expectEnd(
    _ connection: DrivenConnection,
    _ ending: ConnectionEnding,
    on bytes: ByteBuffer,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let sent = connection.wire.bytes
    connection.receive(bytes)
    #expect(connection.ending == ending, sourceLocation: sourceLocation)
    #expect(connection.isClosed && !connection.isShutDown, sourceLocation: sourceLocation)
    #expect(connection.wire.bytes == sent, sourceLocation: sourceLocation)
    #expect(connection.takeActions() == [.ended(ending)], sourceLocation: sourceLocation)
    #expect(connection.slab.usedSlotCount == 0, sourceLocation: sourceLocation)
  }
}

extension Preamble {
  fileprivate static func own(_ setup: ConnectionSetup) -> Preamble {
    Preamble(mode: setup.mode)
  }
}
