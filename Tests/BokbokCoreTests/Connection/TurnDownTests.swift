import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// The open handler lets a connection in or turns it down (C-9).
@Suite struct TurnDownTests {
  private func undecided(_ setup: ConnectionSetup) throws -> DrivenConnection {
    let connection = try DrivenConnection(setup)
    connection.letsIn = false
    try connection.open()
    return connection
  }

  @Test(.clauses("C-9.d"), arguments: ConnectionSetup.all)
  func requestsWaitUntilTheConnectionIsLetIn(_ setup: ConnectionSetup) throws {
    let connection = try undecided(setup)
    connection.receive(.request(3, "c"), .request(1, "a"), .request(2, bytes: ByteBuffer(string: "1"), more: true))
    connection.receive(.request(2, bytes: ByteBuffer(string: ":b"), more: false))
    #expect(connection.takeActions().isEmpty)
    connection.letIn()
    #expect(connection.takeActions() == [.handle(3, "c"), .handle(1, "a"), .handle(2, "b")])
    connection.receive(.request(4, "d"))
    #expect(connection.takeActions() == [.handle(4, "d")])
  }

  @Test(.clauses("C-9.d", "E-2.a", "P-1.a"), arguments: ConnectionSetup.all)
  func allElseIsTakenBeforeTheConnectionIsLetIn(_ setup: ConnectionSetup) throws {
    let connection = try undecided(setup)
    let own = try connection.begin("mine")
    #expect(connection.takeFrames() == [.request(own, "mine")])
    connection.receive(.request(1, bytes: ByteBuffer(string: "("), more: false), .ping(7), .response(own, "yours"))
    #expect(connection.takeFrames().map(\.kind) == [.error, .pong])
    #expect(connection.takeActions() == [.answered(own, "yours")])
  }

  @Test(.clauses("C-9.a", "C-9.b", "C-9.c"), arguments: ConnectionSetup.all)
  func aConnectionThatIsTurnedDownAnswersClosingAndEnds(_ setup: ConnectionSetup) throws {
    let connection = try undecided(setup)
    connection.receive(.request(1, "a"), .request(2, "b"))
    connection.turnDown("not-now", "come back")
    let frames = connection.takeFrames()
    #expect(frames.map(\.kind) == [.error, .error, .close])
    #expect(frames.map(\.exchange) == [1, 2, 0])
    #expect(frames.prefix(2).allSatisfy { errorCode($0) == "closing" })
    #expect(frames.last == .close("not-now", "come back"))
    // What comes afterwards is too late as well.
    connection.receive(.request(3, "c"))
    #expect(connection.takeFrames().map(errorCode) == ["closing"])
    connection.receive(.close())
    #expect(
      connection.takeActions() == [.closeReceived(code: "normal", message: ""), .ended(.turnedDown(code: "not-now"))]
    )
    #expect(connection.isShutDown)
  }

  @Test(.clauses("C-9.b", "X-2.a", "X-2.b"), arguments: ConnectionSetup.all)
  func anIdThatWasCancelledAndUsedAgainGetsOneAnswer(_ setup: ConnectionSetup) throws {
    let connection = try undecided(setup)
    connection.receive(.request(1, "a"), .cancel(1))
    #expect(connection.takeFrames().map(errorCode) == ["cancelled"])
    connection.receive(.request(1, "b"))
    connection.turnDown("not-now")
    #expect(connection.takeFrames().map(\.kind) == [.error, .close])
  }

  @Test(.clauses("C-9.d", "X-2.a"), arguments: ConnectionSetup.all)
  func anIdThatWasCancelledAndUsedAgainKeepsItsNewTurn(_ setup: ConnectionSetup) throws {
    let connection = try undecided(setup)
    connection.receive(.request(1, "a"), .request(2, "b"), .cancel(1), .request(1, "c"))
    connection.letIn()
    #expect(connection.takeActions() == [.handle(2, "b"), .handle(1, "c")])
  }

  @Test(.clauses("C-9.a"), arguments: ConnectionSetup.all)
  func aConnectionTurnedDownAfterItsPeerClosedEndsAtOnce(_ setup: ConnectionSetup) throws {
    let connection = try undecided(setup)
    connection.receive(.request(1, "a"), .close("bye", "x"))
    #expect(connection.takeFrames() == [.close()])
    #expect(connection.ending == nil)
    connection.turnDown("not-now")
    #expect(connection.takeFrames().map(errorCode) == ["closing"])
    #expect(connection.ending == .turnedDown(code: "not-now"))
  }

  private func errorCode(_ frame: Frame) -> String? {
    frame.kind == .error ? CodedMessage(decoding: frame.body, allowsDetails: true)?.code : nil
  }
}
