import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// CLOSE and the clean end (C-1 to C-4).
@Suite struct ClosingTests {
  private func opened(_ setup: ConnectionSetup, requestsMax: UInt32 = 128) throws -> DrivenConnection {
    let connection = try DrivenConnection(setup)
    try connection.open(peerSettings: try Settings(requestsMax: requestsMax))
    return connection
  }

  // MARK: C-1

  @Test(.clauses("C-1.a", "C-1.b", "C-4.a", "C-4.c", "C-4.d"), arguments: ConnectionSetup.all)
  func theSideThatClosesSaysWhy(_ setup: ConnectionSetup) throws {
    for (code, message) in [("normal", ""), ("shutdown", "bye"), ("my.own-code", "é")] {
      let connection = try opened(setup)
      connection.close(code, message)
      #expect(connection.takeFrames() == [.close(code, message)])
      #expect(connection.ending == nil)
      connection.receive(.close("theirs", "x"))
      // C-4: the other side's came after this side had sent its own.
      #expect(
        connection.takeActions()
          == [.closeReceived(code: "theirs", message: "x"), .ended(.clean(code: code, message: message))]
      )
      #expect(connection.isShutDown)
    }
  }

  @Test(.clauses("C-1.c"), arguments: ConnectionSetup.all)
  func closingAgainSaysNothingMore(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup)
    _ = try connection.begin("a")
    connection.close("first")
    connection.close("second")
    #expect(connection.takeFrames().map(\.kind) == [.request, .close])
    connection.receive(.close())
    connection.close("third")
    #expect(connection.takeFrames().isEmpty)
  }

  @Test(.clauses("C-1.d", "F-2.a"), arguments: Standing.allCases)
  func aSecondCLOSEIsAViolation(_ standing: Standing) throws {
    for setup in ConnectionSetup.all {
      let connection = try standing.connection(setup)
      connection.receive(.request(150, bytes: ByteBuffer(string: "("), more: true))
      guard connection.isOpen else { continue }  // the peer has sent CLOSE already: C-1.f
      connection.receive(.close("one"))
      #expect(connection.isOpen)
      connection.receive(.close("two"))
      guard case .violation(side: .local, requirement: "C-1", message: _)? = connection.ending else {
        Issue.record("\(setup): \(String(describing: connection.ending))")
        continue
      }
    }
  }

  @Test(.clauses("C-1.f", "F-2.a"), arguments: ConnectionSetup.all)
  func aNewREQUESTAfterCLOSEIsAViolation(_ setup: ConnectionSetup) throws {
    for hasMore in [false, true] {
      let connection = try opened(setup)
      connection.receive(.request(1, "a"), .close())
      connection.receive(.request(2, bytes: ByteBuffer(string: "1:a"), more: hasMore))
      guard case .violation(side: .local, requirement: "C-1", message: _)? = connection.ending else {
        Issue.record("\(String(describing: connection.ending))")
        continue
      }
    }
  }

  @Test(.clauses("C-1.f", "C-2.a"), arguments: ConnectionSetup.all)
  func noRequestIsBegunAfterACLOSEOfEitherSide(_ setup: ConnectionSetup) throws {
    let asked = try opened(setup)
    _ = try asked.begin("a")
    asked.close()
    #expect(asked.request("b") == .failed(.closing))

    let told = try opened(setup)
    told.receive(.request(1, "a"), .close())
    #expect(told.request("b") == .failed(.closing))

    // Also while this side's own CLOSE waits.
    let waiting = try opened(setup)
    waiting.isWritable = false
    _ = try waiting.begin(.message(byteCount: 100_000))
    waiting.close()
    #expect(waiting.request("b") == .failed(.closing))
  }

  @Test(.clauses("C-1.g", "C-3.c", "X-10.a"), arguments: ConnectionSetup.all)
  func requestsWithAPlaceGoOutWholeBeforeTheCLOSE(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open(peerSettings: try Settings(messageBytesMax: 100_000, partialBytesMax: 100_000))
    connection.isWritable = false
    let begun = try connection.begin(.message(byteCount: 100_000))
    let waitsForRoom = try connection.begin(.message(byteCount: 90_000))
    let short = try connection.begin("short")
    connection.takeOutputOnce(byteCountMax: 1)
    connection.close("bye")
    // A PONG and an answer do not wait for the CLOSE.
    connection.receive(.ping(1))
    connection.isWritable = true
    connection.run()
    let frames = connection.takeFrames()
    #expect(frames.last == .close("bye"))
    #expect(frames.count { $0.kind == .close } == 1)
    for id in [begun, waitsForRoom, short] {
      #expect(frames.last { $0.exchange == id }?.hasMore == false)
    }
  }

  @Test(.clauses("C-1.g", "X-7.h"), arguments: ConnectionSetup.all)
  func aRequestThatIsCancelledDoesNotHoldUpTheCLOSE(_ setup: ConnectionSetup) throws {
    for isBegun in [false, true] {
      let connection = try opened(setup)
      connection.isWritable = false
      let id = try connection.begin(.message(byteCount: 100_000))
      if isBegun { connection.takeOutputOnce(byteCountMax: 1) }
      connection.close()
      connection.cancel(id)
      connection.isWritable = true
      connection.run()
      #expect(connection.takeFrames().map(\.kind) == (isBegun ? [.request, .cancel, .close] : [.close]))
    }
  }

  @Test(.clauses("C-1.h", "X-6.b"), arguments: ConnectionSetup.all)
  func requestsThatWaitForAPlaceFailAsClosing(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup, requestsMax: 2)
    let ids = try (0..<5).map { try connection.begin(Value($0)) }
    connection.close()
    #expect(connection.takeActions() == ids[2...].map { .failed($0, .closing) })
    #expect(connection.takeFrames().map(\.kind) == [.request, .request, .close])
    connection.receive(.response(ids[0], "x"), .response(ids[1], "y"))
    #expect(connection.takeActions() == [.answered(ids[0], "x"), .answered(ids[1], "y")])
    #expect(connection.takeFrames().isEmpty)
  }

  // MARK: C-2

  @Test(.clauses("C-2.b", "C-2.c", "C-4.a", "C-4.d"), arguments: ConnectionSetup.all)
  func aCLOSEIsAnsweredAtOnceWithNormal(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup)
    connection.receive(.request(1, "a"))
    connection.isWritable = false
    connection.respond(to: 1, .value(.message(byteCount: 300_000)))
    connection.takeOutputOnce(byteCountMax: 1)
    connection.receive(.close("shutdown", "bye"))
    connection.isWritable = true
    connection.run()
    let frames = connection.takeFrames()
    #expect(frames.map(\.kind) == [.response, .close, .response, .response, .response, .response])
    #expect(frames[1] == .close())
    #expect(connection.ending == .clean(code: "shutdown", message: "bye"))
  }

  @Test(.clauses("C-2.b", "C-4.d", "C-1.c"), arguments: ConnectionSetup.all)
  func aCLOSEThatComesBeforeTheOwnIsOutIsAnsweredWithNormal(_ setup: ConnectionSetup) throws {
    // This side wants to close with a reason of its own, and a long request is still to go out before that.
    let connection = try opened(setup)
    connection.isWritable = false
    let id = try connection.begin(.message(byteCount: 200_000))
    connection.takeOutputOnce(byteCountMax: 1)
    connection.close("mine", "x")
    connection.receive(.close("theirs", "y"))
    connection.isWritable = true
    connection.run()
    #expect(connection.takeFrames().map(\.kind) == [.request, .cancel, .close])
    #expect(connection.wire.records.last?.last == .close())
    connection.receive(.error(id, "cancelled"))
    #expect(connection.ending == .clean(code: "theirs", message: "y"))
  }

  @Test(.clauses("C-2.d", "C-2.e", "C-4.b", "X-10.a"), arguments: ConnectionSetup.all)
  func requestsThatAreNotWholeFailAsClosing(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open(
      peerSettings: try Settings(messageBytesMax: 100_000, requestsMax: 4, partialBytesMax: 100_000)
    )
    let whole = try connection.begin("whole")
    connection.isWritable = false
    let begun = try connection.begin(.message(byteCount: 100_000))
    let noRoom = try connection.begin(.message(byteCount: 100_000))
    let short = try connection.begin("short")
    let noPlace = try connection.begin("no place")
    connection.takeOutputOnce(byteCountMax: 1)
    _ = connection.takeFrames()
    connection.takeOutputOnce(byteCountMax: 1)
    connection.receive(.close())
    let actions = connection.takeActions()
    #expect(actions.first == .closeReceived(code: "normal", message: ""))
    #expect(Set(actions.dropFirst().map(failedAsClosing)) == [begun, noRoom, noPlace])
    #expect(actions.count == 4)
    connection.isWritable = true
    connection.run()
    // The one sent in part is cancelled, and its place stays taken until the answer.
    #expect(connection.takeFrames().filter { $0.kind != .request } == [.cancel(begun), .close()])
    connection.receive(.error(begun, "cancelled"), .response(whole, "x"))
    #expect(connection.ending == nil)
    connection.receive(.error(short, "closing"))
    #expect(
      connection.takeActions().dropLast() == [
        .answered(whole, "x"), .failed(short, .remote(code: "closing", message: "", details: [])),
      ]
    )
    #expect(connection.ending == .clean(code: "normal", message: ""))
  }

  private func failedAsClosing(_ action: ConnectionAction) -> ExchangeID? {
    if case .failed(let id, .closing) = action { id } else { nil }
  }

  // MARK: C-3

  @Test(.clauses("C-3.a", "C-3.b", "X-2.a"), arguments: ConnectionSetup.all)
  func requestsThatBecomeWholeTooLateAreAnsweredClosing(_ setup: ConnectionSetup) throws {
    for isAsked in [true, false] {
      for isMalformed in [true, false] {
        let connection = try opened(setup)
        connection.receive(.request(9, "holds the connection"))
        connection.receive(.request(1, bytes: ByteBuffer(string: "("), more: true))
        if isAsked { connection.close() } else { connection.receive(.close()) }
        _ = connection.takeActions()
        _ = connection.takeFrames()
        connection.receive(.request(1, bytes: ByteBuffer(string: isMalformed ? "x" : ")"), more: false))
        if isAsked { connection.receive(.request(2, bytes: ByteBuffer(string: isMalformed ? "" : "()"), more: false)) }
        #expect(connection.takeActions().isEmpty)
        let frames = connection.takeFrames()
        #expect(frames.map(\.exchange) == (isAsked ? [1, 2] : [1]))
        #expect(frames.allSatisfy { CodedMessage(decoding: $0.body, allowsDetails: true)?.code == "closing" })
        #expect(connection.isOpen)
      }
    }
  }

  @Test(.clauses("C-3.c", "C-4.b", "X-2.a"), arguments: ConnectionSetup.all)
  func requestsThatWereWholeBeforeAreHandledAndAnswered(_ setup: ConnectionSetup) throws {
    for isAsked in [true, false] {
      let connection = try opened(setup)
      connection.receive(.request(1, "a"), .request(2, "b"))
      if isAsked { connection.close() }
      connection.receive(.close())
      #expect(connection.takeActions().prefix(2) == [.handle(1, "a"), .handle(2, "b")])
      connection.respond(to: 2, .value("c"))
      #expect(connection.ending == nil)
      connection.respond(to: 1, .failed(message: "no"))
      #expect(connection.takeFrames() == [.close(), .response(2, "c"), .error(1, "handler-failed", "no")])
      #expect(connection.ending == .clean(code: "normal", message: ""))
    }
  }

  @Test(.clauses("C-3.c"), arguments: ConnectionSetup.all)
  func aRequestThatIsWholeWhileTheOwnCLOSEWaitsIsHandled(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup)
    connection.isWritable = false
    _ = try connection.begin(.message(byteCount: 100_000))
    connection.close()
    connection.receive(.request(1, "a"))
    #expect(connection.takeActions() == [.handle(1, "a")])
  }

  @Test(.clauses("C-1.f", "X-7.d", "C-4.b"), arguments: ConnectionSetup.all)
  func cancellationsAndAnswersAreTakenAfterCLOSE(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup)
    let own = try connection.begin("mine")
    connection.receive(.request(1, "a"), .close(), .cancel(1), .cancel(2), .ping(3), .response(own, "x"))
    #expect(
      connection.takeActions() == [
        .handle(1, "a"), .closeReceived(code: "normal", message: ""), .cancelHandler(1), .answered(own, "x"),
      ]
    )
    connection.respond(to: 1, .value("late"))
    #expect(connection.takeFrames().map(\.kind) == [.request, .close, .pong, .error])
    #expect(connection.ending == .clean(code: "normal", message: ""))
  }

  // MARK: C-4

  @Test(.clauses("C-4.a", "C-4.b", "C-4.c"), arguments: ConnectionSetup.all)
  func theEndWaitsForEverythingUnderWayInEitherDirection(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup)
    let own = try connection.begin("mine")
    let cancelled = try connection.begin("cancelled")
    connection.receive(.request(1, "a"), .request(2, bytes: ByteBuffer(string: "("), more: true))
    connection.close("bye")
    connection.cancel(cancelled)
    connection.receive(.close())
    let steps: [() -> Void] = [
      { connection.receive(.response(own, "x")) }, { connection.respond(to: 1, .value("y")) },
      { connection.receive(.error(cancelled, "cancelled")) }, { connection.receive(.cancel(2)) },
    ]
    for step in steps {
      #expect(connection.ending == nil && !connection.isShutDown)
      step()
    }
    #expect(connection.ending == .clean(code: "bye", message: ""))
    #expect(connection.isShutDown && !connection.isClosed)
  }

  @Test(.clauses("C-4.a", "P-1.c", "F-2.f"), arguments: ConnectionSetup.all)
  func theEndDoesNotDependOnWhatFollowsInTheSameRecord(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup)
    connection.receive(.close("bye"), .ping(1), .close("again"))
    #expect(connection.ending == .clean(code: "bye", message: ""))
  }

  @Test(.clauses("C-1.a", "E-3.a"), arguments: ConnectionSetup.all)
  func aCLOSEThatIsTooLongIsCut(_ setup: ConnectionSetup) throws {
    let connection = try opened(setup)
    connection.close("normal", String(repeating: "é", count: 100_000))
    let frame = try #require(connection.takeFrames().first)
    #expect(frame.body.readableBytes <= setup.bodyByteCountMax)
    #expect(CodedMessage(decoding: frame.body, allowsDetails: false)?.message.isEmpty == false)
  }
}
