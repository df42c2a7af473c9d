internal import Bokbok
internal import BokbokConformance
internal import NIOCore

/// Values as nested JSON in the contract: a list is an array, an atom is `{"hex": "…"}`.
enum TesteeValue {
  // Recursion is bounded: values nest at most `Value.depthMax` deep (V-3).
  static func json(_ value: Value) -> JSON {
    switch value {
    case .atom(let bytes): ["hex": .string(Hexadecimal.text(bytes.readableBytesView))]
    case .list(let elements): .array(elements.map { json($0) })
    }
  }

  /// Recursion is bounded by how deep the JSON reader lets arrays nest.
  static func value(_ json: JSON) throws(TesteeFailure) -> Value {
    switch json {
    case .array(let elements):
      var values: [Value] = []
      values.reserveCapacity(elements.count)
      for element in elements { values.append(try value(element)) }
      return .list(values)
    case .object(let object):
      guard let hex = object["hex"]?.string, object.members.count == 1, let bytes = Hexadecimal.bytes(hex) else {
        throw TesteeFailure(.other, "an atom is {\"hex\": \"…\"} with hexadecimal digits")
      }
      return Value(bytes: bytes)
    default:
      throw TesteeFailure(.other, "a value is an array or {\"hex\": \"…\"}, but \(json.typeName) was given")
    }
  }
}

extension Value {
  /// The canonical encoding in hexadecimal digits, as payloads travel in the contract. For values that came over the
  /// wire, which always have one.
  var hexadecimal: String {
    var buffer = ByteBuffer()
    encode(into: &buffer)
    return Hexadecimal.text(buffer.readableBytesView)
  }
}
