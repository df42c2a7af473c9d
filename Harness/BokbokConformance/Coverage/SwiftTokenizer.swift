/// A piece of Swift source text, as far as whoever looks for attributes and declarations needs it.
enum SwiftToken: Equatable {
  /// A name, a keyword, a number, or what stands between backticks.
  case word(String)
  /// What stands in a string literal, without what is interpolated.
  case string(String)
  case symbol(Character)
}

/// Cuts Swift source text into tokens. Comments and regular expressions are left out, and what looks like code in a
/// string is part of the string.
struct SwiftTokenizer {
  private let text: [UInt8]
  private var position = 0
  /// What a slash stands behind decides whether it divides or begins a regular expression.
  private var previous: SwiftToken?

  private init(_ text: String) {
    self.text = Array(text.utf8)
  }

  /// The tokens of a source file. Text that is not Swift gives some tokens too.
  static func tokens(of text: String) -> [SwiftToken] {
    var tokenizer = SwiftTokenizer(text)
    var tokens: [SwiftToken] = []
    while let token = tokenizer.next() { tokens.append(token) }
    return tokens
  }

  private mutating func next() -> SwiftToken? {
    previous = read()
    return previous
  }

  private mutating func read() -> SwiftToken? {
    while let byte = byte(at: position) {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
        position += 1
      case UInt8(ascii: "/"):
        guard skipCommentOrExpression() else { return symbol(byte) }
      case UInt8(ascii: "\""):
        return .string(readString(hashCount: 0))
      case UInt8(ascii: "#"):
        let count = hashCount(at: position)
        if self.byte(at: position + count) == UInt8(ascii: "\"") {
          position += count
          return .string(readString(hashCount: count))
        }
        guard self.byte(at: position + count) == UInt8(ascii: "/") else { return symbol(byte) }
        skipExtendedExpression(hashCount: count)
      case UInt8(ascii: "`"):
        let end = text[(position + 1)...].firstIndex(of: byte) ?? text.count
        let name = String(decoding: text[(position + 1)..<end], as: UTF8.self)
        position = end + 1
        return .word(name)
      case _ where Self.isOfWord(byte):
        let start = position
        while let byte = self.byte(at: position), Self.isOfWord(byte) { position += 1 }
        return .word(String(decoding: text[start..<position], as: UTF8.self))
      default:
        return symbol(byte)
      }
    }
    return nil
  }

  private mutating func symbol(_ byte: UInt8) -> SwiftToken {
    position += 1
    return .symbol(Character(UnicodeScalar(byte)))
  }

  private func byte(at position: Int) -> UInt8? { position < text.count ? text[position] : nil }

  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }

  private func hashCount(at start: Int) -> Int { text[start...].prefix { $0 == UInt8(ascii: "#") }.count }

  // MARK: Comments and regular expressions

  /// Steps over what begins with a slash; false if that is an operator.
  private mutating func skipCommentOrExpression() -> Bool {
    switch byte(at: position + 1) {
    case UInt8(ascii: "/"):
      position = text[position...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
    case UInt8(ascii: "*"):
      skipBlockComment()
    default:
      guard let end = endOfExpression() else { return false }
      position = end
    }
    return true
  }

  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      switch (byte(at: position), byte(at: position + 1)) {
      case (UInt8(ascii: "/"), UInt8(ascii: "*")): (depth, position) = (depth + 1, position + 2)
      case (UInt8(ascii: "*"), UInt8(ascii: "/")): (depth, position) = (depth - 1, position + 2)
      default: position += 1
      }
    } while depth > 0 && position < text.count
  }

  /// Behind the regular expression that begins here; nil if none does.
  private func endOfExpression() -> Int? {
    if case .word(let word) = previous, !["return", "in", "case"].contains(word) { return nil }
    if case .string = previous { return nil }
    if case .symbol(let symbol) = previous, !"(,=:[{!&|?;".contains(symbol) { return nil }
    guard let first = byte(at: position + 1), first != UInt8(ascii: " "), first != UInt8(ascii: ")") else { return nil }
    var end = position + 1
    while let byte = byte(at: end), byte != UInt8(ascii: "\n") {
      if byte == UInt8(ascii: "/") { return end + 1 }
      end += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }

  private mutating func skipExtendedExpression(hashCount count: Int) {
    position += count + 1
    while let byte = byte(at: position) {
      position += 1
      if byte == UInt8(ascii: "/"), hashCount(at: position) >= count {
        position += count
        return
      }
    }
  }

  // MARK: Strings

  /// The string whose opening quote stands here, behind so many `#`.
  private mutating func readString(hashCount count: Int) -> String {
    let quote = UInt8(ascii: "\"")
    // A string of several lines begins on the next one: `#""""#` holds two quotes.
    let isLong = text[position...].starts(with: [quote, quote, quote, UInt8(ascii: "\n")])
    let quoteCount = isLong ? 3 : 1
    var content: [UInt8] = []
    position += quoteCount
    while let byte = byte(at: position), isLong || byte != UInt8(ascii: "\n") {
      if byte == quote, text[position...].prefix(quoteCount).allSatisfy({ $0 == quote }),
        hashCount(at: min(position + quoteCount, text.count)) >= count
      {
        position += quoteCount + count
        break
      }
      position += 1
      guard byte == UInt8(ascii: "\\"), hashCount(at: position) >= count else {
        content.append(byte)
        continue
      }
      position += count
      guard let escaped = self.byte(at: position) else { break }
      position += 1
      switch escaped {
      case UInt8(ascii: "("): skipInterpolation()
      case quote, UInt8(ascii: "\\"): content.append(escaped)
      default: content += [byte, escaped]
      }
    }
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func skipInterpolation() {
    var depth = 1
    while depth > 0, let token = next() {
      if token == .symbol("(") { depth += 1 }
      if token == .symbol(")") { depth -= 1 }
    }
  }
}
