import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// ERRORs (E-1, E-3, E-4) and messages that are no values (E-2, section 7).
@Suite struct ErrorTests {
  // MARK: What a handler's failure becomes

  @Test(.clauses("E-1.b", "E-1.g", "E-1.a"), arguments: ConnectionSetup.all)
  func aFailureWithoutACodeIsHandlerFailed(_ setup: ConnectionSetup) throws {
    #expect(
      try answer(.failed(message: "division by zero"), setup) == .error(1, "handler-failed", "division by zero")
    )
  }

  @Test(.clauses("E-1.c", "E-1.d", "E-1.e"), arguments: ConnectionSetup.all)
  func aReservedOrInvalidCodeIsHandlerFailedWithMessageAndDetails(_ setup: ConnectionSetup) throws {
    let codes = CodedMessage.Reserved.allCases.map(\.rawValue) + ["", "Code", "a b", String(repeating: "c", count: 65)]
    for code in codes {
      #expect(
        try answer(.error(code: code, message: "text", details: ["d", ["e"]]), setup)
          == .error(1, "handler-failed", "text", details: ["d", ["e"]])
      )
    }
  }

  @Test(.clauses("E-1.f", "E-1.a"), arguments: ConnectionSetup.all)
  func anyOtherCodeIsSentAsItIs(_ setup: ConnectionSetup) throws {
    for code in ["not-found", "x", "protocol-error", "normal", "busy", String(repeating: "c", count: 64)] {
      #expect(
        try answer(.error(code: code, message: "é", details: ["d", []]), setup)
          == .error(1, code, "é", details: ["d", []])
      )
    }
  }

  @Test(.clauses("E-3.a", "E-3.b"), arguments: ConnectionSetup.all)
  func anERRORAlwaysFitsOneFrame(_ setup: ConnectionSetup) throws {
    let message = String(repeating: "é", count: 100_000)
    let cut = try answer(.error(code: "c", message: message, details: ["d"]), setup)
    #expect(cut.body.readableBytes <= setup.bodyByteCountMax)
    #expect(cut.body.readableBytes >= setup.bodyByteCountMax - 1)
    let read = try #require(CodedMessage(decoding: cut.body, allowsDetails: true))
    #expect(message.hasPrefix(read.message) && read.details == ["d"])

    let large = Value.message(byteCount: setup.bodyByteCountMax)
    let dropped = try answer(.error(code: "c", message: message, details: ["d", large, "e"]), setup)
    #expect(dropped == .error(1, "c", String(repeating: "é", count: 512), details: ["d"]))
    #expect(try answer(.failed(message: message), setup).body.readableBytes >= setup.bodyByteCountMax - 1)
  }

  @Test(.clauses("E-4.c"), arguments: ConnectionSetup.all)
  func detailsThatNestTooDeepAreHandlerFailedWithoutDetails(_ setup: ConnectionSetup) throws {
    for (depth, isTaken) in [(63, true), (64, false), (1000, false)] {
      let deep = nested(depth: depth)
      #expect(
        try answer(.error(code: "code", message: "text", details: ["d", deep]), setup)
          == (isTaken ? .error(1, "code", "text", details: ["d", deep]) : .error(1, "handler-failed", "text"))
      )
    }
  }

  @Test(.clauses("E-4.b", "V-3.a", "V-6.a"), arguments: ConnectionSetup.all)
  func aResponseThatCannotBeSentIsHandlerFailed(_ setup: ConnectionSetup) throws {
    #expect(try answer(.value(nested(depth: 64)), setup) == .response(1, nested(depth: 64)))
    #expect(try code(answer(.value(nested(depth: 65)), setup)) == "handler-failed")
    let many = Value.list(Array(repeating: Value.list([]), count: Value.valueCountMax))
    #expect(try code(answer(.value(many), setup)) == "handler-failed")
  }

  @Test(.clauses("E-4.a", "V-3.a", "V-6.a"), arguments: ConnectionSetup.all)
  func aRequestThatCannotBeSentFailsAtTheCaller(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    let many = Value.list(Array(repeating: Value.list([]), count: Value.valueCountMax))
    for value in [nested(depth: 65), many] {
      guard case .failed(.malformed) = connection.request(value) else {
        Issue.record("it was taken")
        return
      }
    }
    #expect(connection.takeFrames().isEmpty)
    #expect(connection.isOpen && connection.isIdle)
    _ = try connection.begin(nested(depth: 64))
  }

  // MARK: What is no value

  static let malformed: [String] = [
    // V-1
    "", "1:a1:b", "()x", "(", "(1:a", ")", "())", "(()", "1:a\n",
    // V-2
    "01:a", "00:", ":", ":a", "1", "12", "2:a", "4294967296:a", "99999999999999999999999999:a", "-1:a", "+1:a", "1a",
    // V-3
    String(repeating: "(", count: 65) + String(repeating: ")", count: 65), String(repeating: "(", count: 50_000),
    // V-4
    "[1:a]1:b", "(1:a 1:b)", " 1:a", "abc", "\"abc\"", "#61#", "|YQ==|", "{MTph}", "(a)", "\u{0}",
  ]

  @Test(
    .clauses("E-2.a", "E-2.b", "E-2.c", "V-1.a", "V-1.b", "V-1.c", "V-2.a", "V-2.b", "V-3.a", "V-3.d", "V-4.a"),
    arguments: malformed
  )
  func aRequestThatIsNoValueIsAnsweredMalformed(_ text: String) throws {
    for setup in ConnectionSetup.all {
      let connection = try DrivenConnection(setup)
      try connection.open()
      let bytes = ByteBuffer(string: text)
      connection.receive(.request(1, bytes: bytes, more: false))
      if text.utf8.count > 1 {
        let parts = bytes.parts(byteCount: text.utf8.count - 1)
        connection.receive(.request(2, bytes: parts[0], more: true), .request(2, bytes: parts[1], more: false))
      }
      #expect(connection.takeActions().isEmpty)
      #expect(connection.takeFrames().allSatisfy { code($0) == "malformed" })
      connection.receive(.request(1, "good"))
      #expect(connection.takeActions() == [.handle(1, "good")])
    }
  }

  @Test(.clauses("E-2.c", "E-2.d", "V-1.a", "V-2.a", "V-2.b", "V-3.a", "V-4.a"), arguments: malformed)
  func aRESPONSEThatIsNoValueFailsTheRequest(_ text: String) throws {
    for setup in ConnectionSetup.plain {
      let connection = try DrivenConnection(setup)
      try connection.open()
      let id = try connection.begin("a")
      connection.receive(.response(id, bytes: ByteBuffer(string: text), more: false))
      expectMalformed(connection, id)
    }
  }

  @Test(
    .clauses("E-2.c", "E-2.e", "E-1.a"),
    arguments: malformed + [
      "1:a", "()", "(1:a)", "(1:A0:)", "(0:0:)", "(1:a())", "(()0:)", "(1:_0:)",
      "(65:\(String(repeating: "x", count: 65))0:)",
    ]
  )
  func anERROROfAnotherFormFailsTheRequestAsMalformed(_ text: String) throws {
    for setup in ConnectionSetup.plain {
      let connection = try DrivenConnection(setup)
      try connection.open()
      let id = try connection.begin("a")
      connection.receive(Frame(.error, exchange: id, body: ByteBuffer(string: text)))
      expectMalformed(connection, id)
    }
  }

  @Test(.clauses("V-3.b", "V-5.a"))
  func aValueThatNests64DeepIsTaken() throws {
    let connection = try DrivenConnection(.plainServer)
    try connection.open()
    let message = ByteBuffer(string: String(repeating: "(", count: 64) + String(repeating: ")", count: 64))
    connection.receive(.request(1, bytes: message, more: false))
    guard case .handle(1, let value)? = connection.takeActions().first else {
      Issue.record("it was not taken")
      return
    }
    #expect(try value.encoded() == message)
  }

  @Test(.clauses("V-6.b"))
  func aValueOf1048576ValuesIsTaken() throws {
    let connection = try DrivenConnection(.plainServer)
    try connection.open()
    var message = ByteBuffer(string: "(")
    message.writeString(String(repeating: "0:", count: Value.valueCountMax - 1))
    message.writeString(")")
    let parts = message.parts(byteCount: 60_000)
    for (index, part) in parts.enumerated() {
      connection.receive(.request(2, bytes: part, more: index < parts.count - 1))
    }
    guard case .handle(2, .list(let elements))? = connection.takeActions().first else {
      Issue.record("it was not taken")
      return
    }
    #expect(elements.count == Value.valueCountMax - 1)
  }

  @Test(.clauses("E-1.i"), arguments: ConnectionSetup.all)
  func anERRORIsReportedAsItCame(_ setup: ConnectionSetup) throws {
    let connection = try DrivenConnection(setup)
    try connection.open()
    for code in ["x", "closing", "malformed", "handler-failed", "cancelled", "too-large", "overloaded", "any.thing"] {
      let id = try connection.begin("a")
      connection.receive(.error(id, code, "\u{1B}[31mtext\n", details: ["d", ["e", []]]))
      let failure = RequestFailure.remote(code: code, message: "\u{1B}[31mtext\n", details: ["d", ["e", []]])
      #expect(connection.takeActions() == [.failed(id, failure)])
    }
  }

  // MARK: -

  private func answer(_ answer: HandlerAnswer, _ setup: ConnectionSetup) throws -> Frame {
    let connection = try DrivenConnection(setup)
    try connection.open()
    connection.receive(.request(1, "a"))
    connection.respond(to: 1, answer)
    let frames = connection.takeFrames()
    #expect(frames.count == 1)
    return try #require(frames.first)
  }

  private func code(_ frame: Frame) -> String? {
    frame.kind == .error ? CodedMessage(decoding: frame.body, allowsDetails: true)?.code : nil
  }

  private func nested(depth: Int) -> Value {
    (0..<depth).reduce(Value("x")) { value, _ in [value] }
  }

  private func expectMalformed(
    _ connection: DrivenConnection,
    _ id: ExchangeID,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let actions = connection.takeActions()
    guard actions.count == 1, case .failed(id, .malformed)? = actions.first else {
      Issue.record("\(actions)", sourceLocation: sourceLocation)
      return
    }
    #expect(connection.isOpen && connection.isIdle, sourceLocation: sourceLocation)
  }
}
