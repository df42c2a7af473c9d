/// The lines of a secret file that say something, with their numbers from 1: without the blanks around them, and without
/// empty lines and those that begin with `#`.
struct SecretLines: Sequence, IteratorProtocol {
  private var rest: Slice<UnsafeRawBufferPointer>
  private var number = 0

  /// The bytes must outlive the lines.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.rest = bytes[...]
  }

  mutating func next() -> (number: Int, text: Slice<UnsafeRawBufferPointer>)? {
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      let line = SecretLines.trimmed(rest[..<end])
      rest = rest[end...].dropFirst()
      number += 1
      if let first = line.first, first != UInt8(ascii: "#") { return (number, line) }
    }
    return nil
  }

  /// Whether the byte separates words: a space, a tab or a carriage return (of a line that ends in two characters).
  static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  static func trimmed(_ text: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
    var text = text.drop(while: isBlank)
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }
}
