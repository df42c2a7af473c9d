import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// How many exchanges may be under way, in which order they end, and what handlers may ask.
@Suite struct PlaceTests {
  private func limited(_ setup: ConnectionSetup, requestsMax: UInt32) throws -> DrivenConnection {
    var configuration = MachineConfiguration()
    configuration.settings = try Settings(requestsMax: requestsMax)
    let connection = try DrivenConnection(setup, configuration: configuration)
    try connection.open(peerSettings: try Settings(requestsMax: requestsMax))
    return connection
  }

  // MARK: As the responder

  @Test(.clauses("X-6.a", "X-6.c"), arguments: [UInt32(1), 2, 128])
  func asManyRequestsAsAllowedAreTakenAndOneMoreIsAViolation(_ requestsMax: UInt32) throws {
    for setup in ConnectionSetup.all {
      for isOneMore in [false, true] {
        let connection = try limited(setup, requestsMax: requestsMax)
        for id in 1...requestsMax { connection.receive(.request(id, "a")) }
        #expect(connection.takeActions().count == Int(requestsMax))
        if isOneMore {
          connection.receive(.request(requestsMax + 1, "a"))
          guard case .violation(side: .local, requirement: "X-6", message: _)? = connection.ending else {
            Issue.record("\(String(describing: connection.ending))")
            return
          }
        } else {
          // The place is free once the answer stands in the output, although nothing has read it.
          connection.isWritable = false
          connection.respond(to: requestsMax, .value("b"))
          connection.receive(.request(requestsMax + 1, "a"))
          #expect(connection.takeActions() == [.handle(requestsMax + 1, "a")])
        }
      }
    }
  }

  @Test(.clauses("X-6.a", "X-6.c", "X-7.c"), arguments: ConnectionSetup.all)
  func everyStateButTheAnsweredTakesAPlace(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup, requestsMax: 4)
    connection.receive(.request(1, "handling"), .request(2, "cancelled"), .cancel(2))
    connection.receive(.request(3, bytes: ByteBuffer(string: "("), more: true))
    connection.receive(.request(4, "long"))
    connection.isWritable = false
    connection.respond(to: 4, .value(.message(byteCount: 100_000)))
    connection.takeOutputOnce(byteCountMax: 1)
    // The last fragment of the answer stands in the order of sending: that place is free.
    connection.takeOutputOnce(byteCountMax: 1)
    connection.receive(.request(5, bytes: ByteBuffer(string: "("), more: true))
    #expect(connection.isOpen)
    connection.receive(.request(6, bytes: ByteBuffer(string: "("), more: true))
    #expect(connection.ending != nil)
  }

  @Test(.clauses("X-6.a", "X-6.c"), arguments: ConnectionSetup.all)
  func anAnswerNotWrittenToItsEndTakesAPlace(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup, requestsMax: 1)
    connection.receive(.request(4, "long"))
    connection.isWritable = false
    connection.respond(to: 4, .value(.message(byteCount: 100_000)))
    connection.takeOutputOnce(byteCountMax: 1)
    connection.receive(.request(5, "a"))
    #expect(connection.ending != nil)
  }

  @Test(.clauses("X-6.a", "X-6.c", "E-2.a", "C-9.d"), arguments: ConnectionSetup.all)
  func requestsThatAreAnsweredByTheProtocolLayerFreeTheirPlaces(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup, requestsMax: 2)
    for id in ExchangeID(1)...50 {
      connection.receive(.request(id, bytes: ByteBuffer(string: "x"), more: false))  // malformed
      connection.receive(.request(id, bytes: ByteBuffer(string: "("), more: true), .cancel(id))
      connection.receive(.request(id, "a"), .cancel(id))
      connection.respond(to: id, .value("b"))
    }
    #expect(connection.isOpen && connection.isIdle)
    connection.receive(.request(1, "a"), .request(2, "a"))
    #expect(connection.isOpen)
  }

  @Test(.clauses("X-9.b", "X-2.a", "X-2.b", "X-1.c"), arguments: ConnectionSetup.all)
  func answersGoOutInTheOrderInWhichTheHandlersEnd(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    let ids: [ExchangeID] = [.max, 1, 7, 2, 0x8000_0000]
    for id in ids { connection.receive(.request(id, Value(id))) }
    #expect(connection.takeActions() == ids.map { .handle($0, Value($0)) })
    for id in ids.reversed() { connection.respond(to: id, .value(Value(id))) }
    #expect(connection.takeFrames() == ids.reversed().map { .response($0, Value($0)) })
    #expect(connection.isIdle)
    // Each id again.
    for id in ids { connection.receive(.request(id, "again")) }
    #expect(connection.takeActions().count == ids.count)
  }

  // MARK: As the requester

  @Test(.clauses("X-6.b", "X-6.d", "X-1.a"), arguments: [UInt32(1), 2, 5])
  func aRequestWaitsForAPlaceUntilAnAnswerHasCome(_ requestsMax: UInt32) throws {
    for setup in ConnectionSetup.all {
      let connection = try limited(setup, requestsMax: requestsMax)
      let count = Int(requestsMax)
      let ids = try (0..<(count + 3)).map { try connection.begin(Value($0)) }
      #expect(Set(ids).count == ids.count && !ids.contains(0))
      #expect(connection.takeFrames().map(\.exchange) == Array(ids.prefix(count)))
      connection.receive(.response(ids[0], bytes: ByteBuffer(string: "1:"), more: true))
      #expect(connection.takeFrames().isEmpty)
      connection.receive(.response(ids[0], bytes: ByteBuffer(string: "a"), more: false))
      #expect(connection.takeFrames() == [.request(ids[count], Value(count))])
      connection.receive(.error(ids[count], "x"))
      #expect(connection.takeFrames() == [.request(ids[count + 1], Value(count + 1))])
    }
  }

  @Test(.clauses("X-6.b", "X-7.i"), arguments: ConnectionSetup.all)
  func cancellingDoesNotFreeThePlace(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup, requestsMax: 1)
    let first = try connection.begin("a")
    let second = try connection.begin("b")
    #expect(connection.cancel(first))
    #expect(connection.takeFrames() == [.request(first, "a"), .cancel(first)])
    connection.receive(.error(first, "cancelled"))
    #expect(connection.takeFrames() == [.request(second, "b")])
    #expect(connection.takeActions().isEmpty)
  }

  @Test(.clauses("X-6.b"), arguments: ConnectionSetup.all)
  func aRequestThatIsCancelledWhileItWaitsIsNeverSent(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup, requestsMax: 1)
    let ids = try (0..<4).map { try connection.begin(Value($0)) }
    #expect(connection.cancel(ids[1]))
    #expect(connection.cancel(ids[2]))
    #expect(!connection.cancel(ids[2]))
    connection.receive(.response(ids[0], "x"))
    #expect(connection.takeFrames() == [.request(ids[0], 0), .request(ids[3], 3)])
  }

  @Test(.clauses("X-6.b", "X-10.a"), arguments: ConnectionSetup.all)
  func aLongRequestThatIsCancelledBeforeItBeganFreesItsPlace(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup, requestsMax: 1)
    connection.isWritable = false
    let first = try connection.begin(.message(byteCount: 100_000))
    let second = try connection.begin("b")
    #expect(connection.cancel(first))
    connection.isWritable = true
    connection.run()
    #expect(connection.takeFrames() == [.request(second, "b")])
  }

  @Test(.clauses("X-6.b", "X-7.a", "C-2.d", "C-4.a"), arguments: ConnectionSetup.all)
  func aLongRequestThatHasRoomButHasNotHadItsTurnIsNotCancelledOnTheWire(_ setup: ConnectionSetup) throws {
    for isCloseReceived in [false, true] {
      let connection = try limited(setup, requestsMax: 2)
      connection.isWritable = false
      let first = try connection.begin(.message(byteCount: 100_000))
      let second = try connection.begin(.message(byteCount: 100_000))
      connection.takeOutputOnce(byteCountMax: 1)
      if isCloseReceived { connection.receive(.close()) } else { #expect(connection.cancel(second)) }
      connection.isWritable = true
      connection.run()
      // The peer never heard of the second: it would ignore a CANCEL, and never answer.
      #expect(!connection.takeFrames().contains { $0.exchange == second })
      connection.receive(.error(first, "cancelled"))
      #expect(connection.isIdle)
    }
  }

  @Test(.clauses("X-1.a"), arguments: ConnectionSetup.plain)
  func anIdIsNotUsedAgainWhileItIsUnderWay(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    var underWay: Set<ExchangeID> = []
    for round in 0..<300 {
      let id = try connection.begin("a")
      #expect(id != 0)
      #expect(underWay.insert(id).inserted)
      if round % 3 != 0 {
        connection.receive(.response(id, "b"))
        underWay.remove(id)
      }
    }
  }

  // MARK: Handlers that ask

  @Test(.clauses("X-8.a", "X-8.b"), arguments: ConnectionSetup.all)
  func handlersMayAskWhileTheyHandle(_ setup: ConnectionSetup) throws {
    let connection = try limited(setup, requestsMax: 3)
    var nested: [ExchangeID] = []
    for depth in ExchangeID(1)...3 {
      connection.receive(.request(depth, ["nest", Value(depth)]))
      #expect(connection.takeActions() == [.handle(depth, ["nest", Value(depth)])])
      nested.append(try connection.begin(["nest", Value(depth)]))
    }
    // One more waits for a place like any other.
    let waiting = try connection.begin("one more")
    #expect(connection.takeFrames().map(\.exchange) == nested)
    for (depth, id) in zip(ExchangeID(1)...3, nested).reversed() {
      connection.receive(.response(id, ["nested"]))
      #expect(connection.takeActions() == [.answered(id, ["nested"])])
      connection.respond(to: depth, .value(["nested"]))
    }
    #expect(connection.takeFrames().map(\.exchange) == [waiting, 3, 2, 1])
  }
}
