/// Puts vectors of one subject together, with their members in the order of the format.
struct VectorMaker {
  let subject: VectorSubject

  /// A vector whose bytes are as the protocol wants them.
  func valid(
    _ name: String,
    _ comment: String,
    clauses: [String],
    _ members: KeyValuePairs<String, JSON?>
  ) -> Vector {
    vector(name, comment, clauses, error: nil, members)
  }

  /// A vector whose bytes break a clause, with what an implementation makes of them.
  func invalid(
    _ name: String,
    _ comment: String,
    breaks clause: String,
    outcome: String,
    code: String? = nil,
    clauses: [String] = [],
    _ members: KeyValuePairs<String, JSON?>
  ) -> Vector {
    var error: JSON.Object = .init()
    error["clause"] = .string(clause)
    error["outcome"] = .string(outcome)
    error["code"] = code.map { .string($0) }
    return vector(name, comment, [clause] + clauses.filter { $0 != clause }, error: .object(error), members)
  }

  private func vector(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    error: JSON?,
    _ members: KeyValuePairs<String, JSON?>
  ) -> Vector {
    var object = JSON.Object()
    object["id"] = .string("\(subject)/\(name)")
    object["comment"] = .string(comment)
    object["clauses"] = .array(clauses.map { .string($0) })
    object["result"] = error == nil ? "valid" : "invalid"
    object["error"] = error
    object["origin"] = "generated"
    for (name, value) in members { object[name] = value }
    return Vector(subject: subject, members: object)
  }
}

extension JSON {
  /// Bytes as lower-case hexadecimal digits.
  static func hex(_ bytes: [UInt8]) -> JSON {
    .string(Hexadecimal.text(bytes))
  }
}
