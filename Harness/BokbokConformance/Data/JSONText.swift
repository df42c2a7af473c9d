internal import Foundation

/// The bytes of a text that stand in a JSON string as they are. Payloads are long, and a loop over bytes is slow where
/// Swift is not optimised: the C library looks for what is special.
struct JSONText {
  /// What may not stand in a string unescaped, besides NUL.
  static let reserved = JSONText(special: Array(1..<0x20) + [UInt8(ascii: "\""), UInt8(ascii: "\\")])
  /// What is written escaped, besides NUL: that, and DEL.
  static let escaped = JSONText(special: reserved.special.dropLast() + [0x7F])

  private let special: [UInt8]

  private init(special: [UInt8]) {
    self.special = special + [0]
  }

  /// How many bytes from a position on are not special; `bytes` has to end with NUL.
  func plainCount(in bytes: [UInt8], from position: Int) -> Int {
    bytes.withUnsafeBytes { bytes in
      special.withUnsafeBytes { special in
        guard let start = bytes.bindMemory(to: CChar.self).baseAddress,
          let set = special.bindMemory(to: CChar.self).baseAddress
        else { return 0 }
        return strcspn(start + position, set)
      }
    }
  }
}
