import NIOCore

/// Writes values in the notation for people (RFC 9804, section 6.4).
///
/// Open lists are kept on a stack of their own: a value built by hand may nest to any depth.
struct NotationWriter {
  /// What has been written, as UTF-8.
  private(set) var output: [UInt8] = []
  /// Whether characters outside of ASCII stand as they are.
  private let showsUnicode: Bool

  private struct OpenList {
    let elements: [Value]
    var index = 0
    var isAtEnd: Bool { index == elements.count }
  }

  init(showsUnicode: Bool) {
    self.showsUnicode = showsUnicode
  }

  /// Appends a value on one line.
  ///
  /// - Parameter characterCountMax: where to give up.
  /// - Returns: whether the whole value was written; else about as much of it as fits was.
  @discardableResult
  mutating func write(_ value: Value, characterCountMax: Int = .max) -> Bool {
    var characterCount = 0
    var countedEnd = output.count
    var openLists: [OpenList] = []
    var value = value
    while true {
      switch value {
      case .atom(let bytes):
        // No need to write all of a long atom to know that it does not fit: a character has at most four bytes.
        if bytes.readableBytes / 4 > characterCountMax {
          bytes.getSlice(at: bytes.readerIndex, length: 4 * characterCountMax).map { write(atom: $0) }
          return false
        }
        write(atom: bytes)
      case .list(let elements):
        output.append(UInt8(ascii: "("))
        openLists.append(OpenList(elements: elements))
      }
      while let list = openLists.last, list.isAtEnd {
        output.append(UInt8(ascii: ")"))
        openLists.removeLast()
      }
      if characterCountMax != .max {
        characterCount += output[countedEnd...].count { !NotationParser.isContinuation($0) }
        countedEnd = output.count
        guard characterCount <= characterCountMax else { return false }
      }
      guard let list = openLists.last else { return true }
      if list.index > 0 { output.append(UInt8(ascii: " ")) }
      value = list.elements[list.index]
      openLists[openLists.count - 1].index += 1
    }
  }

  /// Appends a value in as many lines as it takes.
  ///
  /// A list that does not fit the rest of its line has its first element after the parenthesis, and each further one on
  /// a line of its own, indented.
  mutating func write(_ value: Value, widthMax: Int, indentation: Int) {
    var openLists: [OpenList] = []
    var column = 0
    var value = value
    while true {
      // The parentheses that close after this value belong to its line.
      let closingCount = openLists.reversed().prefix(max(0, widthMax)).prefix(while: \.isAtEnd).count
      let start = output.count
      if !write(value, characterCountMax: max(0, widthMax - column - closingCount)) {
        output.removeSubrange(start...)
        if case .list(let elements) = value, !elements.isEmpty {
          output.append(UInt8(ascii: "("))
          openLists.append(OpenList(elements: elements))
          column += 1
        } else {
          write(value)
        }
      }
      while let list = openLists.last, list.isAtEnd {
        output.append(UInt8(ascii: ")"))
        openLists.removeLast()
      }
      guard let list = openLists.last else { return }
      if list.index > 0 {
        // Half of a line is left to what stands there, however deep.
        column = min(openLists.count * indentation, widthMax / 2)
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: column))
      }
      value = list.elements[list.index]
      openLists[openLists.count - 1].index += 1
    }
  }
}

// MARK: - Atoms

extension NotationWriter {
  /// Up to this many bytes that are not text are written in hexadecimal, more in base 64.
  private static let hexadecimalByteCountMax = 32

  private mutating func write(atom: ByteBuffer) {
    atom.withUnsafeReadableBytes { bytes in
      if NotationWriter.isToken(bytes) {
        output.append(contentsOf: bytes)
      } else if NotationWriter.isText(bytes) {
        write(quoted: bytes)
      } else if bytes.count <= NotationWriter.hexadecimalByteCountMax {
        output.append(UInt8(ascii: "#"))
        for byte in bytes { write(hexadecimal: byte, digits: "0123456789abcdef") }
        output.append(UInt8(ascii: "#"))
      } else {
        output.append(UInt8(ascii: "|"))
        Base64.encode(bytes, into: &output)
        output.append(UInt8(ascii: "|"))
      }
    }
  }

  private static func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let first = bytes.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return bytes.allSatisfy(NotationParser.isTokenCharacter)
  }

  /// Whether the bytes are UTF-8 of visible characters, blanks, tabs and ends of lines.
  private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if bytes.allSatisfy({ $0 < 0x80 }) {
      return bytes.allSatisfy { (0x20...0x7E).contains($0) || isEscapedByLetter($0) }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      !DisplayText.isHidden(scalar) || scalar.isASCII && isEscapedByLetter(UInt8(truncatingIfNeeded: scalar.value))
    }
  }

  private static func isEscapedByLetter(_ byte: UInt8) -> Bool {
    byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  private mutating func write(quoted bytes: UnsafeRawBufferPointer) {
    output.append(UInt8(ascii: "\""))
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(contentsOf: [UInt8(ascii: "\\"), byte])
      case 0x09: output.append(contentsOf: "\\t".utf8)
      case 0x0A: output.append(contentsOf: "\\n".utf8)
      case 0x0D: output.append(contentsOf: "\\r".utf8)
      case 0x80... where !showsUnicode:
        output.append(contentsOf: "\\x".utf8)
        write(hexadecimal: byte, digits: "0123456789ABCDEF")
      default: output.append(byte)
      }
    }
    output.append(UInt8(ascii: "\""))
  }

  private mutating func write(hexadecimal byte: UInt8, digits: StaticString) {
    digits.withUTF8Buffer { digits in
      output.append(digits[Int(byte >> 4)])
      output.append(digits[Int(byte & 0x0F)])
    }
  }
}
