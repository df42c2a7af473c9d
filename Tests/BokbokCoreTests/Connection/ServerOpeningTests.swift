import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// What a server makes of a client's first bytes (O-2 to O-7, O-10).
@Suite struct ServerOpeningTests {
  private static func preamble(_ version: UInt8, _ mode: UInt8) -> ByteBuffer {
    ByteBuffer(bytes: Preamble(version: version, mode: Preamble.Mode(rawValue: mode)).bytes)
  }

  @Test(.clauses("O-2.a", "H-3.c"), arguments: ConnectionSetup.servers)
  func theServerSaysNothingBeforeItHasReadTheWholePreamble(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    for byte in connection.wire.opening.readableBytesView.prefix(7) {
      connection.receive(ByteBuffer(bytes: [byte]))
      #expect(connection.wire.bytes.readableBytes == 0)
    }
    let eighth = try #require(connection.wire.opening.readableBytesView.dropFirst(7).first)
    connection.receive(ByteBuffer(bytes: [eighth]))
    #expect((connection.wire.bytes.readableBytes > 0) == !setup.isSealed)
  }

  @Test(.clauses("O-3.a"), arguments: ConnectionSetup.servers)
  func anotherProtocolIsClosedWithoutAWord(_ setup: ConnectionSetup) throws {
    for position in 0..<6 {
      let connection = try DrivenConnection(setup)
      var bytes = connection.wire.opening
      bytes.setInteger(UInt8(ascii: "b"), at: position)
      connection.receive(bytes)
      #expect(connection.ending == .notBokbok)
      #expect(connection.isClosed && !connection.isShutDown)
      #expect(connection.wire.bytes.readableBytes == 0)
    }
  }

  @Test(.clauses("O-3.a"), arguments: ["GET / HTTP/1.1\r\n\r\n", "bokbok\u{1}\u{0}", "BOKBOO\u{1}\u{0}", "\u{0}"])
  func otherFirstBytesAreClosedWithoutAWord(_ text: String) throws {
    for setup in ConnectionSetup.servers {
      let connection = try DrivenConnection(setup)
      connection.receive(ByteBuffer(string: text))
      #expect(connection.ending == .notBokbok)
      #expect(connection.wire.bytes.readableBytes == 0)
    }
  }

  @Test(.clauses("O-4.a", "O-4.b", "O-6.a", "O-6.b", "O-6.d", "S-1.g"), arguments: ConnectionSetup.servers)
  func anUnknownVersionIsRefusedWhateverTheModeIs(_ setup: ConnectionSetup) throws {
    for version in [UInt8(0), 2, 3, 0x7F, 0xFF] {
      for mode in [UInt8(0), 1, 2, 0xFF] {
        let connection = try DrivenConnection(setup)
        connection.isBusy = true  // the version comes first
        connection.receive(Self.preamble(version, mode))
        expectRefusal(connection, "unsupported-version")
      }
    }
  }

  @Test(.clauses("O-5.a", "O-5.b", "O-5.c", "O-4.b", "O-6.a", "O-6.d"), arguments: ConnectionSetup.servers)
  func anyModeButItsOwnIsRefused(_ setup: ConnectionSetup) throws {
    for mode in [UInt8(0), 1, 2, 3, 0x10, 0x7F, 0x80, 0xFE, 0xFF] where mode != setup.mode.rawValue {
      let connection = try DrivenConnection(setup)
      connection.isBusy = true  // the mode comes first
      connection.receive(Self.preamble(1, mode))
      expectRefusal(connection, "mode-mismatch")
    }
  }

  @Test(.clauses("O-6.c", "O-6.d", "O-6.a", "O-2.a"), arguments: ConnectionSetup.servers)
  func aBusyServerRefusesWhenItHasReadThePreamble(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.isBusy = true
    let bytes = connection.wire.opening
    connection.receive(bytes.parts(byteCount: 7)[0])
    #expect(connection.wire.bytes.readableBytes == 0)
    connection.receive(ByteBuffer(bytes: bytes.readableBytesView.dropFirst(7)))
    expectRefusal(connection, "busy")
  }

  @Test(.clauses("O-6.d", "H-4.e"))
  func aBusyServerDoesNotJudgeTheUserName() throws {
    let connection = try DrivenConnection(.sealedServer)
    connection.isBusy = true
    var bytes = Self.preamble(1, 1)
    Record.write(ByteBuffer(bytes: [0xFF]), into: &bytes)
    connection.receive(bytes)
    expectRefusal(connection, "busy")
  }

  @Test(.clauses("O-6.d"), arguments: ConnectionSetup.servers)
  func nothingIsReadWhileTheServerIsAskedForRoom(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.isBusy = nil
    connection.receive(connection.wire.opening)
    #expect(connection.takeActions() == [.checkAdmission])
    #expect(!connection.wantsReading)
    #expect(connection.wire.bytes.readableBytes == 0)
    connection.admit(busy: false)
    #expect(connection.wantsReading)
    connection.receive(.settings([]))
    #expect(connection.isOpen)
    // A late answer changes nothing.
    connection.admit(busy: true)
    #expect(connection.isOpen)
  }

  @Test(.clauses("O-6.b"), arguments: ConnectionSetup.servers)
  func afterARefusalNothingMoreIsSaid(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.receive(Self.preamble(2, 0))
    let bytes = connection.wire.bytes
    connection.receive(connection.wire.opening)
    connection.receive(ByteBuffer(repeating: 0, count: 1000))
    #expect(connection.wire.bytes == bytes)
    #expect(connection.isShutDown)
    connection.receiveEnd()
    #expect(connection.isClosed)
  }

  @Test(.clauses("O-7.a", "O-7.b", "S-1.a", "S-1.d", "S-1.f"))
  func aPlainServerAcceptsAndSendsSettingsWithoutWaiting() throws {
    let connection = try DrivenConnection(.plainServer)
    connection.receive(Self.preamble(1, 0))
    #expect(connection.wire.preamble == Preamble(version: 1, mode: .plain))
    #expect(connection.takeFrames() == [.settings(.default)])
    #expect(!connection.isOpen)
    #expect(connection.takeActions().isEmpty)
    connection.receive(.settings(.default))
    #expect(connection.takeActions() == [.opened(userName: nil)])
  }

  @Test(.clauses("O-10.a", "O-10.b", "O-10.d", "S-1.g"), arguments: ConnectionSetup.servers)
  func aConnectionThatDoesNotOpenInTimeIsClosedWithoutAWord(_ setup: ConnectionSetup) throws {
    // What has come when the time is over, from nothing to all but the last byte of the SETTINGS.
    let wire = try DrivenConnection(setup)
    wire.receive(wire.wire.opening)
    var whole = wire.wire.opening
    whole.writeImmutableBuffer(wire.wire.record([.settings([])]))
    for count in 0..<whole.readableBytes {
      let connection = try DrivenConnection(setup)
      connection.wait(.seconds(5))
      if count > 0 { connection.receive(whole.parts(byteCount: count)[0]) }
      let bytes = connection.wire.bytes
      connection.wait(.milliseconds(4999))
      #expect(connection.ending == nil)
      connection.wait(.milliseconds(1))
      #expect(connection.ending == .timedOut)
      #expect(connection.isClosed && !connection.isShutDown)
      #expect(connection.wire.bytes == bytes)
    }
  }

  @Test(.clauses("O-10.b"), arguments: ConnectionSetup.servers)
  func bytesThatTrickleInDoNotExtendTheTime(_ setup: ConnectionSetup) throws {
    var configuration = MachineConfiguration()
    configuration.handshakeTimeout = .milliseconds(70)
    let connection = try DrivenConnection(setup, configuration: configuration)
    for byte in connection.wire.opening.readableBytesView.prefix(7) {
      #expect(connection.ending == nil)
      connection.receive(ByteBuffer(bytes: [byte]))
      connection.wait(.milliseconds(10))
    }
    #expect(connection.ending == .timedOut)
  }

  @Test(.clauses("C-6.a"), arguments: ConnectionSetup.servers)
  func anEndOfInputBeforeTheConnectionIsOpenIsALoss(_ setup: ConnectionSetup) throws {
    let model = try DrivenConnection(setup)
    let whole = model.wire.opening
    for count in 0...whole.readableBytes {
      let connection = try DrivenConnection(setup)
      if count > 0 { connection.receive(whole.parts(byteCount: count)[0]) }
      connection.receiveEnd()
      #expect(connection.ending == .lost(.endOfInput))
      #expect(connection.isClosed && !connection.isShutDown)
      #expect(connection.slab.usedSlotCount == 0)
    }
  }

  private func expectRefusal(
    _ connection: DrivenConnection,
    _ code: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(connection.wire.preamble == Preamble(version: 1, mode: .refused), sourceLocation: sourceLocation)
    #expect(connection.wire.refusal?.code == code, sourceLocation: sourceLocation)
    #expect(connection.wire.unreadByteCount == 0, sourceLocation: sourceLocation)
    guard case .refusedPeer(code: code, reason: _)? = connection.ending else {
      Issue.record("ended with \(String(describing: connection.ending))", sourceLocation: sourceLocation)
      return
    }
    #expect(connection.isShutDown && !connection.isClosed, sourceLocation: sourceLocation)
    #expect(!connection.allActions.contains { if case .opened = $0 { true } else { false } })
  }
}
