import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// What a peer does wrong with frames (F-1), and what follows a violation (F-2).
@Suite struct ViolationTests {
  @Test(
    .clauses(
      "F-1.c",
      "F-1.d",
      "F-1.e",
      "F-1.f",
      "F-1.g",
      "F-1.h",
      "F-1.i",
      "F-1.j",
      "F-1.k",
      "F-1.l",
      "X-4.e",
      "F-2.a",
      "F-2.c",
      "F-2.d",
      "C-7.c"
    ),
    arguments: Standing.allCases
  )
  func everyMalformedFrameIsAViolationWhateverIsUnderWay(_ standing: Standing) throws {
    // Frames are read in one way: elsewhere than here, one standing for each malformation is enough.
    let number = Standing.allCases.firstIndex(of: standing) ?? 0
    for setup in ConnectionSetup.all {
      for (index, malformation) in Malformation.all.enumerated() {
        if setup != .plainServer, index % Standing.allCases.count != number { continue }
        let connection = try standing.connection(setup)
        connection.isWritable = true
        connection.receive(content: malformation.content)
        expectViolation(connection, malformation.clause, "\(setup) \(malformation.name)")
      }
    }
  }

  @Test(
    .clauses("F-1.d", "F-1.e", "F-1.f", "F-1.g", "F-2.b", "S-1.c", "S-1.d", "S-1.g"),
    arguments: ConnectionSetup.all
  )
  func everyMalformedFirstFrameIsAViolation(_ setup: ConnectionSetup) throws {
    for malformation in Malformation.all {
      let connection = try DrivenConnection(setup)
      connection.receive(connection.wire.opening)
      connection.receive(content: malformation.content)
      // SETTINGS first, then the CLOSE.
      #expect(connection.wire.records.flatMap { $0 }.map(\.kind) == [.settings, .close])
      expectViolation(connection, malformation.clause, malformation.name)
      #expect(!connection.allActions.contains { if case .opened = $0 { true } else { false } })
    }
  }

  @Test(.clauses("F-1.c", "F-2.a"), arguments: ConnectionSetup.sealed)
  func aSealedRecordOfTheTagAloneIsAViolation(_ setup: ConnectionSetup) throws {
    for standing in Standing.allCases {
      let connection = try standing.connection(setup)
      connection.isWritable = true
      connection.receive(content: ByteBuffer())
      expectViolation(connection, "F-1.c", "\(standing)")
    }
  }

  @Test(.clauses("R-1.a", "F-2.a"), arguments: ConnectionSetup.plain)
  func aPlainRecordOfLengthZeroIsAViolation(_ setup: ConnectionSetup) throws {
    for standing in Standing.allCases {
      let connection = try standing.connection(setup)
      connection.isWritable = true
      connection.receive(ByteBuffer(bytes: [0, 0]))
      expectViolation(connection, "R-1.a", "\(standing)")
    }
  }

  @Test(.clauses("F-2.f", "R-2.b"), arguments: ConnectionSetup.all)
  func nothingBeforeTheViolationIsLostAndNothingAfterItCounts(_ setup: ConnectionSetup) throws {
    for malformation in Malformation.all where malformation.clause != "F-1.d" && malformation.clause != "F-1.e" {
      let connection = try DrivenConnection(setup)
      try connection.open()
      let own = try connection.begin("mine")
      var content = ByteBuffer()
      Frame.response(own, "yours").write(into: &content)
      content.writeImmutableBuffer(malformation.content)
      Frame.request(1, "after").write(into: &content)
      var bytes = connection.wire.record(content)
      bytes.writeImmutableBuffer(connection.wire.record([.request(2, "later"), .close("protocol-error", "you too")]))
      connection.receive(bytes)
      let actions = connection.takeActions()
      #expect(actions.first == .answered(own, "yours"))
      #expect(actions.count == 2)
      guard case .ended(.violation(side: .local, requirement: _, message: _))? = actions.last else {
        Issue.record("\(malformation.name): \(actions)")
        continue
      }
    }
  }

  @Test(.clauses("F-2.a", "F-2.d", "F-2.e"), arguments: ConnectionSetup.all)
  func theCLOSEIsTheLastFrameAndWaitsForNothing(_ setup: ConnectionSetup) throws {
    // Short answers and long messages wait; the stream takes nothing for now.
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.isWritable = false
    connection.receive(.request(1, "a"), .request(2, "b"), .request(3, "c"), .ping(1))
    connection.respond(to: 1, .value("short"))
    connection.respond(to: 2, .value(.message(byteCount: 300_000)))
    _ = try connection.begin(.message(byteCount: 300_000))
    connection.takeOutputOnce(byteCountMax: 1)
    connection.receive(.pong(1), .settings([]))
    #expect(connection.ending != nil)
    connection.isWritable = true
    connection.run()
    #expect(connection.takeFrames().last?.kind == .close)
    #expect(connection.isShutDown)
    // The handler of the third request ends too late.
    connection.respond(to: 3, .value("late"))
    #expect(connection.takeFrames().isEmpty)
  }

  @Test(.clauses("F-2.a", "C-1.c", "C-1.e"), arguments: ConnectionSetup.all)
  func aViolationAfterTheOwnCLOSEIsSaidAllTheSame(_ setup: ConnectionSetup) throws {
    for standing in [Standing.closingAsked, .closingAnswered] {
      let connection = try standing.connection(setup)
      connection.receive(.settings([]))
      expectViolation(connection, "S-1.b", "\(standing)")
    }
  }

  @Test(.clauses("C-7.a", "C-7.b", "C-1.e", "F-2.e"), arguments: Standing.allCases)
  func aPeerThatFoundAViolationIsLeftAtOnce(_ standing: Standing) throws {
    for setup in ConnectionSetup.all {
      let connection = try standing.connection(setup)
      connection.isWritable = true
      connection.receive(.close("protocol-error", "what you sent"), .ping(1))
      #expect(
        connection.takeActions()
          == [.ended(.violation(side: .remote, requirement: "", message: "what you sent"))]
      )
      #expect(connection.isClosed && !connection.isShutDown)
      // What was being sent before may have gone out meanwhile, but no answer to this.
      #expect(!connection.takeFrames().contains { $0.kind == .close || $0.kind == .pong })
    }
  }

  @Test(.clauses("C-7.b", "F-2.c"), arguments: ConnectionSetup.all)
  func theRequirementInFrontOfTheMessageIsRead(_ setup: ConnectionSetup) throws {
    for (text, requirement, message) in [
      ("F-1: unknown frame kind 9", "F-1", "unknown frame kind 9"), ("X-10: too much", "X-10", "too much"),
      ("no requirement: at all", "", "no requirement: at all"), ("", "", ""), (": ", "", ": "), ("F-1", "", "F-1"),
    ] {
      let connection = try DrivenConnection(setup)
      try connection.open()
      connection.receive(.close("protocol-error", text))
      #expect(connection.ending == .violation(side: .remote, requirement: requirement, message: message))
    }
  }

  @Test(.clauses("E-2.f", "C-1.a"), arguments: ConnectionSetup.all)
  func aCLOSEOfAnotherFormIsAViolation(_ setup: ConnectionSetup) throws {
    let bodies = [
      "", "6:normal", "()", "(6:normal)", "(6:normal0:0:)", "(6:Normal0:)", "(0:0:)", "(6:normal())", "(6:normal0:)x",
      "(6:normal0:", "(65:\(String(repeating: "x", count: 65))0:)", "(14:protocol-error0:0:)",
    ]
    for body in bodies.map({ ByteBuffer(string: $0) }) + [ByteBuffer(bytes: Array("(6:normal1:".utf8) + [0xFF, 0x29])] {
      for standing in [Standing.idle, .closingAsked, .closingAnswered] {
        let connection = try standing.connection(setup)
        connection.receive(Frame(.close, body: body))
        expectViolation(connection, "E-2.f", "\(standing)")
      }
    }
  }

  private func expectViolation(
    _ connection: DrivenConnection,
    _ clause: String,
    _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard case .violation(side: .local, let requirement, let message)? = connection.ending else {
      Issue.record("\(name): ended with \(String(describing: connection.ending))", sourceLocation: sourceLocation)
      return
    }
    #expect(clause.hasPrefix(requirement), "\(name)", sourceLocation: sourceLocation)
    #expect(!message.isEmpty, "\(name)", sourceLocation: sourceLocation)
    let last = connection.wire.records.last?.last
    #expect(last?.kind == .close, "\(name)", sourceLocation: sourceLocation)
    let word = last.flatMap { CodedMessage(decoding: $0.body, allowsDetails: false) }
    #expect(word?.code == "protocol-error", "\(name)", sourceLocation: sourceLocation)
    #expect(word?.message.isEmpty == false, "\(name)", sourceLocation: sourceLocation)
    #expect(connection.isShutDown && !connection.isClosed, "\(name)", sourceLocation: sourceLocation)
    connection.receiveEnd()
    #expect(connection.isClosed, "\(name)", sourceLocation: sourceLocation)
  }
}
