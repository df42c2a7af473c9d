extension NotationParser {
  /// Reads a quoted string (RFC 9804, section 4.2).
  ///
  /// Beyond the RFC, characters outside of ASCII stand for their UTF-8 bytes, so that people need not write escapes.
  mutating func parseQuoted() throws(ValueNotationError) -> [UInt8] {
    let start = offset
    offset += 1
    var atom: [UInt8] = []
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return atom
      case UInt8(ascii: "\\"):
        try parseEscape(into: &atom, quoteStart: start)
      case 0x20...0x7E, 0x80...0xFF:
        atom.append(byte)
        offset += 1
      default:
        throw error(
          .unexpectedCharacter,
          "found the control character \(characterName()) in a quoted string, expected an escape such as "
            + (byte == UInt8(ascii: "\n") ? "'\\n', or '\\' before the end of a line that is to be ignored" : "'\\x00'")
        )
      }
    }
    throw unclosedAtom(from: start, expected: "'\"'")
  }

  private mutating func parseEscape(into atom: inout [UInt8], quoteStart: Int) throws(ValueNotationError) {
    let start = offset
    offset += 1
    guard let kind = peek() else { throw unclosedAtom(from: quoteStart, expected: "'\"'") }
    offset += 1
    switch kind {
    case UInt8(ascii: "a"): atom.append(0x07)
    case UInt8(ascii: "b"): atom.append(0x08)
    case UInt8(ascii: "t"): atom.append(0x09)
    case UInt8(ascii: "n"): atom.append(0x0A)
    case UInt8(ascii: "v"): atom.append(0x0B)
    case UInt8(ascii: "f"): atom.append(0x0C)
    case UInt8(ascii: "r"): atom.append(0x0D)
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "?"), UInt8(ascii: "\\"): atom.append(kind)
    case UInt8(ascii: "\r"):
      // An escaped end of line stands for nothing.
      if peek() == UInt8(ascii: "\n") { offset += 1 }
    case UInt8(ascii: "\n"):
      if peek() == UInt8(ascii: "\r") { offset += 1 }
    case UInt8(ascii: "x"):
      let digits = bytes[offset...].prefix(2).compactMap(NotationParser.hexadecimalDigit)
      guard digits.count == 2 else {
        throw error(.invalidEscape, "expected two hexadecimal digits after '\\x'", at: start)
      }
      atom.append(digits[0] << 4 | digits[1])
      offset += 2
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      offset -= 1
      let digits = bytes[offset...].prefix(3).filter { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
      let number = digits.reduce(0) { $0 * 8 + Int($1 - UInt8(ascii: "0")) }
      guard digits.count == 3, let byte = UInt8(exactly: number) else {
        throw error(.invalidEscape, "expected three octal digits after '\\', from 000 to 377", at: start)
      }
      atom.append(byte)
      offset += 3
    default:
      offset -= 1
      throw error(
        .invalidEscape,
        "found '\\' before \(characterName()), expected one of a b t n v f r \" ' ? \\, xHH, OOO or the end of a line",
        at: start
      )
    }
  }
}
