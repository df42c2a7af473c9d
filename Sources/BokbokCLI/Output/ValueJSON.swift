internal import Bokbok
internal import BokbokConformance
internal import NIOCore

/// Values as JSON, for programs that read the output of the command.
///
/// A list is an array. An atom whose bytes are UTF-8 is a string of that text; any other is an object with one member,
/// `{"hex": "…"}`. So nothing is lost, and neither can be taken for the other.
enum ValueJSON {
  /// The meaning of the JSON, for `--help`.
  static let help = "a list is an array, an atom that is UTF-8 a string, any other atom {\"hex\": \"…\"}"

  /// The JSON text of a value, on one line.
  static func text(of value: Value) -> String {
    var text = ""
    append(value, to: &text)
    return text
  }

  // Recursion is bounded: values nest at most `Value.depthMax` deep (V-3).
  private static func append(_ value: Value, to text: inout String) {
    switch value {
    case .list(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += "," }
        append(element, to: &text)
      }
      text += "]"
    case .atom(let buffer):
      if let string = buffer.withUnsafeReadableBytes({ String(validating: $0, as: UTF8.self) }) {
        appendString(string, to: &text)
      } else {
        text += "{\"hex\":\"\(Hexadecimal.text(buffer.readableBytesView))\"}"
      }
    }
  }

  /// Appends a JSON string: quoted, with what JSON does not take as it is escaped, and what could pretend to be
  /// something else on a terminal (E-5).
  private static func appendString(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case _ where isEscaped(scalar):
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
    return switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned: true
    default: false
    }
  }
}
