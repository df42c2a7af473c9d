extension HTMLText {
  /// What Markdown says inside a line: code, strong and emphasised text, and escapes. The specification is written in it.
  ///
  /// Of a link only its text is taken, since a page leads nowhere outside of itself. What is not closed, and all else,
  /// stays as it is written.
  init(markdown text: some StringProtocol) {
    var reader = MarkdownReader(Array(text))
    self = reader.read()
  }
}

/// Reads a line of Markdown from left to right.
private struct MarkdownReader {
  private let characters: [Character]
  private var index = 0
  private var plain = ""
  private var html: HTMLText = ""

  init(_ characters: [Character]) {
    self.characters = characters
  }

  mutating func read() -> HTMLText {
    while index < characters.count {
      switch characters[index] {
      case "\\" where isPunctuation(at: index + 1):
        plain.append(characters[index + 1])
        index += 2
      case "`": readCode()
      case "*": readEmphasis()
      case "[": readLink()
      default: take(1)
      }
    }
    flush()
    return html
  }

  private func isPunctuation(at place: Int) -> Bool {
    guard place < characters.count else { return false }
    let character = characters[place]
    return character.isASCII && (character.isPunctuation || character.isSymbol)
  }

  /// Takes characters as they are.
  private mutating func take(_ count: Int) {
    plain.append(contentsOf: characters[index..<index + count])
    index += count
  }

  private mutating func flush() {
    html += "\(plain)"
    plain = ""
  }

  private mutating func put(_ piece: HTMLText, end: Int) {
    flush()
    html += piece
    index = end
  }

  private func length(ofRunAt start: Int) -> Int {
    characters[start...].prefix { $0 == characters[start] }.count
  }

  private static func html(_ slice: ArraySlice<Character>) -> HTMLText {
    var reader = MarkdownReader(Array(slice))
    return reader.read()
  }

  /// Up to as many backquotes as those that begin it. Nothing in it means anything.
  private mutating func readCode() {
    let count = length(ofRunAt: index)
    var end = index + count
    while end < characters.count {
      guard characters[end] == "`" else {
        end += 1
        continue
      }
      let run = length(ofRunAt: end)
      if run == count {
        var code = characters[(index + count)..<end]
        if code.first == " ", code.last == " ", code.contains(where: { $0 != " " }) {
          code = code.dropFirst().dropLast()
        }
        put("<code>\(String(code))</code>", end: end + run)
        return
      }
      end += run
    }
    take(count)
  }

  /// Emphasised text begins and ends with something else than a space.
  private mutating func readEmphasis() {
    let count = min(length(ofRunAt: index), 2)
    let start = index + count
    if start < characters.count, !characters[start].isWhitespace, let end = closing(count, from: start) {
      let content = Self.html(characters[start..<end])
      put(count == 2 ? "<strong>\(content)</strong>" : "<em>\(content)</em>", end: end + count)
    } else {
      take(length(ofRunAt: index))
    }
  }

  /// Where asterisks close what begins at a place; those in code do not.
  private func closing(_ count: Int, from start: Int) -> Int? {
    var place = start
    var isCode = false
    while place < characters.count {
      if characters[place] == "`" { isCode.toggle() }
      guard characters[place] == "*", !isCode else {
        place += 1
        continue
      }
      let run = length(ofRunAt: place)
      if run == count, place > start, !characters[place - 1].isWhitespace { return place }
      place += run
    }
    return nil
  }

  private mutating func readLink() {
    let rest = characters[index...]
    guard let close = rest.firstIndex(of: "]"), close + 1 < characters.count, characters[close + 1] == "(",
      let end = characters[(close + 1)...].firstIndex(of: ")")
    else {
      take(1)
      return
    }
    put(Self.html(characters[(index + 1)..<close]), end: end + 1)
  }
}
