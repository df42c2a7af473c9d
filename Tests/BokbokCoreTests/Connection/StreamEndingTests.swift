import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// How a stream is ended after its last word (F-3), and what follows a failed write (F-4).
@Suite struct StreamEndingTests {
  /// How a side comes to a last word.
  enum Word: CaseIterable, CustomTestStringConvertible {
    case violation
    case cleanEnd
    case refusal

    var testDescription: String { "\(self)" }
  }

  /// A connection on which the last word has just been decided; nothing has been written of it unless `isWritable`.
  private func ended(by word: Word, _ setup: ConnectionSetup, isWritable: Bool) throws -> DrivenConnection {
    let connection = try DrivenConnection(setup)
    connection.writesAtOnce = false
    switch word {
    case .violation:
      try connection.open()
      connection.isWritable = isWritable
      connection.receive(.settings([]))
      #expect(connection.ending == .violation(side: .local, requirement: "S-1", message: "a second SETTINGS"))
    case .cleanEnd:
      try connection.open()
      connection.isWritable = isWritable
      connection.receive(.close("bye", "x"))
      #expect(connection.ending == .clean(code: "bye", message: "x"))
    case .refusal:
      connection.isWritable = isWritable
      connection.receive(ByteBuffer(bytes: Preamble(version: 2, mode: .plain).bytes))
      guard case .refusedPeer(code: "unsupported-version", reason: _)? = connection.ending else {
        Issue.record("no refusal but \(String(describing: connection.ending))")
        return connection
      }
    }
    return connection
  }

  private static let cases: [(Word, ConnectionSetup)] = Word.allCases.flatMap { word in
    (word == .refusal ? ConnectionSetup.servers : ConnectionSetup.all).map { (word, $0) }
  }

  @Test(.clauses("F-3.a", "F-3.b", "F-3.f", "F-2.d", "O-6.b", "C-4.a"), arguments: cases)
  func theWordGoesOutBeforeTheSendingHalfIsShutDown(_ word: Word, _ setup: ConnectionSetup) throws {
    let connection = try ended(by: word, setup, isWritable: true)
    #expect(!connection.isShutDown)
    let frames = connection.takeFrames()
    switch word {
    case .violation: #expect(frames.map(\.kind) == [.close])
    case .cleanEnd: #expect(frames == [.close()])
    case .refusal: #expect(connection.wire.refusal?.code == "unsupported-version")
    }
    connection.reportWritten()
    #expect(connection.isShutDown)
    #expect(!connection.isClosed)
  }

  @Test(.clauses("F-3.b"), arguments: cases)
  func whatStillArrivesIsDiscardedUntilTheEndOfInput(_ word: Word, _ setup: ConnectionSetup) throws {
    let connection = try ended(by: word, setup, isWritable: true)
    connection.reportWritten()
    let bytes = connection.wire.bytes
    _ = connection.takeActions()
    connection.wait(.milliseconds(900))
    connection.receive(ByteBuffer(string: "anything at all"))
    #expect(connection.wantsReading)
    #expect(!connection.isClosed)
    connection.receiveEnd()
    #expect(connection.isClosed)
    #expect(connection.takeActions().isEmpty)
    #expect(connection.wire.bytes == bytes)
  }

  @Test(.clauses("F-3.b"), arguments: cases)
  func aStreamWhoseInputDoesNotEndIsClosedAfterOneSecond(_ word: Word, _ setup: ConnectionSetup) throws {
    let connection = try ended(by: word, setup, isWritable: true)
    connection.wait(.milliseconds(500))
    connection.reportWritten()
    for _ in 0..<9 {
      connection.wait(.milliseconds(100))
      connection.receive(ByteBuffer(string: "more"))
    }
    connection.wait(.milliseconds(99))
    #expect(!connection.isClosed)
    connection.wait(.milliseconds(1))
    #expect(connection.isClosed)
    #expect(connection.deadline == nil)
  }

  @Test(.clauses("F-3.c", "F-3.d"), arguments: cases)
  func aWordThatCannotBeWrittenIsGivenUpAfterOneSecond(_ word: Word, _ setup: ConnectionSetup) throws {
    let connection = try ended(by: word, setup, isWritable: false)
    #expect(connection.wantsReading)
    connection.wait(.milliseconds(999))
    connection.receive(ByteBuffer(string: "more"))
    #expect(!connection.isClosed)
    connection.wait(.milliseconds(1))
    #expect(connection.isClosed)
    #expect(!connection.isShutDown)
  }

  @Test(.clauses("F-3.d"), arguments: cases)
  func aWordThatIsTakenAndNeverWrittenIsGivenUpAfterOneSecond(_ word: Word, _ setup: ConnectionSetup) throws {
    let connection = try ended(by: word, setup, isWritable: true)
    connection.wait(.milliseconds(999))
    #expect(!connection.isClosed)
    connection.wait(.milliseconds(1))
    #expect(connection.isClosed)
    #expect(!connection.isShutDown)
  }

  @Test(.clauses("F-3.a", "F-3.b"), arguments: cases)
  func anEndOfInputWhileTheWordIsWrittenDoesNotStopIt(_ word: Word, _ setup: ConnectionSetup) throws {
    let connection = try ended(by: word, setup, isWritable: false)
    connection.receiveEnd()
    #expect(!connection.isClosed)
    connection.isWritable = true
    connection.run()
    connection.reportWritten()
    #expect(connection.isShutDown)
    #expect(connection.isClosed)
  }

  @Test(.clauses("F-3.f"), arguments: cases)
  func theOutcomeIsReportedBeforeTheWordIsWritten(_ word: Word, _ setup: ConnectionSetup) throws {
    let connection = try ended(by: word, setup, isWritable: false)
    #expect(connection.ending != nil)
    #expect(!connection.isShutDown && !connection.isClosed)
  }

  @Test(.clauses("F-3.d"), arguments: cases)
  func aStreamThatFailsWhileItEndsIsClosed(_ word: Word, _ setup: ConnectionSetup) throws {
    for fail in [DrivenConnection.failStream, DrivenConnection.failWrites, DrivenConnection.abort] {
      let connection = try ended(by: word, setup, isWritable: false)
      let ending = connection.ending
      fail(connection)()
      #expect(connection.isClosed)
      #expect(connection.ending == ending)
    }
  }

  // MARK: Decided by a call that says nothing of the time

  @Test(.clauses("F-3.a", "F-3.b"), arguments: ConnectionSetup.all)
  func anAnswerGivenLongAfterTheCLOSEGoesOutBeforeTheEnd(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.writesAtOnce = false
    try connection.open()
    connection.receive(.request(1, "a"), .close())
    connection.skip(.seconds(60))
    connection.respond(to: 1, .value("b"))
    #expect(connection.takeFrames() == [.close(), .response(1, "b")])
    #expect(connection.ending == .clean(code: "normal", message: ""))
    connection.wait(.milliseconds(999))
    #expect(!connection.isClosed)
    connection.reportWritten()
    #expect(connection.isShutDown && !connection.isClosed)
    connection.wait(.milliseconds(999))
    #expect(!connection.isClosed)
    connection.wait(.milliseconds(1))
    #expect(connection.isClosed)
  }

  @Test(.clauses("F-3.a", "F-3.b", "O-6.b"))
  func aRefusalAfterALongLookUpGoesOut() throws {
    let connection = try DrivenConnection(.sealedServer)
    connection.writesAtOnce = false
    connection.keys = nil
    connection.receive(connection.wire.opening)
    connection.skip(.seconds(9))
    connection.keysFound([])
    #expect(connection.wire.refusal?.code == "authentication-failed")
    connection.wait(.milliseconds(900))
    #expect(!connection.isClosed)
    connection.reportWritten()
    #expect(connection.isShutDown && !connection.isClosed)
  }

  // MARK: The end waits for answers

  @Test(.clauses("C-4.a", "F-3.a"), arguments: ConnectionSetup.all)
  func answersThatWaitToBeSentGoOutBeforeTheEndHoweverSlowly(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.writesAtOnce = false
    try connection.open()
    connection.isWritable = false
    for id in ExchangeID(1)...20 { connection.receive(.request(id, "a")) }
    for id in ExchangeID(1)...20 { connection.respond(to: id, .value(.message(byteCount: 40_000))) }
    connection.receive(.close())
    for _ in 0..<20 {
      #expect(connection.ending == nil)
      connection.wait(.milliseconds(900))
      connection.takeOutputOnce(byteCountMax: 40_000)
    }
    connection.isWritable = true
    connection.run()
    #expect(connection.takeFrames().count { $0.kind == .response } == 20)
    #expect(connection.ending == .clean(code: "normal", message: ""))
  }

  @Test(.clauses("F-3.d"), arguments: ConnectionSetup.all)
  func aPeerThatClosesAndReadsNothingIsGivenUp(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.isWritable = false
    connection.receive(.request(1, "a"))
    connection.respond(to: 1, .value("b"))
    connection.receive(.close())
    #expect(connection.ending == nil)
    connection.wait(.milliseconds(999))
    #expect(connection.ending == nil)
    connection.wait(.milliseconds(1001))
    #expect(connection.ending == .lost(.writeFailed))
    #expect(connection.isClosed)
  }

  @Test(.clauses("C-6.a", "C-6.b", "C-6.d"), arguments: ConnectionSetup.all)
  func anEndOfInputBeforeAnAnswerIsOutIsNoCleanEnd(_ setup: ConnectionSetup) throws {
    // The last fragment stands in the order of sending, but the stream has not taken it.
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.isWritable = false
    connection.receive(.request(1, "a"), .request(2, "b"))
    connection.respond(to: 1, .value("short"))
    connection.respond(to: 2, .value(.message(byteCount: 70_000)))
    connection.takeOutputOnce(byteCountMax: 1)
    connection.takeOutputOnce(byteCountMax: 1)
    connection.receive(.close())
    connection.receiveEnd()
    #expect(connection.ending == .lost(.endOfInput))
  }

  // MARK: Failed writes

  @Test(.clauses("F-4.a"), arguments: ConnectionSetup.all)
  func afterAFailedWriteAnswersAreStillTaken(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    let first = try connection.begin("a")
    let second = try connection.begin("b")
    connection.failWrites()
    #expect(connection.ending == nil)
    connection.wait(.milliseconds(500))
    connection.receive(.response(first, "c"))
    #expect(connection.takeActions() == [.answered(first, "c")])
    connection.wait(.milliseconds(499))
    connection.receive(.response(second, "d"))
    #expect(connection.takeActions() == [.answered(second, "d")])
    connection.wait(.milliseconds(1))
    #expect(connection.ending == .lost(.writeFailed))
    #expect(connection.isClosed && !connection.isShutDown)
  }

  @Test(.clauses("F-4.a"), arguments: ConnectionSetup.all)
  func afterAFailedWriteTheEndOfInputIsTheLoss(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    _ = try connection.begin("a")
    connection.failWrites()
    connection.receiveEnd()
    #expect(connection.ending == .lost(.writeFailed))
  }

  @Test(.clauses("F-4.a", "C-7.b"), arguments: ConnectionSetup.all)
  func afterAFailedWriteACLOSEIsStillTaken(_ setup: ConnectionSetup) throws {
    let violated = try DrivenConnection(setup)
    try violated.open()
    violated.failWrites()
    violated.receive(.close("protocol-error", "no"))
    #expect(violated.ending == .violation(side: .remote, requirement: "", message: "no"))

    let closed = try DrivenConnection(setup)
    try closed.open()
    closed.failWrites()
    closed.receive(.close("shutdown", "bye"))
    #expect(closed.ending == .clean(code: "shutdown", message: "bye"))
    #expect(closed.isClosed)
  }

  @Test(.clauses("F-4.a", "C-6.d"), arguments: ConnectionSetup.all)
  func afterAFailedWriteAnUnsentAnswerIsNoCleanEnd(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.receive(.request(1, "a"))
    connection.failWrites()
    connection.respond(to: 1, .value("b"))
    connection.isWritable = true  // the driver may ask for output all the same
    connection.run()
    connection.receive(.close())
    #expect(connection.ending == nil)
    connection.receiveEnd()
    #expect(connection.ending == .lost(.writeFailed))
  }

  @Test(.clauses("F-4.a"), arguments: ConnectionSetup.clients)
  func aClientWhoseFirstWriteFailsStillTakesARefusal(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.failWrites()
    connection.wait(.milliseconds(999))
    #expect(connection.ending == nil)
    connection.receive(RefusalCode.busy.bytes)
    #expect(connection.ending == .refused(code: "busy", message: RefusalCode.busy.message))
  }

  @Test(.clauses("F-4.a"), arguments: ConnectionSetup.clients)
  func aClientWhoseFirstWriteFailsIsLostAfterOneSecond(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    connection.failWrites()
    connection.wait(.milliseconds(999))
    #expect(connection.ending == nil)
    connection.wait(.milliseconds(1))
    #expect(connection.ending == .lost(.writeFailed))
    #expect(connection.isClosed)
  }

  @Test(.clauses("F-4.a"))
  func aFailedWriteBeforeThePeersSettingsCountsOnWhenTheServerHasAccepted() throws {
    let connection = try DrivenConnection(.plainClient)
    connection.failWrites()
    connection.wait(.milliseconds(600))
    connection.receive(connection.wire.opening)
    connection.wait(.milliseconds(399))
    #expect(connection.ending == nil)
    connection.wait(.milliseconds(1))
    #expect(connection.ending == .lost(.writeFailed))
  }
}
