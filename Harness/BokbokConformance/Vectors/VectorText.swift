/// Writes a vector file: members in their order, one a line, and what is short on one line, so that a difference
/// between two versions of a file is easy to read.
struct VectorText {
  private static let widthMax = 150
  /// Always on one line: a deeply nested value would fill as many lines as it is deep.
  private static let flatMember = "value"

  private var output = ""

  /// The text of a whole file, which ends with the end of a line.
  static func text(of file: JSON) -> String {
    var writer = VectorText()
    writer.write(file, indentation: 0, depth: 0)
    return writer.output + "\n"
  }

  /// One value on one line.
  static func line(_ json: JSON) -> String {
    switch json {
    case .array(let elements):
      return "[" + elements.map { line($0) }.joined(separator: ", ") + "]"
    case .object(let object):
      let members = object.members.map { JSON.string($0.name).encodedText + ": " + line($0.value) }
      return "{" + members.joined(separator: ", ") + "}"
    default:
      return json.encodedText
    }
  }

  /// - Parameter depth: 0 for the file, 1 for the list of vectors, 2 for a vector: these never stand on one line.
  private mutating func write(_ json: JSON, indentation: Int, depth: Int, isFlat: Bool = false) {
    let elements: [(name: String?, value: JSON)]
    let brackets: (open: String, close: String)
    switch json {
    case .array(let values):
      elements = values.map { (nil, $0) }
      brackets = ("[", "]")
    case .object(let object):
      elements = object.members.map { ($0.name, $0.value) }
      brackets = ("{", "}")
    default:
      output += json.encodedText
      return
    }
    if depth > 2 || elements.isEmpty {
      let line = Self.line(json)
      if isFlat || indentation + line.utf8.count <= Self.widthMax {
        output += line
        return
      }
    }
    output += brackets.open
    for (index, element) in elements.enumerated() {
      output += (index > 0 ? ",\n" : "\n") + String(repeating: " ", count: indentation + 2)
      if let name = element.name { output += JSON.string(name).encodedText + ": " }
      write(element.value, indentation: indentation + 2, depth: depth + 1, isFlat: element.name == Self.flatMember)
    }
    output += "\n" + String(repeating: " ", count: indentation) + brackets.close
  }
}
