/// HTML made of text that nothing can break out of: what is interpolated is escaped, unless it is such HTML itself.
struct HTMLText: ExpressibleByStringInterpolation, Sendable {
  private(set) var text: String

  init(stringLiteral value: String) { text = value }

  init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ literal: String) { text += literal }

    mutating func appendInterpolation(_ html: HTMLText) { text += html.text }

    mutating func appendInterpolation(_ number: Int) { text += String(number) }

    mutating func appendInterpolation(_ plain: some StringProtocol) { text += HTMLText.escape(plain) }
  }

  static func += (left: inout HTMLText, right: HTMLText) { left.text += right.text }

  /// The pieces one behind the other.
  static func joined(_ pieces: some Sequence<HTMLText>) -> HTMLText {
    pieces.reduce(into: "") { $0 += $1 }
  }

  /// Also in attributes in double quotes. Control characters and those that turn the direction of writing are shown as
  /// what they are not: a replacement character.
  private static func escape(_ plain: some StringProtocol) -> String {
    var result = ""
    for scalar in plain.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}",
        "\u{61C}", "\u{200E}", "\u{200F}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}",
        "\u{FFFE}", "\u{FFFF}":
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
