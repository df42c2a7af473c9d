/// Why a text is not JSON, and where.
package struct JSONError: Error, Equatable, CustomStringConvertible {
  package let message: String
  /// From 1.
  package let line: Int
  /// From 1, in bytes.
  package let column: Int

  package var description: String { "line \(line), column \(column): \(message)" }
}

extension JSON {
  /// Reads one JSON value and nothing after it. A member that stands twice in an object is an error: of two values one
  /// would be lost without a word.
  package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.document()
  }

  package init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }
}

private struct JSONParser {
  private static let depthMax = 128

  /// The text, and NUL, which stands in no JSON: wherever something else is expected it is the end.
  private let bytes: [UInt8]
  private let end: Int
  private var position = 0

  init(bytes: some Collection<UInt8>) {
    self.bytes = bytes + [0]
    self.end = bytes.count
  }

  mutating func document() throws(JSONError) -> JSON {
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    guard position == end else { throw error("text after the value") }
    return value
  }

  private func error(_ message: String, at offset: Int? = nil) -> JSONError {
    let offset = min(offset ?? position, end)
    var line = 1
    var column = 1
    for byte in bytes[..<offset] {
      if byte == 0x0A {
        line += 1
        column = 1
      } else {
        column += 1
      }
    }
    return JSONError(message: message, line: line, column: column)
  }

  private mutating func skipSpace() {
    while position < end, Self.isSpace(bytes[position]) { position += 1 }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSON {
    guard depth < Self.depthMax else { throw error("nested deeper than \(Self.depthMax)") }
    guard position < end else { throw error("expected a value, found the end") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw error("expected a value")
    }
  }

  private mutating func word(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
    guard bytes[position...].starts(with: word.utf8) else { throw error("expected a value") }
    position += word.utf8.count
    return value
  }

  private mutating func number() throws(JSONError) -> JSON {
    let start = position
    while position < end, "+-.eE0123456789".utf8.contains(bytes[position]) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    guard
      let first = digits.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "+"),
      !(digits.utf8.count > 1 && first == UInt8(ascii: "0") && digits.dropFirst().first?.isNumber == true)
    else { throw error("'\(text)' is not a number", at: start) }
    if let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw error("'\(text)' is not a number", at: start) }
    return .number(number)
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSON {
    position += 1
    var elements: [JSON] = []
    skipSpace()
    if take("]") { return .array([]) }
    while true {
      skipSpace()
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { throw error("expected ',' or ']'") }
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSON {
    position += 1
    var object = JSON.Object()
    skipSpace()
    if take("}") { return .object(object) }
    while true {
      skipSpace()
      let start = position
      guard position < end, bytes[position] == UInt8(ascii: "\"") else {
        throw error("expected the name of a member")
      }
      let name = try string()
      guard object[name] == nil else { throw error("the member \"\(name)\" stands twice", at: start) }
      skipSpace()
      guard take(":") else { throw error("expected ':'") }
      skipSpace()
      object[name] = try value(depth: depth + 1)
      skipSpace()
      if take("}") { return .object(object) }
      guard take(",") else { throw error("expected ',' or '}'") }
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard position < end, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func string() throws(JSONError) -> String {
    let start = position
    position += 1
    var text: [UInt8] = []
    while true {
      // The plain run up to the next special byte is taken at once: payloads are long.
      let run = position
      position += JSONText.reserved.plainCount(in: bytes, from: position)
      text.append(contentsOf: bytes[run..<position])
      guard position < end else { throw error("the string does not end", at: start) }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else { throw error("not UTF-8", at: start) }
        return string
      case UInt8(ascii: "\\"):
        try escape(into: &text)
      default:
        throw error("a control character in a string")
      }
    }
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    position += 1
    guard position < end else { throw error("the string does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = UInt32(try hexQuad())
      if (0xD800..<0xDC00).contains(code) {
        guard take("\\"), take("u") else { throw error("half of a surrogate pair") }
        let low = UInt32(try hexQuad())
        guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
      text.append(contentsOf: String(scalar).utf8)
    default:
      throw error("an unknown escape", at: position - 1)
    }
  }

  private mutating func hexQuad() throws(JSONError) -> UInt16 {
    guard position + 4 <= end else { throw error("expected four hexadecimal digits") }
    let digits = bytes[position..<position + 4]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let code = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw error("expected four hexadecimal digits") }
    position += 4
    return code
  }
}
