import NIOCore

/// Reads a value in the notation for people (RFC 9804, section 7.1), without display hints.
struct NotationParser {
  /// The UTF-8 bytes of the text.
  let bytes: UnsafeBufferPointer<UInt8>
  var offset = 0
  private var valueCount = 0

  /// The bytes must outlive the parser.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// Reads the whole text as one value.
  mutating func parse() throws(ValueNotationError) -> Value {
    skipWhiteSpace()
    guard let first = peek() else {
      throw error(.empty, "there is no value, expected a list '(…)' or an atom")
    }
    let value = first == UInt8(ascii: "{") ? try parseTransport() : try parseValue()
    skipWhiteSpace()
    guard peek() == nil else {
      throw error(
        .trailingText,
        "found \(characterName()) after the value, expected the end; several values are written as a list '(…)'"
      )
    }
    return value
  }

  /// Lists are kept on a stack of their own, so that depth is bounded by ``Value/depthMax`` alone.
  private mutating func parseValue() throws(ValueNotationError) -> Value {
    var openLists: [(offset: Int, elements: [Value])] = []
    while true {
      skipWhiteSpace()
      let value: Value
      switch peek() {
      case nil:
        throw unclosedList(from: openLists.last?.offset ?? offset)
      case UInt8(ascii: "("):
        try countValue()
        guard openLists.count < Value.depthMax else {
          throw error(.tooDeep, "lists nest deeper than \(Value.depthMax), which is not allowed (V-3)")
        }
        openLists.append((offset, []))
        offset += 1
        continue
      case UInt8(ascii: ")"):
        guard let list = openLists.popLast() else {
          throw error(.unopenedList, "found ')' where no list is open, expected a value")
        }
        offset += 1
        value = .list(list.elements)
      case .some(let first):
        try countValue()
        value = Value(bytes: try parseAtom(first: first))
      }
      if openLists.isEmpty { return value }
      openLists[openLists.count - 1].elements.append(value)
    }
  }

  private mutating func countValue() throws(ValueNotationError) {
    valueCount += 1
    guard valueCount <= Value.valueCountMax else {
      throw error(.tooManyValues, "there are more than \(Value.valueCountMax) values, which is not allowed (V-6)")
    }
  }

  /// `{…}`: the canonical encoding in base 64 (RFC 9804, section 6.1), only for a whole value.
  private mutating func parseTransport() throws(ValueNotationError) -> Value {
    let start = offset
    offset += 1
    let encoding = try parseBase64(until: UInt8(ascii: "}"), start: start)
    do {
      return try Value(decoding: ByteBuffer(bytes: encoding))
    } catch {
      throw self.error(.invalidTransport, "what stands in '{…}' is \(error)", at: start)
    }
  }

  private func unclosedList(from start: Int) -> ValueNotationError {
    let (line, column) = place(of: start)
    return error(
      .unclosedList,
      "the text ends, but the list that begins at line \(line), column \(column) is not closed, expected a value or ')'"
    )
  }
}

// MARK: - Characters and places

extension NotationParser {
  /// The next byte, which is not consumed; nil at the end.
  func peek() -> UInt8? {
    offset < bytes.count ? bytes[offset] : nil
  }

  mutating func skipWhiteSpace() {
    while let byte = peek(), NotationParser.isWhiteSpace(byte) { offset += 1 }
  }

  static func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  /// Whether this is a byte of a UTF-8 character after its first.
  static func isContinuation(_ byte: UInt8) -> Bool {
    byte & 0xC0 == 0x80
  }

  /// The character at the current place for people, or what is there instead.
  func characterName() -> String {
    guard let first = peek() else { return "the end of the text" }
    if NotationParser.isContinuation(first) { return "the rest of a character that the length before cuts in two" }
    let character = String(decoding: bytes[offset...].prefix(4), as: UTF8.self).unicodeScalars.prefix(1)
    return "'\(String(displaying: String(character)))'"
  }

  /// An error at a place, by default the current one.
  func error(
    _ code: ValueNotationError.Code,
    _ message: String,
    at offset: Int? = nil
  ) -> ValueNotationError {
    let (line, column) = place(of: offset ?? self.offset)
    return ValueNotationError(code: code, line: line, column: column, message: message)
  }

  /// Line and column, from 1. Only errors need them, so nothing is counted before.
  private func place(of offset: Int) -> (line: Int, column: Int) {
    var line = 1
    var column = 1
    var previous: UInt8 = 0
    for byte in bytes[..<offset] {
      switch byte {
      case UInt8(ascii: "\n") where previous == UInt8(ascii: "\r"):
        break
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        line += 1
        column = 1
      default:
        if !NotationParser.isContinuation(byte) { column += 1 }
      }
      previous = byte
    }
    // A verbatim atom may end inside of a character.
    if offset < bytes.count, NotationParser.isContinuation(bytes[offset]) { column -= 1 }
    return (line, column)
  }
}
