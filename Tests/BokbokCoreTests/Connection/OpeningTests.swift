import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// A connection opens in each of the four set-ups, and carries exchanges both ways.
@Suite struct OpeningTests {
  @Test(.clauses("S-1.a", "S-1.f", "O-7.a", "O-7.b", "O-8.a"), arguments: ConnectionSetup.all)
  func aConnectionOpensAndAnswersBothWays(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()

    connection.receive(.request(1, ["echo", "12345"]))
    #expect(connection.takeActions() == [.handle(1, ["echo", "12345"])])
    connection.respond(to: 1, .value(["echo", "12345"]))
    #expect(connection.takeFrames() == [.response(1, ["echo", "12345"])])

    let id = try connection.begin(["hello"])
    #expect(connection.takeFrames() == [.request(id, ["hello"])])
    connection.receive(.response(id, ["there"]))
    #expect(connection.takeActions() == [.answered(id, ["there"])])

    connection.close()
    #expect(connection.takeFrames() == [.close()])
    #expect(connection.ending == nil)
    connection.receive(.close())
    #expect(connection.ending == .clean(code: "normal", message: ""))
    #expect(connection.isShutDown)
    #expect(!connection.isClosed)
    connection.receiveEnd()
    #expect(connection.isClosed)
    #expect(connection.slab.usedSlotCount == 0)
  }
}
