import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// The value `(code message detail …)` of an ERROR, a CLOSE and a refusal.
@Suite struct CodedMessageTests {
  @Test(
    .clauses("E-1.a"),
    arguments: ["a", "z", "0", "9", "a.b-c", "-", ".", String(repeating: "x", count: 64), "handler-failed"]
  )
  func aCodeOfTheFormIsOne(_ code: String) {
    #expect(CodedMessage.isCode(code))
  }

  @Test(
    .clauses("E-1.a", "E-2.f", "E-2.g", "O-9.d"),
    arguments: ["", "A", "a b", "a_b", "ä", "a\n", "a/b", "`", "{", ":", String(repeating: "x", count: 65)]
  )
  func aCodeOfAnotherFormIsNone(_ code: String) {
    #expect(!CodedMessage.isCode(code))
    #expect(CodedMessage(decoding: encoded([Value(code), ""]), allowsDetails: true) == nil)
  }

  @Test(
    .clauses("E-2.e", "E-2.f", "E-2.g"),
    arguments: [
      "", "1:a", "()", "(1:a)", "(1:a())", "(()1:a)", "(1:a2:\u{E4})x", "(1:a1:b", "(1:a01:b)", "(1:a 1:b)",
    ]
  )
  func anotherShapeIsNone(_ bytes: String) {
    #expect(CodedMessage(decoding: ByteBuffer(string: bytes), allowsDetails: true) == nil)
  }

  @Test(.clauses("E-1.a", "E-2.e"))
  func aMessageThatIsNotUTF8IsNone() {
    let message = Value(bytes: [0x61, 0xFF])
    #expect(CodedMessage(decoding: encoded(["a", message]), allowsDetails: true) == nil)
  }

  @Test(.clauses("E-1.a", "E-2.f", "E-2.g"))
  func detailsAreTakenOnlyWhereTheyAreAllowed() {
    let body = encoded(["a", "text", ["b", []], "c"])
    #expect(
      CodedMessage(decoding: body, allowsDetails: true)
        == CodedMessage(code: "a", message: "text", details: [["b", []], "c"])
    )
    #expect(CodedMessage(decoding: body, allowsDetails: false) == nil)
  }

  // MARK: What becomes of an application's error

  @Test(.clauses("E-1.f"))
  func anErrorWithACodeOfItsOwnStaysAsItIs() {
    let error = CodedMessage(code: "not-found", message: "ä", details: ["x", []])
    #expect(error.asApplicationError() == error)
  }

  @Test(
    .clauses("E-1.c", "E-1.d", "E-1.g"),
    arguments: CodedMessage.Reserved.allCases.map(\.rawValue) + ["", "Not-Found", String(repeating: "x", count: 65)]
  )
  func anErrorWithAReservedOrInvalidCodeIsHandlerFailed(_ code: String) {
    let error = CodedMessage(code: code, message: "the text", details: ["x", []])
    #expect(
      error.asApplicationError() == CodedMessage(code: "handler-failed", message: "the text", details: ["x", []])
    )
  }

  @Test(.clauses("E-4.c"), arguments: [62, 63, 64, 65, 200])
  func detailsThatNestTooDeepAreLeftOut(_ depth: Int) {
    // The list of the ERROR is one level more.
    let fits = depth + 1 <= Value.depthMax
    let details: [Value] = ["x", nested(depth: depth), "y"]
    let error = CodedMessage(code: "not-found", message: "the text", details: details)
    #expect(
      error.asApplicationError()
        == (fits ? error : CodedMessage(code: "handler-failed", message: "the text", details: []))
    )
  }

  // MARK: Making it fit (E-3)

  @Test(.clauses("E-3.a"), arguments: [65_511, 65_527])
  func aMessageIsCutAsFarAsIsNeededAndNoFurther(_ byteCountMax: Int) throws {
    let details: [Value] = ["detail", ["more"]]
    for excess in [0, 1, 7, 70_000] {
      // (4:code + 5 digits, a colon and the text + details + )
      let room = byteCountMax - 2 - "4:code".utf8.count - "6:detail(4:more)".utf8.count - 6
      let text = String(repeating: "m", count: room + excess)
      let body = CodedMessage(code: "code", message: text, details: details).encoded(byteCountMax: byteCountMax)
      #expect(body.readableBytes == byteCountMax)
      let cut = try #require(CodedMessage(decoding: body, allowsDetails: true))
      #expect(cut == CodedMessage(code: "code", message: String(repeating: "m", count: room), details: details))
    }
  }

  @Test(.clauses("E-3.a"), arguments: ["é", "€", "𝄞", "e\u{301}"])
  func aMessageIsCutBetweenTwoCharacters(_ character: String) throws {
    let scalars = Array(character.unicodeScalars)
    for offset in 0..<4 {
      let text = String(repeating: "m", count: offset) + String(repeating: character, count: 200)
      let body = CodedMessage(code: "c", message: text).encoded(byteCountMax: 300)
      let cut = try #require(CodedMessage(decoding: body, allowsDetails: true)).message
      #expect(text.utf8.starts(with: cut.utf8))
      #expect(body.readableBytes <= 300)
      // One more character would not have fitted: three digits stand before the text in either case.
      let next = text.unicodeScalars.dropFirst(cut.unicodeScalars.count).first
      #expect(body.readableBytes + String(next ?? scalars[0]).utf8.count > 300)
    }
  }

  @Test(.clauses("E-3.b"))
  func detailsAreDroppedFromTheEndWhereTheMessageAloneDoesNotDo() throws {
    let detail = Value.message(byteCount: 400)
    let text = String(repeating: "m", count: 3000)
    // Room for the code, a message of 1024 bytes and two of the three details, and some.
    let byteCountMax = 2 + 3 + 1029 + 800 + 100
    let body = CodedMessage(code: "c", message: text, details: [detail, detail, detail, detail, detail])
      .encoded(byteCountMax: byteCountMax)
    let cut = try #require(CodedMessage(decoding: body, allowsDetails: true))
    // The message stays as short although there is room for more.
    #expect(cut == CodedMessage(code: "c", message: String(text.prefix(1024)), details: [detail, detail]))
  }

  @Test(.clauses("E-3.b"))
  func aDetailThatFitsBesideTheCutMessageIsKept() throws {
    // 1024 bytes would end inside the last character: the cut message has 1023, and the detail needs that byte.
    let text = String(repeating: "€", count: 1000)
    let detail = Value.message(byteCount: 500)
    let rest = Value.message(byteCount: 1100)
    let byteCountMax = 2 + 3 + (5 + 1023) + 500
    let body = CodedMessage(code: "c", message: text, details: [detail, rest]).encoded(byteCountMax: byteCountMax)
    let cut = try #require(CodedMessage(decoding: body, allowsDetails: true))
    #expect(cut == CodedMessage(code: "c", message: String(repeating: "€", count: 341), details: [detail]))
    #expect(body.readableBytes == byteCountMax)
  }

  @Test(.clauses("E-3.b"))
  func aShortMessageIsKeptWhereDetailsAreDropped() throws {
    let body = CodedMessage(code: "c", message: "short", details: [.message(byteCount: 200), .message(byteCount: 200)])
      .encoded(byteCountMax: 250)
    let cut = try #require(CodedMessage(decoding: body, allowsDetails: true))
    #expect(cut == CodedMessage(code: "c", message: "short", details: [.message(byteCount: 200)]))
  }

  @Test(.clauses("E-3.b"))
  func detailsOfTooManyValuesAreDropped() throws {
    let many = Value.list(Array(repeating: Value(""), count: Value.valueCountMax))
    let body = CodedMessage(code: "c", message: "text", details: ["kept", many, "dropped"])
      .encoded(byteCountMax: 65_511)
    let cut = try #require(CodedMessage(decoding: body, allowsDetails: true))
    #expect(cut == CodedMessage(code: "c", message: "text", details: ["kept"]))
  }

  @Test(.clauses("H-4.c", "H-5.d"), arguments: RefusalCode.allCases)
  func aRefusalIsAPreambleAndOneRecord(_ code: RefusalCode) throws {
    var bytes = code.bytes
    #expect(Preamble.read(bytes) == .preamble(Preamble(version: 1, mode: .refused)))
    bytes.moveReaderIndex(forwardBy: Preamble.byteCount)
    let content = try #require(Record.read(from: &bytes))
    #expect(CodedMessage(decoding: content, allowsDetails: false)?.code == code.rawValue)
    #expect(bytes.readableBytes == 0)
  }

  private func encoded(_ value: Value) -> ByteBuffer {
    var buffer = ByteBuffer()
    value.encode(into: &buffer)
    return buffer
  }

  private func nested(depth: Int) -> Value {
    (0..<depth).reduce(Value("x")) { value, _ in [value] }
  }
}
