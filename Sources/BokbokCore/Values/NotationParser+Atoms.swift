extension NotationParser {
  /// Reads an atom in any of its forms (RFC 9804, section 4), beginning with the byte that is next.
  mutating func parseAtom(first: UInt8) throws(ValueNotationError) -> [UInt8] {
    switch first {
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      return try parsePrefixed()
    case UInt8(ascii: "\""):
      return try parseQuoted()
    case UInt8(ascii: "#"):
      return try parseHexadecimal()
    case UInt8(ascii: "|"):
      let start = offset
      offset += 1
      return try parseBase64(until: UInt8(ascii: "|"), start: start)
    case _ where NotationParser.isTokenCharacter(first):
      return parseToken()
    case UInt8(ascii: "["):
      throw error(.displayHint, "found '[', but values have no display hints; write the atom alone")
    case UInt8(ascii: "{"):
      throw error(.unexpectedCharacter, "found '{', which may only stand around the base 64 of a whole value")
    default:
      throw error(
        .unexpectedCharacter,
        "found \(characterName()), expected a value; text with this character is written in double quotes"
      )
    }
  }

  /// Letters, digits and the pseudo-alphabetic characters of RFC 9804, section 4.3. A token begins with no digit.
  static func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"),
      UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "="):
      true
    default:
      false
    }
  }

  private mutating func parseToken() -> [UInt8] {
    let start = offset
    while let byte = peek(), NotationParser.isTokenCharacter(byte) { offset += 1 }
    return Array(bytes[start..<offset])
  }

  /// A form that begins with its length: `3:abc`, or one of the others, `3"abc"`, `3#616263#`, `3|YWJj|`.
  private mutating func parsePrefixed() throws(ValueNotationError) -> [UInt8] {
    let start = offset
    var length = 0
    while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      // No text is as long as this, so more digits change nothing, and cannot overflow.
      if length <= bytes.count { length = length * 10 + Int(byte - UInt8(ascii: "0")) }
      offset += 1
    }
    let digits = String(decoding: bytes[start..<offset].prefix(20), as: UTF8.self)
    let hasLeadingZero = offset - start > 1 && bytes[start] == UInt8(ascii: "0")

    let atom: [UInt8]
    switch peek() {
    case UInt8(ascii: ":"), UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "|"):
      guard !hasLeadingZero else {
        throw error(.wrongLength, "the length \(digits) has a leading zero", at: start)
      }
      atom = try parseAfterLength(length, start: start)
    default:
      throw error(
        .bareNumber,
        "found a number that is not the length of anything; as a value it is written in quotes, \"\(digits)\"",
        at: start
      )
    }
    guard atom.count == length else {
      throw error(.wrongLength, "the length is given as \(digits), but there are \(atom.count) bytes", at: start)
    }
    return atom
  }

  private mutating func parseAfterLength(_ length: Int, start: Int) throws(ValueNotationError) -> [UInt8] {
    guard let first = peek(), first == UInt8(ascii: ":") else {
      return try parseAtom(first: bytes[offset])
    }
    offset += 1
    guard length <= bytes.count - offset else {
      throw error(
        .wrongLength,
        "the length is more than the \(bytes.count - offset) bytes that follow the ':'",
        at: start
      )
    }
    defer { offset += length }
    return Array(bytes[offset..<(offset + length)])
  }

  private mutating func parseHexadecimal() throws(ValueNotationError) -> [UInt8] {
    let start = offset
    offset += 1
    var atom: [UInt8] = []
    var high: UInt8?
    while let byte = peek() {
      if byte == UInt8(ascii: "#") {
        guard high == nil else {
          throw error(.oddHexadecimal, "the number of hexadecimal digits is odd, expected two for each byte")
        }
        offset += 1
        return atom
      }
      if let digit = NotationParser.hexadecimalDigit(byte) {
        if let first = high {
          atom.append(first << 4 | digit)
          high = nil
        } else {
          high = digit
        }
      } else if !NotationParser.isWhiteSpace(byte) {
        throw error(.unexpectedCharacter, "found \(characterName()), expected a hexadecimal digit or '#'")
      }
      offset += 1
    }
    throw unclosedAtom(from: start, expected: "'#'")
  }

  /// Reads base 64 up to and including the closing character; `start` is where the form begins.
  mutating func parseBase64(until end: UInt8, start: Int) throws(ValueNotationError) -> [UInt8] {
    var decoder = Base64.Decoder()
    while let byte = peek() {
      if byte == end {
        guard decoder.isComplete else {
          throw error(.invalidBase64, "the last block of base 64 is incomplete, or has bits that belong to no byte")
        }
        offset += 1
        return decoder.bytes
      }
      if byte == UInt8(ascii: "=") {
        guard decoder.appendPadding() else {
          throw error(.invalidBase64, "found '=' where base 64 takes no padding")
        }
      } else if let digit = Base64.digit(byte) {
        guard decoder.paddingCount == 0 else {
          throw error(.invalidBase64, "found \(characterName()) after the padding of base 64")
        }
        decoder.append(digit)
      } else if !NotationParser.isWhiteSpace(byte) {
        throw error(
          .unexpectedCharacter,
          "found \(characterName()), expected base 64 or '\(Character(Unicode.Scalar(end)))'"
        )
      }
      offset += 1
    }
    throw unclosedAtom(from: start, expected: "'\(Character(Unicode.Scalar(end)))'")
  }

  static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  func unclosedAtom(from start: Int, expected: String) -> ValueNotationError {
    error(.unclosedAtom, "what begins here is not closed, expected \(expected)", at: start)
  }
}
