internal import BokbokCore
internal import NIOCore

/// A value that is expected: in the notation for people, where `?` stands for any value, and `?rest` at the end of a
/// list for any others.
struct ValuePattern: Sendable, CustomStringConvertible {
  let description: String
  private let value: Value

  /// Atoms that nobody writes by chance stand for the wildcards, so that the notation's own parser reads patterns too.
  private static let any = Array("\u{1}bokbok-any\u{1}".utf8)
  private static let rest = Array("\u{1}bokbok-rest\u{1}".utf8)

  init(_ text: String) throws {
    self.description = text
    self.value = try Value(notation: Self.replacingWildcards(in: text))
  }

  func matches(_ bytes: [UInt8]) -> Bool {
    guard let value = try? WireValues.decode(bytes) else { return false }
    return Self.matches(value, self.value)
  }

  /// Whether the elements of a list fit the pattern, which is a list.
  func matches(elements: [Value]) -> Bool {
    Self.matches(.list(elements), value)
  }

  private static func matches(_ value: Value, _ pattern: Value) -> Bool {
    switch (value, pattern) {
    case (_, .atom(let atom)) where atom.elementsEqual(any):
      return true
    case (.atom(let left), .atom(let right)):
      return left == right
    case (.list(let elements), .list(let patterns)):
      var patterns = patterns[...]
      var elements = elements[...]
      if case .atom(let atom)? = patterns.last, atom.elementsEqual(rest) {
        patterns = patterns.dropLast()
        elements = elements.prefix(patterns.count)
      }
      return elements.count == patterns.count && zip(elements, patterns).allSatisfy { matches($0, $1) }
    default:
      return false
    }
  }

  /// Writes the wildcards as the atoms that stand for them. Inside `"…"`, `#…#` and `|…|` a question mark is one.
  private static func replacingWildcards(in text: String) -> String {
    var result = ""
    var closing: Character?
    var isEscaped = false
    var characters = text[...]
    while let character = characters.popFirst() {
      if let end = closing {
        if isEscaped {
          isEscaped = false
        } else if character == "\\", end == "\"" {
          isEscaped = true
        } else if character == end {
          closing = nil
        }
      } else if "\"#|".contains(character) {
        closing = character
      } else if character == "?" {
        let isRest = characters.hasPrefix("rest")
        if isRest { characters = characters.dropFirst("rest".count) }
        result += "#\(Hexadecimal.text(isRest ? rest : any))#"
        continue
      }
      result.append(character)
    }
    return result
  }
}

extension ByteBuffer {
  fileprivate func elementsEqual(_ bytes: [UInt8]) -> Bool { readableBytesView.elementsEqual(bytes) }
}
