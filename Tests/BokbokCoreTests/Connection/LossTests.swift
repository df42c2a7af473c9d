import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// The drain time limit (C-5), the end of input (C-6), and what else ends a connection before its time.
@Suite struct LossTests {
  // MARK: C-5

  @Test(.clauses("C-5.a", "C-5.b"), arguments: ConnectionSetup.all)
  func theSideThatAskedWaitsForTheDrainTime(_ setup: ConnectionSetup) throws {
    for isPeerClosing in [false, true] {
      let connection = try DrivenConnection(setup)
      try connection.open()
      connection.receive(.request(1, "a"))
      _ = try connection.begin("mine")
      connection.wait(.seconds(100))
      connection.close()
      connection.wait(.seconds(2))
      connection.close("again")  // counted from the first asking
      if isPeerClosing { connection.receive(.close()) }
      connection.wait(.milliseconds(2999))
      #expect(connection.ending == nil)
      connection.wait(.milliseconds(1))
      #expect(connection.ending == .lost(.drainTimeout))
      #expect(connection.isClosed && !connection.isShutDown)
    }
  }

  @Test(.clauses("C-5.a", "C-1.g"), arguments: ConnectionSetup.all)
  func theDrainTimeRunsWhileTheCLOSEWaits(_ setup: ConnectionSetup) throws {
    var configuration = MachineConfiguration()
    configuration.drainTimeout = .milliseconds(50)
    let connection = try DrivenConnection(setup, configuration: configuration)
    try connection.open()
    connection.isWritable = false
    _ = try connection.begin(.message(byteCount: 100_000))
    connection.close()
    connection.wait(.milliseconds(49))
    #expect(connection.ending == nil)
    connection.wait(.milliseconds(1))
    #expect(connection.ending == .lost(.drainTimeout))
  }

  @Test(.clauses("C-5.c"), arguments: ConnectionSetup.all)
  func theSideThatDidNotAskHasNoLimit(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.receive(.request(1, "a"), .close())
    #expect(connection.deadline == nil)
    connection.wait(.hours(100))
    #expect(connection.ending == nil)
    connection.respond(to: 1, .value("b"))
    #expect(connection.ending == .clean(code: "normal", message: ""))
  }

  @Test(.clauses("C-5.c"), arguments: ConnectionSetup.all)
  func theSideThatIsAskedLaterHasOneFromThen(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.receive(.request(1, "a"), .close())
    connection.wait(.hours(1))
    connection.close()
    #expect(connection.takeFrames() == [.close()])
    connection.wait(.milliseconds(4999))
    #expect(connection.ending == nil)
    connection.wait(.milliseconds(1))
    #expect(connection.ending == .lost(.drainTimeout))
  }

  // MARK: C-6

  @Test(.clauses("C-6.a", "C-6.b", "C-6.c", "F-2.d"), arguments: Standing.allCases)
  func anEndOfInputIsALoss(_ standing: Standing) throws {
    for setup in ConnectionSetup.all {
      let connection = try standing.connection(setup)
      connection.receiveEnd()
      #expect(connection.takeActions() == [.ended(.lost(.endOfInput))])
      #expect(connection.isClosed && !connection.isShutDown)
      connection.isWritable = true
      connection.run()
      #expect(!connection.takeFrames().contains { $0.kind == .close })
      #expect(connection.request("late") == .failed(.closing))
    }
  }

  @Test(.clauses("C-6.a", "C-6.b"), arguments: Standing.allCases)
  func aResetIsALoss(_ standing: Standing) throws {
    for setup in ConnectionSetup.all {
      let connection = try standing.connection(setup)
      connection.failStream()
      #expect(connection.takeActions() == [.ended(.lost(.streamFailed))])
      #expect(connection.isClosed && !connection.isShutDown)
    }
  }

  @Test(.clauses("C-6.c", "C-6.a"), arguments: Standing.allCases)
  func anAbortSaysNothing(_ standing: Standing) throws {
    for setup in ConnectionSetup.all {
      let connection = try standing.connection(setup)
      connection.isWritable = false
      let sent = connection.wire.bytes
      connection.abort()
      connection.isWritable = true
      connection.run()
      #expect(connection.takeActions() == [.ended(.aborted)])
      #expect(connection.isClosed && !connection.isShutDown)
      #expect(connection.wire.bytes == sent)
      #expect(connection.slab.usedSlotCount == 0)
    }
  }

  @Test(.clauses("C-6.a"), arguments: ConnectionSetup.all)
  func anEndOfInputAfterTheOwnCLOSEAloneIsALoss(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.close()
    connection.receiveEnd()
    #expect(connection.ending == .lost(.endOfInput))
  }

  @Test(.clauses("C-6.d", "C-6.e", "C-4.d"), arguments: ConnectionSetup.all)
  func anEndOfInputAfterTheOthersCLOSEIsCleanAlthoughTheOwnCannotBeWritten(_ setup: ConnectionSetup) throws {
    for isEndTogether in [true, false] {
      let connection = try DrivenConnection(setup)
      try connection.open()
      connection.isWritable = false
      connection.receive(.close("bye", "x"))
      if isEndTogether { connection.receiveEnd() } else { connection.failStream() }
      #expect(
        connection.takeActions()
          == [.closeReceived(code: "bye", message: "x"), .ended(.clean(code: "bye", message: "x"))]
      )
    }
  }

  @Test(.clauses("C-6.a", "C-6.c"), arguments: ConnectionSetup.all)
  func anEndOfInputWithSomethingUnderWayIsALossAlsoAfterBothCLOSEs(_ setup: ConnectionSetup) throws {
    for isOwn in [true, false] {
      let connection = try DrivenConnection(setup)
      try connection.open()
      if isOwn { _ = try connection.begin("a") } else { connection.receive(.request(1, "a")) }
      connection.receive(.close())
      connection.receiveEnd()
      #expect(connection.ending == .lost(.endOfInput))
    }
  }

  @Test(.clauses("C-6.a", "C-6.d"), arguments: ConnectionSetup.all)
  func anEndOfInputBeforeAShortAnswerIsOutIsALoss(_ setup: ConnectionSetup) throws {
    for frame in [Frame.request(1, "a"), .ping(1), .request(1, bytes: ByteBuffer(), more: false)] {
      let connection = try DrivenConnection(setup)
      try connection.open()
      connection.isWritable = false
      connection.receive(frame)
      connection.respond(to: 1, .value("b"))
      connection.receive(.close())
      connection.receiveEnd()
      #expect(connection.ending == .lost(.endOfInput))
    }
  }

  @Test(.clauses("C-6.a"), arguments: ConnectionSetup.all)
  func whatCameBeforeTheEndOfInputIsTaken(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    let id = try connection.begin("a")
    connection.receive(.response(id, "b"), .request(1, "c"))
    connection.receiveEnd()
    #expect(connection.takeActions() == [.answered(id, "b"), .handle(1, "c"), .ended(.lost(.endOfInput))])
  }

  @Test(.clauses("C-6.a"), arguments: ConnectionSetup.all)
  func anEndOfInputInsideARecordIsALoss(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    let record = connection.wire.record([.close()])
    connection.receive(record.parts(byteCount: record.readableBytes - 1)[0])
    connection.receiveEnd()
    #expect(connection.ending == .lost(.endOfInput))
  }

  // MARK: Calls after the end

  @Test(.clauses("C-8.a"), arguments: ConnectionSetup.all)
  func callsAfterTheEndDoNothing(_ setup: ConnectionSetup) throws {
    let connection = try Standing.handling.connection(setup)
    connection.abort()
    let sent = connection.wire.bytes
    _ = connection.takeActions()
    connection.respond(to: 101, .value("late"))
    connection.close()
    connection.turnDown("x")
    connection.letIn()
    connection.abort()
    connection.failStream()
    connection.failWrites()
    connection.receiveEnd()
    connection.receive(ByteBuffer(string: "more"))
    connection.reportWritten()
    #expect(!connection.cancel(1))
    #expect(!connection.ping(1))
    #expect(connection.request("a") == .failed(.closing))
    connection.isWritable = true
    connection.run()
    #expect(connection.takeActions().isEmpty)
    #expect(connection.wire.bytes == sent)
    #expect(connection.deadline == nil)
    #expect(connection.isIdle && !connection.isOpen)
  }
}
