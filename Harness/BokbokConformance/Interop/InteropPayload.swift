/// A value as the testee contract carries it: the hexadecimal digits of its canonical encoding.
struct InteropPayload: Equatable, Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
  let hex: String

  init(hex: String) {
    self.hex = hex
  }

  init(stringLiteral text: String) {
    self = .atom(Array(text.utf8))
  }

  init(arrayLiteral elements: InteropPayload...) {
    self = .list(elements)
  }

  static func atom(_ bytes: [UInt8]) -> InteropPayload {
    InteropPayload(hex: Hexadecimal.text(Array("\(bytes.count):".utf8)) + Hexadecimal.text(bytes))
  }

  /// An atom of the number's decimal digits.
  static func number(_ number: Int) -> InteropPayload {
    atom(Array("\(number)".utf8))
  }

  static func list(_ elements: [InteropPayload]) -> InteropPayload {
    InteropPayload(hex: "28" + elements.map(\.hex).joined() + "29")
  }

  /// What the service's `(blob N)` answers: byte i is i mod 251. Made from whole periods, since it may be long.
  static func blob(_ count: Int) -> InteropPayload {
    let period = Hexadecimal.text((0..<251).map { UInt8($0) })
    let digits = String(repeating: period, count: count / 251) + period.prefix(count % 251 * 2)
    return InteropPayload(hex: Hexadecimal.text(Array("\(count):".utf8)) + digits)
  }

  /// Lists in lists, as many as the depth.
  static func nested(depth: Int) -> InteropPayload {
    InteropPayload(hex: String(repeating: "28", count: depth) + String(repeating: "29", count: depth))
  }

  /// The digits, cut where they are many.
  var shown: String { hex.count <= 160 ? hex : "\(hex.prefix(160))… (\(hex.count / 2) bytes)" }
}
