/// A JSON value (RFC 8259) as the kit reads and writes it: members keep their order, and whole numbers stay whole.
package enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(Object)

  /// The members of an object, in their order. No name stands twice.
  package struct Object: Equatable, Sendable {
    package private(set) var members: [(name: String, value: JSON)] = []
    /// By the bytes of the names: texts that only look the same are different names.
    private var indices: [[UInt8]: Int] = [:]

    package init() {}

    package init(_ members: [(String, JSON)]) {
      for (name, value) in members { self[name] = value }
    }

    /// The value of a member. Setting nil removes it.
    package subscript(name: String) -> JSON? {
      get { indices[Array(name.utf8)].map { members[$0].value } }
      set {
        switch (indices[Array(name.utf8)], newValue) {
        case (let index?, let value?):
          members[index].value = value
        case (nil, let value?):
          indices[Array(name.utf8)] = members.count
          members.append((name, value))
        case (let index?, nil):
          members.remove(at: index)
          indices = Dictionary(uniqueKeysWithValues: members.enumerated().map { (Array($1.name.utf8), $0) })
        case (nil, nil):
          break
        }
      }
    }

    package var names: [String] { members.map(\.name) }
    package var isEmpty: Bool { members.isEmpty }

    package static func == (left: Object, right: Object) -> Bool {
      left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }
  }
}

extension JSON {
  package var string: String? { if case .string(let text) = self { text } else { nil } }
  package var integer: Int? { if case .integer(let number) = self { number } else { nil } }
  package var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
  package var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
  package var object: Object? { if case .object(let object) = self { object } else { nil } }

  /// The member of an object; nil for any other value.
  package subscript(name: String) -> JSON? { object?[name] }

  /// What kind of value this is, in the words of JSON Schema.
  package var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral text: String) { self = .string(text) }
  package init(integerLiteral number: Int) { self = .integer(number) }
  package init(booleanLiteral flag: Bool) { self = .bool(flag) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }

  package init(dictionaryLiteral members: (String, JSON)...) {
    self = .object(Object(members))
  }
}
