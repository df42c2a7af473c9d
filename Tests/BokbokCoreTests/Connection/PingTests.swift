import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// PING and PONG (P-1, P-2) and keepalive (P-3).
@Suite struct PingTests {
  @Test(.clauses("P-1.a", "P-1.c"), arguments: Standing.allCases)
  func everyPINGIsAnsweredWithItsBytes(_ standing: Standing) throws {
    for setup in ConnectionSetup.all {
      let connection = try standing.connection(setup)
      connection.isWritable = true
      connection.receive(.ping(0), .ping(.max), .ping(0))
      connection.receive(.ping(0x0102_0304_0506_0708))
      let pongs = connection.takeFrames().filter { $0.kind == .pong }
      #expect(pongs == [.pong(0), .pong(.max), .pong(0), .pong(0x0102_0304_0506_0708)])
      #expect(connection.ending == nil)
    }
  }

  @Test(.clauses("P-1.b", "C-2.c"), arguments: ConnectionSetup.all)
  func aPONGGoesOutAheadOfFragments(_ setup: ConnectionSetup) throws {
    for budget in [1, 65_536, 200_000] {
      let connection = try DrivenConnection(setup)
      try connection.open()
      connection.receive(.request(1, "a"), .request(2, "b"))
      connection.isWritable = false
      connection.respond(to: 1, .value(.message(byteCount: 3_000_000)))
      connection.takeOutputOnce(byteCountMax: budget)
      #expect(connection.takeFrames().allSatisfy { $0.kind == .response })
      for number in UInt64(1)...5 {
        connection.receive(.ping(number))
        connection.takeOutputOnce(byteCountMax: budget)
        let frames = connection.takeFrames()
        // A frame at a time, one fragment may stand before it, so that single frames do not hold up all fragments.
        #expect(frames.first == .pong(number) || budget == 1)
        if budget == 1 {
          connection.takeOutputOnce(byteCountMax: budget)
          #expect((frames + connection.takeFrames()).prefix(2).contains(.pong(number)))
        }
      }
      connection.receive(.close())
      connection.takeOutputOnce(byteCountMax: 65_536)
      #expect(connection.takeFrames().prefix(2).contains(.close()))
    }
  }

  @Test(.clauses("P-2.a"), arguments: ConnectionSetup.all)
  func aPONGThatAnswersNothingIsIgnored(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.receive(.pong(1), .pong(.max))
    connection.ping(5)
    connection.receive(.pong(6), .pong(5), .pong(5))
    #expect(connection.takeActions() == [.ponged(5)])
    #expect(connection.takeFrames() == [.ping(5)])
  }

  @Test(.clauses("P-2.a", "P-2.b"), arguments: ConnectionSetup.all)
  func PONGsMayComeInAnyOrderAndMayNotCome(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    for token in PingToken(1)...3 { #expect(connection.ping(token)) }
    connection.receive(.pong(3), .pong(1))
    #expect(connection.takeActions() == [.ponged(3), .ponged(1)])
    // The driver fails what is left with the outcome.
    connection.receiveEnd()
    #expect(connection.takeActions() == [.ended(.lost(.endOfInput))])
    #expect(!connection.ping(4))
  }

  // MARK: Keepalive

  private func keptAlive(
    _ setup: ConnectionSetup,
    interval: TimeAmount = .seconds(30),
    timeout: TimeAmount? = .seconds(7)
  ) throws -> DrivenConnection {
    var configuration = MachineConfiguration()
    configuration.keepaliveInterval = interval
    configuration.keepaliveTimeout = timeout
    let connection = try DrivenConnection(setup, configuration: configuration)
    connection.wait(.seconds(8))  // the interval begins when the connection opens, not before
    try connection.open()
    return connection
  }

  @Test(.clauses("P-3.a"), arguments: ConnectionSetup.all)
  func withoutKeepaliveNothingIsAsked(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    #expect(connection.deadline == nil)
    connection.wait(.hours(1000))
    #expect(connection.takeFrames().isEmpty)
    #expect(connection.isOpen)
  }

  @Test(.clauses("P-3.b", "P-3.c", "P-3.e"), arguments: ConnectionSetup.all)
  func aSilentPeerIsAskedAndThenLost(_ setup: ConnectionSetup) throws {
    let connection = try keptAlive(setup)
    _ = try connection.begin("a")
    _ = connection.takeFrames()
    connection.wait(.milliseconds(29_999))
    #expect(connection.takeFrames().isEmpty)
    connection.wait(.milliseconds(1))
    #expect(connection.takeFrames().map(\.kind) == [.ping])
    connection.wait(.milliseconds(6999))
    #expect(connection.isOpen)
    connection.wait(.milliseconds(1))
    #expect(connection.takeActions() == [.ended(.lost(.keepalive))])
    #expect(connection.isClosed && !connection.isShutDown)
    #expect(connection.takeFrames().isEmpty)
  }

  @Test(.clauses("P-3.c"), arguments: ConnectionSetup.all)
  func theTimeoutIsTheIntervalUnlessItIsSet(_ setup: ConnectionSetup) throws {
    let connection = try keptAlive(setup, interval: .seconds(3), timeout: nil)
    connection.wait(.milliseconds(5999))
    #expect(connection.isOpen)
    connection.wait(.milliseconds(1))
    #expect(connection.ending == .lost(.keepalive))
  }

  @Test(.clauses("P-3.d", "P-3.b", "P-3.c"), arguments: ConnectionSetup.all)
  func everyWholeRecordBeginsTheIntervalAnew(_ setup: ConnectionSetup) throws {
    let connection = try keptAlive(setup)
    let frames: [Frame] = [
      .pong(1), .ping(2), .request(9, "a"), .cancel(77), .request(3, bytes: ByteBuffer(string: "("), more: true),
    ]
    for frame in frames {
      connection.wait(.milliseconds(29_999))
      connection.receive(frame)
    }
    #expect(!connection.takeFrames().contains { $0.kind == .ping })
    connection.wait(.milliseconds(29_999))
    #expect(connection.takeFrames().isEmpty)
    // Also after the PING, and of any content.
    connection.wait(.seconds(5))
    #expect(connection.takeFrames().map(\.kind) == [.ping])
    connection.receive(.ping(3))
    connection.wait(.milliseconds(29_999))
    #expect(connection.isOpen)
    #expect(connection.takeFrames() == [.pong(3)])
    connection.wait(.milliseconds(1))
    #expect(connection.takeFrames().map(\.kind) == [.ping])
  }

  @Test(.clauses("P-3.d"), arguments: ConnectionSetup.all)
  func bytesOfAnUnfinishedRecordDoNotCount(_ setup: ConnectionSetup) throws {
    let connection = try keptAlive(setup)
    let record = connection.wire.record([.request(1, .message(byteCount: 1000))])
    for piece in record.parts(byteCount: 1).prefix(37) {
      #expect(connection.isOpen)
      connection.receive(piece)
      connection.wait(.seconds(1))
    }
    #expect(connection.ending == .lost(.keepalive))
  }

  @Test(.clauses("P-3.f"), arguments: ConnectionSetup.all)
  func keepaliveGoesOnWhileTheConnectionCloses(_ setup: ConnectionSetup) throws {
    let connection = try keptAlive(setup)
    connection.receive(.request(1, "a"), .close())
    _ = connection.takeFrames()
    connection.wait(.seconds(30))
    #expect(connection.takeFrames().map(\.kind) == [.ping])
    connection.receive(.pong(.max))
    connection.wait(.milliseconds(29_999))
    #expect(connection.ending == nil)
    connection.wait(.milliseconds(7001))
    #expect(connection.ending == .lost(.keepalive))
  }

  @Test(.clauses("P-3.f"), arguments: ConnectionSetup.all)
  func keepaliveEndsAnAskedCloseBeforeItsDrainTimeDoes(_ setup: ConnectionSetup) throws {
    let connection = try keptAlive(setup, interval: .seconds(1), timeout: .seconds(1))
    _ = try connection.begin("a")
    connection.close()
    connection.wait(.seconds(2))
    #expect(connection.ending == .lost(.keepalive))
  }

  @Test(.clauses("P-2.a", "P-3.b"), arguments: ConnectionSetup.all)
  func thePONGOfKeepaliveIsNotReported(_ setup: ConnectionSetup) throws {
    let connection = try keptAlive(setup)
    connection.wait(.seconds(30))
    let ping = try #require(connection.takeFrames().first)
    connection.receive(Frame(.pong, body: ping.body))
    #expect(connection.takeActions().isEmpty)
  }
}
