/// Base 64 (RFC 4648, section 4), as the notation of RFC 9804 uses it.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Appends the encoding, with padding.
  static func encode(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) {
    var offset = 0
    while offset < bytes.count {
      let byteCount = min(3, bytes.count - offset)
      var block: UInt32 = 0
      for index in 0..<3 {
        block = block << 8 | (index < byteCount ? UInt32(bytes[offset + index]) : 0)
      }
      for index in 0..<4 {
        let digit = Int(block >> (18 - 6 * UInt32(index)) & 0x3F)
        output.append(index <= byteCount ? alphabet[digit] : UInt8(ascii: "="))
      }
      offset += byteCount
    }
  }

  /// The six bits that a character stands for.
  static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }

  /// Collects digits and gives the bytes they stand for.
  struct Decoder {
    private(set) var bytes: [UInt8] = []
    /// Bits that do not make a byte yet; `bitCount` of them.
    private var bits: UInt16 = 0
    private var bitCount = 0
    private(set) var paddingCount = 0

    mutating func append(_ digit: UInt8) {
      bits = bits << 6 | UInt16(digit)
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt16(bitCount)))
        bits &= (1 << UInt16(bitCount)) - 1
      }
    }

    /// False where no padding may stand.
    mutating func appendPadding() -> Bool {
      paddingCount += 1
      // Two digits leave 4 bits and take two signs, three leave 2 bits and take one.
      return bitCount == 4 && paddingCount <= 2 || bitCount == 2 && paddingCount <= 1
    }

    /// Whether the end may come here: padding may be left out (RFC 9804, section 4.5), but the last block must not stop
    /// after one digit, nor have bits that belong to no byte.
    var isComplete: Bool {
      bitCount < 6 && bits == 0
    }
  }
}
