internal import BokbokCore

/// Reads keys as hexadecimal digits, without a copy in memory that is not erased.
enum KeyDigits {
  /// What is wrong with the digits. No message shows any of them.
  enum ReadingError: Error, CustomStringConvertible {
    case wrongLength(Int)
    case notHexadecimal
    case outOfMemory

    var description: String {
      switch self {
      case .wrongLength(let count):
        "a key has \(KeyDigits.count) hexadecimal digits, but \(count) characters stand here"
      case .notHexadecimal:
        "a key has \(KeyDigits.count) hexadecimal digits, 0-9 and a-f, but other characters stand here"
      case .outOfMemory:
        "the system gave no memory for a key"
      }
    }
  }

  /// Digits of a key.
  static let count = 2 * PresharedKey.byteCount

  /// The key of these digits, of either case.
  static func key(_ digits: some Collection<UInt8>) throws(ReadingError) -> PresharedKey {
    guard digits.count == count else { throw .wrongLength(digits.count) }
    var isHexadecimal = true
    let secret: SecretBytes
    do {
      secret = try SecretBytes(count: PresharedKey.byteCount) { bytes in
        var high: UInt8 = 0
        for (index, digit) in digits.enumerated() {
          guard let value = value(of: digit) else {
            isHexadecimal = false
            return
          }
          if index.isMultiple(of: 2) { high = value } else { bytes[index / 2] = high << 4 | value }
        }
      }
    } catch {
      throw .outOfMemory
    }
    guard isHexadecimal else { throw .notHexadecimal }
    do {
      return try secret.withUnsafeBytes { (bytes) throws(PresharedKeyError) in try PresharedKey(bytes: bytes) }
    } catch {
      throw .outOfMemory
    }
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
