/// The clauses of the specification, by their ids.
///
/// In the specification's text each is an item of a list, `- **F-1.a** text`, which may go on over indented lines.
package struct SpecificationIndex: Sendable {
  package static let path = "Sources/Bokbok/Documentation.docc/Specification.md"

  /// The ids in the order of the text.
  package let ids: [String]
  private let texts: [String: String]

  /// The index of a text. Throws if an id stands twice.
  package init(parsing markdown: String) throws(DataError) {
    let head = /- \*\*([A-Z]+-[0-9]+(?:\.[a-z]+)?)\*\* *(.*)/
    var ids: [String] = []
    var texts: [String: String] = [:]
    var current: String?
    for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
      if let match = line.wholeMatch(of: head) {
        let id = String(match.1)
        guard texts[id] == nil else { throw DataError(file: Self.path, message: "the clause \(id) stands twice") }
        ids.append(id)
        texts[id] = String(match.2)
        current = id
      } else if let id = current, line.hasPrefix("  ") {
        texts[id, default: ""] += " " + line.drop { $0 == " " }
      } else {
        current = nil
      }
    }
    self.ids = ids
    self.texts = texts
  }

  /// The specification that the command carries.
  package static func embedded() throws(DataError) -> SpecificationIndex {
    guard let bytes = EmbeddedFiles.contents(of: path) else {
      throw DataError(file: path, message: "the command does not carry this file")
    }
    return try SpecificationIndex(parsing: String(decoding: bytes, as: UTF8.self))
  }

  package func contains(_ id: String) -> Bool { texts[id] != nil }

  /// What the clause says; nil if there is none with this id.
  package func text(of id: String) -> String? { texts[id] }

  /// Whether the clause shows outside of the implementation: its tag is *(wire)* or *(api)*.
  package func isVisible(_ id: String) -> Bool {
    texts[id].map { $0.hasSuffix("*(wire)*") || $0.hasSuffix("*(api)*") } ?? false
  }

  /// The requirement that a clause belongs to: `F-1` for `F-1.a`.
  package static func requirement(of clause: String) -> String {
    String(clause.prefix { $0 != "." })
  }

  /// Whether a requirement with this id has a clause.
  package func containsRequirement(_ requirement: String) -> Bool {
    ids.contains { Self.requirement(of: $0) == requirement }
  }
}

/// What is wrong with a data file, and where in it.
package struct DataError: Error, Equatable, CustomStringConvertible {
  package let file: String
  /// Where in the file, such as `case F-1/unknown-kind, step 3`; nil for the file as a whole.
  package let place: String?
  package let message: String

  package init(file: String, place: String? = nil, message: String) {
    self.file = file
    self.place = place
    self.message = message
  }

  package var description: String {
    [file, place, message].compactMap { $0 }.joined(separator: ": ")
  }
}
