/// Checks JSON values against a schema: the part of JSON Schema (draft 2020-12) that the project's schemas use.
///
/// A keyword that is not implemented here is an error when the schema is read, so that no rule is silently skipped.
package struct JSONSchema: Sendable {
  /// What is wrong with a value: where, as names and indices from the root, and what.
  package struct Fault: Error, Equatable, CustomStringConvertible {
    package let path: [String]
    package let message: String

    package var description: String { (path.isEmpty ? "" : path.joined(separator: "/") + ": ") + message }
  }

  /// The pattern of bytes in digits, which is checked without a regular expression: such texts have megabytes.
  private static let hexadecimalPattern = "^([0-9a-fA-F]{2})*$"

  private let root: JSON
  private let patterns = Patterns()

  /// Throws if the schema itself uses something that is not implemented, or refers to a definition that is not there.
  package init(_ schema: JSON) throws(Fault) {
    self.root = schema
    try checkSchema(schema, path: [])
  }

  /// The faults of a value, in the order of its text; none if it fits the schema.
  package func faults(of value: JSON) -> [Fault] {
    var faults: [Fault] = []
    check(value, root, path: [], into: &faults)
    return faults
  }
}

/// The regular expressions of a schema, compiled once: to compile one takes longer than to check a text with it.
///
/// Sendable although a `Regex` is not: those of texts hold no code of a caller's, and none is added once the schema has
/// been read.
private final class Patterns: @unchecked Sendable {
  private var expressions: [String: Regex<AnyRegexOutput>] = [:]

  /// Whether it is a regular expression.
  func compile(_ pattern: String) -> Bool {
    if expressions[pattern] == nil { expressions[pattern] = try? Regex(pattern) }
    return expressions[pattern] != nil
  }

  func match(_ text: String, _ pattern: String) -> Bool {
    guard let expression = expressions[pattern] else { return false }
    return text.firstMatch(of: expression) != nil
  }
}

// MARK: - The schema itself

extension JSONSchema {
  /// The schema at this path of those that the command carries.
  ///
  /// Throws ``JSONError`` or ``Fault`` if there is none, or it is none.
  static func embedded(_ path: String) throws -> JSONSchema {
    try JSONSchema(JSON(parsing: EmbeddedFiles.contents(of: path) ?? []))
  }
}

extension JSONSchema {
  private static let annotations: Set = ["$schema", "$id", "$defs", "$comment", "title", "description", "examples"]
  private static let schemaKeywords: Set = ["items", "additionalProperties", "propertyNames"]
  private static let plainKeywords: Set = [
    "$ref", "type", "enum", "const", "required", "minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength",
    "minProperties", "maxProperties", "pattern", "uniqueItems",
  ]

  private func checkSchema(_ schema: JSON, path: [String]) throws(Fault) {
    if schema.bool != nil { return }
    guard let object = schema.object else { throw Fault(path: path, message: "a schema must be an object") }
    for (name, value) in object.members {
      let path = path + [name]
      switch name {
      case "properties", "$defs":
        for (property, schema) in value.object?.members ?? [] { try checkSchema(schema, path: path + [property]) }
      case "oneOf", "anyOf", "allOf":
        for (index, schema) in (value.array ?? []).enumerated() {
          try checkSchema(schema, path: path + [String(index)])
        }
      case "$ref":
        guard definition(value) != nil else { throw Fault(path: path, message: "no such definition") }
      case "pattern":
        guard let pattern = value.string, patterns.compile(pattern) else {
          throw Fault(path: path, message: "not a regular expression")
        }
      case _ where Self.schemaKeywords.contains(name):
        try checkSchema(value, path: path)
      case _ where Self.annotations.contains(name) || Self.plainKeywords.contains(name):
        break
      default:
        throw Fault(path: path, message: "the keyword is not implemented")
      }
    }
  }

  private func definition(_ reference: JSON) -> JSON? {
    guard let text = reference.string, text.hasPrefix("#/$defs/") else { return nil }
    return root["$defs"]?[String(text.dropFirst("#/$defs/".count))]
  }
}

// MARK: - Values

extension JSONSchema {
  private func check(_ value: JSON, _ schema: JSON, path: [String], into faults: inout [Fault]) {
    if let allowed = schema.bool {
      if !allowed { faults.append(Fault(path: path, message: "must not be there")) }
      return
    }
    guard let rules = schema.object else { return }
    if let reference = rules["$ref"], let definition = definition(reference) {
      check(value, definition, path: path, into: &faults)
    }
    if let type = rules["type"] {
      let types = type.array?.compactMap(\.string) ?? [type.string ?? ""]
      guard types.contains(value.typeName) || (types.contains("number") && value.typeName == "integer") else {
        let message = "must be \(types.joined(separator: " or ")), not \(value.typeName)"
        faults.append(Fault(path: path, message: message))
        return
      }
    }
    if let constant = rules["const"], constant != value {
      faults.append(Fault(path: path, message: "must be \(constant.encodedText)"))
    }
    if let values = rules["enum"]?.array, !values.contains(value) {
      let choices = values.map(\.encodedText).joined(separator: ", ")
      faults.append(Fault(path: path, message: "\(value.encodedText) is not one of \(choices)"))
    }
    checkAlternatives(value, rules, path: path, into: &faults)
    switch value {
    case .string(let text): checkText(text, rules, path: path, into: &faults)
    case .integer(let number): checkNumber(Double(number), rules, path: path, into: &faults)
    case .number(let number): checkNumber(number, rules, path: path, into: &faults)
    case .array(let elements): checkArray(elements, rules, path: path, into: &faults)
    case .object(let object): checkObject(object, rules, path: path, into: &faults)
    case .null, .bool: break
    }
  }

  private func checkAlternatives(_ value: JSON, _ rules: JSON.Object, path: [String], into faults: inout [Fault]) {
    for schema in rules["allOf"]?.array ?? [] { check(value, schema, path: path, into: &faults) }
    for (name, isExclusive) in [("oneOf", true), ("anyOf", false)] {
      guard let schemas = rules[name]?.array else { continue }
      var tries: [[Fault]] = []
      for schema in schemas {
        var found: [Fault] = []
        check(value, schema, path: path, into: &found)
        tries.append(found)
      }
      let fitting = tries.count(where: \.isEmpty)
      if fitting == 0 {
        // The alternative that goes wrong deepest inside is the one that was meant.
        let best = tries.max { ($0.map(\.path.count).max() ?? 0) < ($1.map(\.path.count).max() ?? 0) } ?? []
        let isClear = best.contains { $0.path.count > path.count }
        faults.append(contentsOf: isClear ? best : [Fault(path: path, message: "fits none of the forms allowed here")])
      } else if isExclusive, fitting > 1 {
        faults.append(Fault(path: path, message: "fits more than one of the forms allowed here"))
      }
    }
  }

  private func checkText(_ text: String, _ rules: JSON.Object, path: [String], into faults: inout [Fault]) {
    if let minimum = rules["minLength"]?.integer, text.unicodeScalars.count < minimum {
      faults.append(Fault(path: path, message: "must have at least \(minimum) characters"))
    }
    if let maximum = rules["maxLength"]?.integer, text.unicodeScalars.count > maximum {
      faults.append(Fault(path: path, message: "must have at most \(maximum) characters"))
    }
    if rules["pattern"]?.string == Self.hexadecimalPattern {
      if Hexadecimal.bytes(text) == nil {
        let shown = text.count > 80 ? "\(text.prefix(80))…" : text
        faults.append(Fault(path: path, message: "\"\(shown)\" is not an even number of hexadecimal digits"))
      }
    } else if let pattern = rules["pattern"]?.string, !patterns.match(text, pattern) {
      faults.append(Fault(path: path, message: "\"\(text)\" does not match \(pattern)"))
    }
  }

  private func checkNumber(_ number: Double, _ rules: JSON.Object, path: [String], into faults: inout [Fault]) {
    if let minimum = rules["minimum"]?.integer, number < Double(minimum) {
      faults.append(Fault(path: path, message: "must be at least \(minimum)"))
    }
    if let maximum = rules["maximum"]?.integer, number > Double(maximum) {
      faults.append(Fault(path: path, message: "must be at most \(maximum)"))
    }
  }

  private func checkArray(_ elements: [JSON], _ rules: JSON.Object, path: [String], into faults: inout [Fault]) {
    if let minimum = rules["minItems"]?.integer, elements.count < minimum {
      faults.append(Fault(path: path, message: "must have at least \(minimum) elements"))
    }
    if let maximum = rules["maxItems"]?.integer, elements.count > maximum {
      faults.append(Fault(path: path, message: "must have at most \(maximum) elements"))
    }
    if rules["uniqueItems"]?.bool == true {
      for (index, element) in elements.enumerated() where elements[..<index].contains(element) {
        faults.append(Fault(path: path + [String(index)], message: "stands twice"))
      }
    }
    guard let schema = rules["items"] else { return }
    for (index, element) in elements.enumerated() {
      check(element, schema, path: path + [String(index)], into: &faults)
    }
  }

  private func checkObject(_ object: JSON.Object, _ rules: JSON.Object, path: [String], into faults: inout [Fault]) {
    for name in rules["required"]?.array?.compactMap(\.string) ?? [] where object[name] == nil {
      faults.append(Fault(path: path, message: "\"\(name)\" is missing"))
    }
    if let minimum = rules["minProperties"]?.integer, object.members.count < minimum {
      faults.append(Fault(path: path, message: "must have at least \(minimum) members"))
    }
    if let maximum = rules["maxProperties"]?.integer, object.members.count > maximum {
      faults.append(Fault(path: path, message: "must have at most \(maximum) members: \(object.names)"))
    }
    let properties = rules["properties"]?.object
    for (name, value) in object.members {
      if let names = rules["propertyNames"] { check(.string(name), names, path: path + [name], into: &faults) }
      if let schema = properties?[name] {
        check(value, schema, path: path + [name], into: &faults)
      } else if let others = rules["additionalProperties"] {
        if others.bool == false {
          faults.append(Fault(path: path, message: "unknown key \"\(name)\""))
        } else {
          check(value, others, path: path + [name], into: &faults)
        }
      }
    }
  }
}
