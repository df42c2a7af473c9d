internal import CSodium
internal import Foundation

/// Bytes as hexadecimal digits, which is how data files and the testee contract carry them.
package enum Hexadecimal {
  /// The lower-case digits of the bytes.
  package static func text(_ bytes: some Collection<UInt8>) -> String {
    let bytes = ContiguousArray(bytes)
    return String(unsafeUninitializedCapacity: bytes.count * 2 + 1) { digits in
      bytes.withUnsafeBufferPointer { bytes in
        digits.withMemoryRebound(to: CChar.self) { digits in
          guard let text = digits.baseAddress, let first = bytes.baseAddress else { return }
          // libsodium's own: payloads are long, and a loop in Swift is slow where it is not optimised.
          sodium_bin2hex(text, digits.count, first, bytes.count)
        }
        return bytes.count * 2
      }
    }
  }

  /// The bytes of the digits, of either case and with spaces and line ends between bytes; nil if the text is anything
  /// else.
  package static func bytes(_ text: String) -> [UInt8]? {
    var text = text
    return text.withUTF8 { digits in
      // libsodium takes the character NUL for one to be passed over.
      guard let first = digits.baseAddress, !digits.isEmpty else { return [] }
      guard memchr(first, 0, digits.count) == nil else { return nil }
      var isHexadecimal = false
      let bytes = [UInt8](unsafeUninitializedCapacity: digits.count / 2 + 1) { bytes, count in
        guard let buffer = bytes.baseAddress else { return }
        first.withMemoryRebound(to: CChar.self, capacity: digits.count) { text in
          isHexadecimal = sodium_hex2bin(buffer, bytes.count, text, digits.count, " \n", &count, nil) == 0
        }
      }
      return isHexadecimal ? bytes : nil
    }
  }
}
