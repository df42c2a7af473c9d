import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// What a peer that does not read can make grow (P-4, P-5), and requests for which there is no memory.
@Suite struct BackpressureTests {
  // MARK: P-4

  private func unread(
    _ setup: ConnectionSetup,
    letsIn: Bool = true,
    _ change: (inout MachineConfiguration) -> Void
  ) throws -> DrivenConnection {
    var configuration = MachineConfiguration()
    change(&configuration)
    let connection = try DrivenConnection(setup, configuration: configuration)
    connection.letsIn = letsIn
    try connection.open()
    connection.isWritable = false
    return connection
  }

  @Test(.clauses("P-4.b", "P-1.a"), arguments: ConnectionSetup.all)
  func readingStopsWhilePONGsExceedTheLimit(_ setup: ConnectionSetup) throws {
    // A PONG is 16 bytes: ten are at the limit, eleven over it.
    let connection = try unread(setup) { $0.protocolOutputBytesMax = 160 }
    for number in UInt64(1)...10 {
      connection.receive(.ping(number))
      #expect(connection.wantsReading)
    }
    connection.receive(.ping(11))
    #expect(!connection.wantsReading)
    // What has come already waits too, to its last frame.
    connection.receive(.ping(12), .ping(13), .request(1, "a"), .settings([]))
    #expect(connection.takeActions().isEmpty)
    connection.isWritable = true
    connection.run()
    #expect(connection.takeActions().first == .handle(1, "a"))
    #expect(connection.takeFrames().map(\.kind) == [FrameKind](repeating: .pong, count: 13) + [.close])
  }

  @Test(.clauses("P-4.b"), arguments: ConnectionSetup.all)
  func readingGoesOnOnceLessWaits(_ setup: ConnectionSetup) throws {
    let connection = try unread(setup) { $0.protocolOutputBytesMax = 70_000 }
    let number = 70_000 / 16 + 1
    for start in 0..<number { connection.receive(.ping(UInt64(start))) }
    #expect(!connection.wantsReading)
    connection.takeOutputOnce(byteCountMax: 1)  // one record
    #expect(connection.wantsReading)
    connection.receive(.request(1, "a"))
    #expect(connection.takeActions() == [.handle(1, "a")])
  }

  @Test(.clauses("P-4.b", "X-7.g", "E-2.a", "C-3.a", "X-11.a"), arguments: ConnectionSetup.all)
  func theERRORsOfTheProtocolLayerCountToo(_ setup: ConnectionSetup) throws {
    for kind in 0..<4 {
      let connection = try unread(setup, letsIn: kind != 2) {
        $0.protocolOutputBytesMax = 1000
        $0.heldRequestBytesMax = 100
      }
      if kind == 3 { connection.receive(.request(99, .message(byteCount: 200))) }
      _ = connection.takeActions()
      var count = 0
      while connection.wantsReading, count < 100 {
        count += 1
        switch kind {
        case 0: connection.receive(.request(1, bytes: ByteBuffer(string: "x"), more: false))
        case 1: connection.receive(.request(1, bytes: ByteBuffer(string: "("), more: true), .cancel(1))
        case 2:
          connection.receive(.request(1, "a"), .cancel(1))
        default: connection.receive(.request(1, "a"))
        }
      }
      // From 40 to 150 bytes each.
      #expect((6...25).contains(count), "\(kind)")
      #expect(connection.takeActions().isEmpty)
    }
  }

  @Test(.clauses("P-4.a"), arguments: ConnectionSetup.all)
  func nothingElseStopsReading(_ setup: ConnectionSetup) throws {
    let connection = try unread(setup) {
      $0.protocolOutputBytesMax = 100
      $0.answerBytesWaitingMax = 100
    }
    for _ in 0..<50 { _ = try connection.begin(.message(byteCount: 10_000)) }
    _ = try connection.begin(.message(byteCount: 1_000_000))
    for id in ExchangeID(1)...40 { connection.receive(.request(id, "a")) }
    for id in ExchangeID(1)...40 {
      let large = HandlerAnswer.value(.message(byteCount: 100_000))
      connection.respond(to: id, id % 2 == 0 ? .failed(message: String(repeating: "x", count: 1000)) : large)
    }
    #expect(connection.wantsReading)
    connection.receive(.request(50, "b"), .cancel(50), .response(1, "x"))
    #expect(connection.wantsReading)
    #expect(connection.takeActions().last == .answered(1, "x"))
  }

  @Test(.clauses("P-4.b"), arguments: ConnectionSetup.all)
  func anEndOfInputIsSeenAlthoughReadingHadStopped(_ setup: ConnectionSetup) throws {
    let connection = try unread(setup) { $0.protocolOutputBytesMax = 16 }
    connection.receive(.ping(1), .ping(2), .request(1, "a"), .ping(3))
    #expect(!connection.wantsReading)
    connection.receiveEnd()
    #expect(connection.takeActions() == [.handle(1, "a"), .ended(.lost(.endOfInput))])
  }

  // MARK: P-5

  /// Requests 1 to `count` handled, and the handlers' answers waiting to be sent.
  private func answering(_ setup: ConnectionSetup, _ byteCounts: [Int], limit: Int) throws -> DrivenConnection {
    let connection = try unread(setup) { $0.answerBytesWaitingMax = limit }
    for id in 1...byteCounts.count { connection.receive(.request(ExchangeID(id), "a")) }
    for (index, byteCount) in byteCounts.enumerated() {
      connection.respond(to: ExchangeID(index + 1), .value(.message(byteCount: byteCount)))
    }
    _ = connection.takeActions()
    return connection
  }

  @Test(.clauses("P-5.a"), arguments: ConnectionSetup.all)
  func noRequestIsHandledWhileAnswersExceedTheLimit(_ setup: ConnectionSetup) throws {
    // The longest is not counted. Short answers count with their header of 8 bytes.
    let cases: [(answers: [Int], isHeld: Bool)] = [
      ([1_000_000], false), ([1000, 92, 392], false), ([1000, 93, 392], true), ([200_000, 492], false),
      ([200_000, 493], true), ([70_000, 80_000], true), ([1000, 492], false), ([1000, 493], true),
    ]
    for (answers, isHeld) in cases {
      let connection = try answering(setup, answers, limit: 500)
      connection.receive(.request(50, "held"))
      #expect(connection.takeActions() == (isHeld ? [] : [.handle(50, "held")]), "\(answers)")
      connection.isWritable = true
      connection.run()
      #expect(connection.takeActions() == (isHeld ? [.handle(50, "held")] : []), "\(answers)")
    }
  }

  @Test(.clauses("P-5.a"), arguments: ConnectionSetup.all)
  func heldRequestsAreHandledInTheirOrderOnceEnoughHasBeenSent(_ setup: ConnectionSetup) throws {
    let connection = try answering(setup, [Int](repeating: 40_000, count: 10), limit: 200_040)
    connection.receive(.request(60, "first"), .request(50, "second"))
    connection.receive(.request(55, bytes: ByteBuffer(string: "1:"), more: true))
    connection.receive(.request(55, bytes: ByteBuffer(string: "x"), more: false))
    #expect(connection.takeActions().isEmpty)
    for taken in 1...4 {
      connection.takeOutputOnce(byteCountMax: 1)
      // Nine of ten count at first, 40,008 bytes each; after four have gone five do, which are at the limit.
      #expect(connection.takeActions().isEmpty == (taken < 4))
      if taken == 3 { #expect(connection.wantsReading) }
    }
    connection.receive(.request(70, "fourth"))
    #expect(
      connection.allActions.suffix(4) == [
        .handle(60, "first"), .handle(50, "second"), .handle(55, "x"), .handle(70, "fourth"),
      ]
    )
  }

  @Test(.clauses("P-5.b", "P-1.a", "X-7.b", "C-2.b", "X-4.c"), arguments: ConnectionSetup.all)
  func everythingElseIsTakenWhileRequestsAreHeld(_ setup: ConnectionSetup) throws {
    let connection = try unread(setup) { $0.answerBytesWaitingMax = 100 }
    for id in ExchangeID(1)...3 { connection.receive(.request(id, "a")) }
    for id in ExchangeID(1)...2 { connection.respond(to: id, .value(.message(byteCount: 1000))) }
    let own = try connection.begin("mine")
    _ = connection.takeActions()
    connection.receive(.request(4, "held"), .ping(1), .cancel(3), .cancel(4), .response(own, "yours"))
    connection.receive(.request(5, bytes: ByteBuffer(string: "("), more: true), .request(6, "held"))
    connection.receive(.request(5, bytes: ByteBuffer(string: ")"), more: false), .close())
    #expect(
      connection.takeActions()
        == [.cancelHandler(3), .answered(own, "yours"), .closeReceived(code: "normal", message: "")]
    )
    #expect(connection.wantsReading)
    connection.respond(to: 3, .value("x"))
    connection.isWritable = true
    connection.run()
    // Those that were whole before the CLOSE are handled (C-3).
    #expect(connection.takeActions() == [.handle(6, "held"), .handle(5, [])])
    #expect(connection.takeFrames().map(\.kind) == [.response, .response, .request, .pong, .error, .close, .error])
  }

  @Test(.clauses("P-5.a", "X-6.c", "P-4.b"), arguments: ConnectionSetup.all)
  func aPeerThatNeverReadsGetsAsFarAsItsPlaces(_ setup: ConnectionSetup) throws {
    // It sends requests and cancels them, for ever; all that grows is bounded.
    let connection = try unread(setup) {
      $0.answerBytesWaitingMax = 10_000
      $0.protocolOutputBytesMax = 10_000
    }
    var roundCount = 0
    while connection.wantsReading, connection.isOpen, roundCount < 5000 {
      roundCount += 1
      connection.receive(.request(1, "a"), .cancel(1))
      for case .handle(let id, _) in connection.takeActions() {
        connection.respond(to: id, .value(.message(byteCount: 5000)))
      }
    }
    #expect(connection.isOpen)
    #expect(roundCount < 500)
  }

  // MARK: X-11

  @Test(.clauses("X-11.a"), arguments: ConnectionSetup.all)
  func aRequestForWhichThereIsNoMemoryIsOverloaded(_ setup: ConnectionSetup) throws {
    for excess in [0, 1] {
      let connection = try unread(setup) { $0.heldRequestBytesMax = 1000 }
      connection.isWritable = true
      connection.receive(.request(1, .message(byteCount: 600)))
      connection.receive(.request(2, .message(byteCount: 400 + excess)))
      #expect(connection.takeActions().count == 2 - excess)
      let frames = connection.takeFrames()
      #expect(frames.map(code) == (excess == 0 ? [] : ["overloaded"]))
      #expect(frames.map(\.exchange) == (excess == 0 ? [] : [2]))
      // Once a handler has ended there is room again.
      connection.respond(to: 1, .value("x"))
      connection.receive(.request(3, .message(byteCount: 500)))
      #expect(connection.takeActions() == [.handle(3, .message(byteCount: 500))])
    }
  }

  @Test(.clauses("X-11.a"), arguments: ConnectionSetup.all)
  func aRequestIsNotTurnedAwayWhereItIsTheOnlyOne(_ setup: ConnectionSetup) throws {
    let connection = try unread(setup) { $0.heldRequestBytesMax = 10 }
    for id in ExchangeID(1)...3 {
      connection.receive(.request(id, .message(byteCount: 600)))
      #expect(connection.takeActions() == [.handle(id, .message(byteCount: 600))])
      connection.respond(to: id, .value(.message(byteCount: 100_000)))
    }
  }

  @Test(.clauses("X-11.a"), arguments: ConnectionSetup.all)
  func heldRequestsCountUntilTheyAreCancelled(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(
      setup,
      configuration: {
        var configuration = MachineConfiguration()
        configuration.heldRequestBytesMax = 1000
        return configuration
      }()
    )
    connection.letsIn = false
    try connection.open()
    for _ in 0..<20 {
      connection.receive(.request(1, .message(byteCount: 600)), .request(2, .message(byteCount: 600)))
      #expect(connection.takeFrames().map(code) == ["overloaded"])
      connection.receive(.cancel(1))
      #expect(connection.takeFrames().map(code) == ["cancelled"])
    }
  }

  private func code(_ frame: Frame) -> String? {
    frame.kind == .error ? CodedMessage(decoding: frame.body, allowsDetails: true)?.code : nil
  }
}
