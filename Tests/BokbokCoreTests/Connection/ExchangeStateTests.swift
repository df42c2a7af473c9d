import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Each state that an exchange can be in, and each frame that can come for it.
@Suite struct ExchangeStateTests {
  /// What the machine, as the responder, knows of the exchange 7.
  enum ResponderState: CaseIterable, CustomTestStringConvertible {
    case unknown
    case receiving
    case held
    case handling
    case cancelled
    case answeringLong
    case answeredShort
    case answeredLong
    case answeredWithError
    case cancelledWhileReceiving

    var testDescription: String { "\(self)" }
    var isOver: Bool {
      switch self {
      case .unknown, .answeredShort, .answeredLong, .answeredWithError, .cancelledWhileReceiving: true
      case .receiving, .held, .handling, .cancelled, .answeringLong: false
      }
    }
  }

  private func responder(_ state: ResponderState, _ setup: ConnectionSetup) throws -> DrivenConnection {
    let connection = try DrivenConnection(setup)
    connection.letsIn = state != .held
    try connection.open()
    switch state {
    case .unknown:
      break
    case .receiving, .cancelledWhileReceiving:
      connection.receive(.request(7, bytes: ByteBuffer(string: "(1:"), more: true))
      if state == .cancelledWhileReceiving { connection.receive(.cancel(7)) }
    case .held, .handling:
      connection.receive(.request(7, "a"))
    case .cancelled:
      connection.receive(.request(7, "a"), .cancel(7))
    case .answeringLong, .answeredLong:
      connection.receive(.request(7, "a"))
      connection.isWritable = state == .answeredLong
      connection.respond(to: 7, .value(.message(byteCount: 200_000)))
      connection.takeOutputOnce(byteCountMax: 1)
    case .answeredShort:
      connection.receive(.request(7, "a"))
      connection.respond(to: 7, .value("b"))
    case .answeredWithError:
      connection.receive(.request(7, "a"))
      connection.respond(to: 7, .failed(message: "no"))
    }
    _ = connection.takeActions()
    _ = connection.takeFrames()
    return connection
  }

  @Test(.clauses("X-3.a", "X-3.b", "X-1.c", "X-4.b", "X-2.b"), arguments: ResponderState.allCases, [false, true])
  func aREQUESTIsTakenOnlyWhereItContinuesOrBegins(_ state: ResponderState, hasMore: Bool) throws {
    for setup in ConnectionSetup.all {
      let connection = try responder(state, setup)
      connection.receive(.request(7, bytes: ByteBuffer(string: "1:a"), more: hasMore))
      switch state {
      case .receiving:
        #expect(connection.isOpen)
        // "(1:1:a" is no value.
        #expect(connection.takeFrames().map(\.kind) == (hasMore ? [] : [.error]))
        #expect(connection.takeActions().isEmpty)
      case .held, .handling, .cancelled, .answeringLong:
        expectViolation(connection, "X-3", "\(setup)")
      default:
        #expect(state.isOver)
        #expect(connection.takeActions() == (hasMore ? [] : [.handle(7, "a")]))
      }
    }
  }

  @Test(.clauses("X-7.a", "X-7.b", "X-7.c", "X-7.d", "X-7.f", "X-7.g", "X-2.a"), arguments: ResponderState.allCases)
  func aCANCELStopsWhatHasNotEnded(_ state: ResponderState) throws {
    for setup in ConnectionSetup.all {
      let connection = try responder(state, setup)
      connection.receive(.cancel(7))
      connection.isWritable = true
      connection.run()
      let frames = connection.takeFrames().filter { $0.exchange == 7 && $0.kind == .error }
      switch state {
      case .receiving, .held, .answeringLong:
        #expect(frames.map(code) == ["cancelled"])
        #expect(connection.takeActions().isEmpty)
      case .handling:
        #expect(frames.isEmpty)
        #expect(connection.takeActions() == [.cancelHandler(7)])
        connection.respond(to: 7, .value("done"))
        #expect(connection.takeFrames().map(code) == ["cancelled"])
      case .cancelled:
        #expect(frames.isEmpty)
        #expect(connection.takeActions().isEmpty)
        connection.respond(to: 7, .error(code: "x", message: "", details: []))
        #expect(connection.takeFrames().map(code) == ["cancelled"])
      default:
        #expect(state.isOver)
        #expect(frames.isEmpty)
        #expect(connection.takeActions().isEmpty)
      }
      // In every case the exchange is over now, once: its id is free, and its place too.
      connection.letIn()
      connection.receive(.request(7, "again"))
      #expect(connection.takeActions() == [.handle(7, "again")])
      connection.respond(to: 7, .value("and again"))
      #expect(connection.takeFrames().filter { $0.kind == .response && !$0.hasMore } == [.response(7, "and again")])
    }
  }

  @Test(.clauses("X-3.c", "X-1.b"), arguments: ResponderState.allCases, [FrameKind.response, .error])
  func anAnswerForAnExchangeOfThePeersIsAViolation(_ state: ResponderState, kind: FrameKind) throws {
    // The peer's ids are no ids of this side's.
    for setup in ConnectionSetup.plain {
      let connection = try responder(state, setup)
      connection.receive(Frame(kind, exchange: 7, body: ByteBuffer(string: "(1:a0:)")))
      expectViolation(connection, "X-3", "\(setup)")
    }
  }

  @Test(.clauses("X-2.a"), arguments: ResponderState.allCases)
  func aSecondAnswerOfTheHandlerIsIgnored(_ state: ResponderState) throws {
    for setup in ConnectionSetup.plain where state != .handling && state != .cancelled {
      let connection = try responder(state, setup)
      connection.respond(to: 7, .value("again"))
      connection.isWritable = true
      connection.run()
      #expect(!connection.takeFrames().contains(.response(7, "again")))
      #expect(connection.isOpen)
    }
  }

  // MARK: Requester

  /// What the machine, as the requester, knows of its exchange.
  enum RequesterState: CaseIterable, CustomTestStringConvertible {
    case unknown
    case waitingForPlace
    case waitingForRoom
    case sending
    case sent
    case answerBegun
    case cancelled
    case cancelledWhileSending
    case cancelledWithAnswerBegun
    case answered
    case failed

    var testDescription: String { "\(self)" }

    var takesAnswers: Bool {
      switch self {
      case .sent, .answerBegun, .cancelled, .cancelledWhileSending, .cancelledWithAnswerBegun: true
      case .unknown, .waitingForPlace, .waitingForRoom, .sending, .answered, .failed: false
      }
    }

    /// Whether the application still waits.
    var isAwaited: Bool { self == .sent || self == .answerBegun }
  }

  private func requester(_ state: RequesterState, _ setup: ConnectionSetup) throws -> (DrivenConnection, ExchangeID) {
    let connection = try DrivenConnection(setup)
    try connection.open(peerSettings: Settings(messageBytesMax: 200_000, requestsMax: 2, partialBytesMax: 200_000))
    var id: ExchangeID = 77
    switch state {
    case .unknown:
      break
    case .waitingForPlace:
      for _ in 0..<2 { _ = try connection.begin("a") }
      id = try connection.begin("b")
    case .waitingForRoom:
      connection.isWritable = false
      _ = try connection.begin(.message(byteCount: 200_000))
      id = try connection.begin(.message(byteCount: 100_000))
      connection.takeOutputOnce(byteCountMax: 1)
    case .sending, .cancelledWhileSending:
      connection.isWritable = false
      id = try connection.begin(.message(byteCount: 200_000))
      connection.takeOutputOnce(byteCountMax: 1)
      if state == .cancelledWhileSending { connection.cancel(id) }
      connection.isWritable = state == .cancelledWhileSending
      connection.run()
    default:
      id = try connection.begin("a")
      if state == .answerBegun || state == .cancelledWithAnswerBegun {
        connection.receive(.response(id, bytes: ByteBuffer(string: "(1:"), more: true))
      }
      if state == .cancelled || state == .cancelledWithAnswerBegun { connection.cancel(id) }
      if state == .answered { connection.receive(.response(id, "b")) }
      if state == .failed { connection.receive(.error(id, "x")) }
    }
    _ = connection.takeActions()
    _ = connection.takeFrames()
    return (connection, id)
  }

  @Test(
    .clauses("X-3.c", "X-3.d", "X-7.e", "X-2.b", "E-2.d", "X-4.b"),
    arguments: RequesterState.allCases,
    [false, true]
  )
  func aRESPONSEIsTakenOnlyForARequestThatIsWholeOrCancelled(_ state: RequesterState, hasMore: Bool) throws {
    for setup in ConnectionSetup.all {
      let (connection, id) = try requester(state, setup)
      connection.receive(.response(id, bytes: ByteBuffer(string: "1:c"), more: hasMore))
      guard state.takesAnswers else {
        expectViolation(connection, "X-3", "\(setup)")
        continue
      }
      #expect(connection.isOpen)
      let actions = connection.takeActions()
      if hasMore || !state.isAwaited {
        #expect(actions.isEmpty)
      } else if state == .sent {
        #expect(actions == [.answered(id, "c")])
      } else {
        // "(1:1:c" is no value.
        guard case .failed(id, .malformed)? = actions.first else {
          Issue.record("\(actions)")
          continue
        }
      }
      // Whole, the answer ends the exchange.
      #expect(connection.isIdle == !hasMore)
    }
  }

  @Test(.clauses("X-3.c", "X-3.d", "X-3.e", "X-7.e", "X-2.b", "E-1.i"), arguments: RequesterState.allCases)
  func anERRORIsTakenOnlyForARequestThatIsWholeOrCancelled(_ state: RequesterState) throws {
    for setup in ConnectionSetup.all {
      let (connection, id) = try requester(state, setup)
      connection.receive(.error(id, "some-code", "text", details: ["d", []]))
      guard state.takesAnswers else {
        expectViolation(connection, "X-3", "\(setup)")
        continue
      }
      let failure = RequestFailure.remote(code: "some-code", message: "text", details: ["d", []])
      #expect(connection.takeActions() == (state.isAwaited ? [.failed(id, failure)] : []))
      #expect(connection.isIdle)
      // The exchange is over: a second answer is one too many.
      connection.receive(.error(id, "some-code"))
      expectViolation(connection, "X-3", "\(setup)")
    }
  }

  @Test(.clauses("X-7.h", "X-7.i", "X-10.d"), arguments: RequesterState.allCases)
  func cancellingAnOwnRequest(_ state: RequesterState) throws {
    for setup in ConnectionSetup.all {
      let (connection, id) = try requester(state, setup)
      connection.isWritable = true
      let isUnderWay = connection.cancel(id)
      let frames = connection.takeFrames().filter { $0.exchange == id }
      switch state {
      case .waitingForPlace, .waitingForRoom:
        // Nothing of it has been sent, and nothing is.
        #expect(isUnderWay)
        #expect(frames.isEmpty)
      case .sent, .answerBegun:
        #expect(isUnderWay)
        #expect(frames == [.cancel(id)])
      case .sending:
        #expect(isUnderWay)
        // Nothing of the request follows the CANCEL.
        #expect(frames == [.cancel(id)])
      default:
        #expect(!isUnderWay)
        #expect(frames.isEmpty)
      }
      #expect(connection.takeActions().isEmpty)
      #expect(!connection.cancel(id))
    }
  }

  private func code(_ frame: Frame) -> String? {
    CodedMessage(decoding: frame.body, allowsDetails: true)?.code
  }

  private func expectViolation(
    _ connection: DrivenConnection,
    _ requirement: String,
    _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard case .violation(side: .local, requirement: requirement, message: _)? = connection.ending else {
      Issue.record("\(name): ended with \(String(describing: connection.ending))", sourceLocation: sourceLocation)
      return
    }
    connection.isWritable = true
    connection.run()
    #expect(connection.takeFrames().last?.kind == .close, sourceLocation: sourceLocation)
  }
}
