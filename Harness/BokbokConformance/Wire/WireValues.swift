internal import BokbokCore
internal import NIOCore

/// The kit's way to the values of the library.
enum WireValues {
  /// The value that is the whole of these bytes.
  static func decode(_ bytes: [UInt8]) throws(ValueDecodingError) -> Value {
    try Value(decoding: ByteBuffer(bytes: bytes))
  }

  /// The canonical encoding.
  static func encode(_ value: Value) throws(ValueEncodingError) -> [UInt8] {
    Array(try value.encoded().readableBytesView)
  }

  /// The clause that malformed bytes break.
  static func clause(of error: ValueDecodingError) -> String {
    switch error.code {
    case .trailingBytes: "V-1.a"
    case .truncated: error.offset == 0 ? "V-1.a" : "V-1.c"
    case .unopenedList: "V-1.c"
    case .leadingZero: "V-2.a"
    case .lengthTooLong: "V-2.b"
    case .tooDeep: "V-3.a"
    case .tooManyValues: "V-6.a"
    default: "V-4.a"
    }
  }
}

/// The body of an ERROR or CLOSE, or the content of a refusal: `(code message detail …)`.
struct WireErrorBody {
  let code: String
  let message: [UInt8]
  let details: [Value]

  /// Throws the fault of a body that does not have the form, under the clause given.
  init(_ body: [UInt8], takesDetails: Bool, clause: String) throws(WireFault) {
    let value: Value
    do {
      value = try WireValues.decode(body)
    } catch {
      throw WireFault(clause: clause, message: "\(error)")
    }
    guard case .list(let elements) = value, elements.count >= 2, takesDetails || elements.count == 2,
      case .atom(let code) = elements[0], case .atom(let message) = elements[1]
    else {
      let form = takesDetails ? "(code message detail …)" : "(code message)"
      throw WireFault(clause: clause, message: "expected \(form), found \(WireErrorBody.shown(value))")
    }
    let codeBytes = Array(code.readableBytesView)
    guard WireErrorBody.isCode(codeBytes) else {
      throw WireFault(clause: clause, message: "not a code: \(WireErrorBody.shown(elements[0]))")
    }
    let messageBytes = Array(message.readableBytesView)
    guard String(validating: messageBytes, as: UTF8.self) != nil else {
      throw WireFault(clause: clause, message: "the message is not UTF-8: \(WireErrorBody.shown(elements[1]))")
    }
    self.code = String(decoding: codeBytes, as: UTF8.self)
    self.message = messageBytes
    self.details = Array(elements.dropFirst(2))
  }

  /// Whether bytes have the form of a code: 1 to 64 of `a-z 0-9 . -`.
  static func isCode(_ bytes: [UInt8]) -> Bool {
    (1...64).contains(bytes.count)
      && bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
          UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  private static func shown(_ value: Value) -> String {
    String(displaying: value.debugDescription, charactersMax: 200)
  }
}
