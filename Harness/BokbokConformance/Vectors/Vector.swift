/// What a vector file is about; `Vectors/FORMAT.md` describes the members of each.
package enum VectorSubject: String, CaseIterable, Sendable {
  case values
  case frames
  case records
  case settings
  case refusals
  case noise
  case handshakes
  case keys
  case sessions

  /// The schema of its files, from the project's root.
  package var schemaPath: String { "\(VectorSet.folder)/schemas/\(rawValue).schema.json" }
}

/// One recorded packet, handshake, value, key or session, and what an implementation has to make of it.
package struct Vector: Sendable {
  package let subject: VectorSubject
  /// All members, in the order of the file.
  let members: JSON.Object

  init(subject: VectorSubject, members: JSON.Object) {
    self.subject = subject
    self.members = members
  }

  /// The name, which never changes.
  package var id: String { members["id"]?.string ?? "" }
  /// The clauses of the specification that it shows.
  package var clauses: [String] { members["clauses"]?.array?.compactMap(\.string) ?? [] }
  /// Whether the bytes are as the protocol wants them.
  package var isValid: Bool { members["result"]?.string == "valid" }
  package var origin: Origin { members["origin"]?.string.flatMap(Origin.init) ?? .generated }

  /// Where a vector comes from.
  package enum Origin: String, Sendable {
    /// Made by the code beside it, always the same.
    case generated
    /// Taken from somewhere else; the member `source` says from where.
    case published
    /// Read from the wire between two implementations.
    case recorded
  }

  /// What an invalid vector is wrong with.
  var error: Failure? {
    guard let error = members["error"] else { return nil }
    return Failure(clause: error["clause"]?.string ?? "", outcome: error["outcome"]?.string ?? "")
  }

  struct Failure: Equatable {
    var clause: String
    var outcome: String
  }
}

/// What a vector states and what was found instead.
struct VectorMismatch: Error, Equatable {
  /// Where in the vector, such as `steps/3/sends`.
  var place: String
  var message: String
}

// MARK: - Members

extension Vector {
  subscript(name: String) -> JSON? { members[name] }

  func octets(_ name: String) throws(VectorMismatch) -> [UInt8] {
    try members[name].octets(at: name)
  }

  func text(_ name: String) throws(VectorMismatch) -> String {
    guard let text = members[name]?.string else {
      throw VectorMismatch(place: name, message: "expected a text")
    }
    return text
  }
}

extension Optional where Wrapped == JSON {
  /// The bytes of a member in either form of ``Octets``.
  func octets(at place: String) throws(VectorMismatch) -> [UInt8] {
    guard let json = self, let octets = Octets(json) else {
      throw VectorMismatch(place: place, message: "expected bytes: lower-case hexadecimal digits or parts of them")
    }
    return octets.bytes
  }
}

// MARK: - Comparing

extension VectorMismatch {
  /// Throws where two byte strings differ, naming the first byte that does.
  static func compare(
    expected: [UInt8],
    got: [UInt8],
    place: String
  ) throws(VectorMismatch) {
    guard expected != got else { return }
    let common = zip(expected, got).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    let offset = common ?? min(expected.count, got.count)
    throw VectorMismatch(
      place: place,
      message: "byte \(offset): expected \(shown(expected, at: offset)), got \(shown(got, at: offset))"
    )
  }

  /// Throws where two texts differ in a byte: canonically equivalent texts are two texts here.
  static func compare(expected: String, got: String, place: String) throws(VectorMismatch) {
    guard !expected.utf8.elementsEqual(got.utf8) else { return }
    throw VectorMismatch(place: place, message: "expected \(cut(expected)), got \(cut(got))")
  }

  /// Throws where two values differ, naming the first place that does.
  static func compare(expected: JSON, got: JSON, place: String) throws(VectorMismatch) {
    switch (expected, got) {
    case (.string(let left), .string(let right)):
      if let left = Octets(expected), let right = Octets(got) {
        try compare(expected: left.bytes, got: right.bytes, place: place)
      } else {
        try compare(expected: left, got: right, place: place)
      }
    case (.array(let left), .array(let right)):
      for (index, pair) in zip(left, right).enumerated() {
        try compare(expected: pair.0, got: pair.1, place: "\(place)/\(index)")
      }
      guard left.count == right.count else {
        throw VectorMismatch(place: place, message: "expected \(left.count) elements, got \(right.count)")
      }
    case (.object(let left), .object(let right)):
      for (name, value) in left.members {
        guard let other = right[name] else {
          throw VectorMismatch(place: place, message: "expected the member \"\(name)\", which is missing")
        }
        try compare(expected: value, got: other, place: place.isEmpty ? name : "\(place)/\(name)")
      }
      if let extra = right.names.first(where: { left[$0] == nil }) {
        throw VectorMismatch(place: place, message: "got the member \"\(extra)\", which is not expected")
      }
    default:
      guard expected != got else { return }
      throw VectorMismatch(place: place, message: "expected \(cut(expected.encodedText)), got \(cut(got.encodedText))")
    }
  }

  /// The byte at an offset and some of what follows it.
  private static func shown(_ bytes: [UInt8], at offset: Int) -> String {
    guard offset < bytes.count else { return "the end" }
    let rest = bytes[offset...]
    return Hexadecimal.text(rest.prefix(8)) + (rest.count > 8 ? "…" : "")
  }

  private static func cut(_ text: String) -> String {
    text.unicodeScalars.count <= 200 ? text : String(text.prefix(200)) + "…"
  }
}

// MARK: - Listing

extension Vector {
  /// One line for people: id, result, clauses.
  package var summary: String {
    let result = isValid ? "valid  " : "invalid"
    let padding = String(repeating: " ", count: max(1, 52 - id.count))
    return id + padding + result + "  " + clauses.joined(separator: " ")
  }

  /// One line of JSON: file, subject, id, result, error, origin, clauses, comment.
  package func summaryJSON(file: String) -> String {
    var object = JSON.Object()
    object["file"] = .string(file)
    object["subject"] = .string(subject.rawValue)
    for name in ["id", "result", "error", "origin", "clauses", "comment"] { object[name] = members[name] }
    return JSON.object(object).encodedText
  }
}
