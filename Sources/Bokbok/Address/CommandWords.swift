/// The words of a command, as a POSIX shell reads them (XCU 2.2 Quoting, 2.3 Token Recognition), with nothing expanded
/// and no shell run (A-3).
struct CommandWords {
  /// The address, for errors.
  let given: String

  /// Splits a text into words and removes the quotes.
  func split(_ text: String) throws(AddressError) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    // Apart from the word, since quotes alone make an empty one.
    var isInWord = false
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case " ", "\t":
        if isInWord { words.append(String(word)) }
        word = String.UnicodeScalarView()
        isInWord = false
        continue
      case "\\":
        guard let next = rest.popFirst() else {
          throw error(.unclosedQuote, "the command ends in a backslash; for a backslash itself write two")
        }
        // An escaped line end joins the lines.
        if next == "\n" { continue }
        word.append(next)
      case "'":
        word.append(contentsOf: try takeSingleQuoted(&rest))
      case "\"":
        word.append(contentsOf: try takeDoubleQuoted(&rest))
      case "|", "&", ";", "<", ">", "(", ")", "$", "`", "\n":
        throw error(
          .shellSyntax,
          "the command holds \(scalar == "\n" ? "a line end" : "'\(scalar)'") outside of quotes, but no shell runs here; "
            + "quote it if it belongs to an argument, else write exec:sh -c '…'"
        )
      default:
        word.append(scalar)
      }
      isInWord = true
    }
    if isInWord { words.append(String(word)) }
    return words
  }

  /// Everything up to the next quote, as it is.
  private func takeSingleQuoted(
    _ rest: inout Substring.UnicodeScalarView
  ) throws(AddressError) -> String.UnicodeScalarView {
    guard let end = rest.firstIndex(of: "'") else {
      throw error(.unclosedQuote, "a single quote in the command is not closed")
    }
    defer { rest = rest[rest.index(after: end)...] }
    return String.UnicodeScalarView(rest[..<end])
  }

  /// Everything up to the next quote; a backslash takes the meaning only of what has one here, and else stays.
  private func takeDoubleQuoted(
    _ rest: inout Substring.UnicodeScalarView
  ) throws(AddressError) -> String.UnicodeScalarView {
    var text = String.UnicodeScalarView()
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\"":
        return text
      case "\\":
        guard let next = rest.popFirst() else { break }
        switch next {
        case "\n": break
        case "$", "`", "\"", "\\": text.append(next)
        default: text.append(contentsOf: [scalar, next])
        }
      default:
        text.append(scalar)
      }
    }
    throw error(.unclosedQuote, "a double quote in the command is not closed")
  }

  private func error(_ code: AddressError.Code, _ message: String) -> AddressError {
    AddressError(code, given: given, message)
  }
}

extension CommandWords {
  /// The words as a text that ``split(_:)`` takes apart again, as would a shell.
  static func join(_ words: [String]) -> String {
    words.map(quote).joined(separator: " ")
  }

  private static func quote(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "/", ":", ",", "+", "=", "@", "%": true
      default: false
      }
    }
    if isPlain, !word.isEmpty { return word }
    // Nothing can be escaped in single quotes, so a single quote stands outside of them.
    var quoted = "'".unicodeScalars
    for scalar in word.unicodeScalars {
      if scalar == "'" { quoted.append(contentsOf: "'\\''".unicodeScalars) } else { quoted.append(scalar) }
    }
    return String(quoted) + "'"
  }
}
