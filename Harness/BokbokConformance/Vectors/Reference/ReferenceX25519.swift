/// X25519 (RFC 7748, section 5), written again for the vectors. Neither fast nor constant in time: for fixed test data
/// only.
enum ReferenceX25519 {
  /// The point that generates the group.
  static let basePoint: [UInt8] = [9] + [UInt8](repeating: 0, count: 31)

  static func publicKey(of secret: [UInt8]) -> [UInt8] {
    sharedSecret(of: secret, with: basePoint)
  }

  /// The function X25519 of the RFC: both have 32 bytes. An all-zero result is returned like any other.
  static func sharedSecret(of secret: [UInt8], with point: [UInt8]) -> [UInt8] {
    var scalar = secret
    scalar[0] &= 248
    scalar[31] &= 127
    scalar[31] |= 64
    var coordinate = point
    coordinate[31] &= 127

    let x1 = Field(bytes: coordinate)
    var (x2, z2) = (Field(1), Field(0))
    var (x3, z3) = (x1, Field(1))
    for bit in (0..<255).reversed() {
      let isSet = scalar[bit / 8] >> (bit % 8) & 1 == 1
      if isSet { (x2, z2, x3, z3) = (x3, z3, x2, z2) }
      let sum = x2 + z2
      let difference = x2 - z2
      let sumSquared = sum * sum
      let differenceSquared = difference * difference
      let gap = sumSquared - differenceSquared
      let crossed = (x3 - z3) * sum
      let straight = (x3 + z3) * difference
      x3 = (crossed + straight) * (crossed + straight)
      z3 = x1 * ((crossed - straight) * (crossed - straight))
      x2 = sumSquared * differenceSquared
      z2 = gap * (sumSquared + Field(121_665) * gap)
      if isSet { (x2, z2, x3, z3) = (x3, z3, x2, z2) }
    }
    return (x2 * z2.inverse).bytes
  }
}

/// A number modulo 2^255 - 19, in four words of 64 bits, reduced to less than 2^256 only.
private struct Field {
  private var words: [UInt64]

  init(_ number: UInt64) {
    words = [number, 0, 0, 0]
  }

  init(bytes: [UInt8]) {
    words = (0..<4).map { word in
      (0..<8).reduce(0) { $0 | UInt64(bytes[8 * word + $1]) << UInt64(8 * $1) }
    }
  }

  private init(words: [UInt64]) {
    self.words = words
  }

  /// The number itself, less than 2^255 - 19, in 32 bytes.
  var bytes: [UInt8] {
    let prime: [UInt64] = [.max - 18, .max, .max, .max >> 1]
    var number = words
    // 2^256 is twice the prime and 38, so that it has to be taken off twice at most.
    for _ in 0..<2 {
      let (rest, borrow) = Field.subtract(number, prime)
      if !borrow { number = rest }
    }
    return number.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
  }

  /// This to the power of p - 2.
  var inverse: Field {
    var result = Field(1)
    // p - 2 = 2^255 - 21: all bits from 0 to 254 but 2 and 4.
    for bit in (0..<255).reversed() {
      result = result * result
      if bit != 2, bit != 4 { result = result * self }
    }
    return result
  }

  static func + (left: Field, right: Field) -> Field {
    let (sum, carry) = add(left.words, right.words)
    return carry ? folded(sum) : Field(words: sum)
  }

  static func - (left: Field, right: Field) -> Field {
    // 2^256 is 38.
    let (difference, borrow) = subtract(left.words, right.words)
    guard borrow else { return Field(words: difference) }
    let (again, second) = subtract(difference, [38, 0, 0, 0])
    return Field(words: second ? subtract(again, [38, 0, 0, 0]).0 : again)
  }

  static func * (left: Field, right: Field) -> Field {
    var product = [UInt64](repeating: 0, count: 8)
    for i in 0..<4 {
      var carry: UInt64 = 0
      for j in 0..<4 {
        let full = UInt128(left.words[i]) * UInt128(right.words[j]) + UInt128(product[i + j]) + UInt128(carry)
        product[i + j] = UInt64(truncatingIfNeeded: full)
        carry = UInt64(truncatingIfNeeded: full >> 64)
      }
      product[i + 4] = carry
    }
    // The upper half counts 38 times.
    var words: [UInt64] = []
    var carry: UInt64 = 0
    for index in 0..<4 {
      let full = UInt128(product[index]) + UInt128(product[index + 4]) * 38 + UInt128(carry)
      words.append(UInt64(truncatingIfNeeded: full))
      carry = UInt64(truncatingIfNeeded: full >> 64)
    }
    let (sum, again) = add(words, [carry * 38, 0, 0, 0])
    return again ? folded(sum) : Field(words: sum)
  }

  /// With 2^256, which an addition carried, counted as 38.
  private static func folded(_ words: [UInt64]) -> Field {
    let (sum, again) = add(words, [38, 0, 0, 0])
    return again ? folded(sum) : Field(words: sum)
  }

  private static func add(_ left: [UInt64], _ right: [UInt64]) -> ([UInt64], Bool) {
    var result: [UInt64] = []
    var carry: UInt128 = 0
    for (first, second) in zip(left, right) {
      let sum = UInt128(first) + UInt128(second) + carry
      result.append(UInt64(truncatingIfNeeded: sum))
      carry = sum >> 64
    }
    return (result, carry != 0)
  }

  private static func subtract(_ left: [UInt64], _ right: [UInt64]) -> ([UInt64], Bool) {
    var result: [UInt64] = []
    var borrow = false
    for (first, second) in zip(left, right) {
      let (part, firstBorrow) = first.subtractingReportingOverflow(second)
      let (difference, secondBorrow) = part.subtractingReportingOverflow(borrow ? 1 : 0)
      result.append(difference)
      borrow = firstBorrow || secondBorrow
    }
    return (result, borrow)
  }
}
