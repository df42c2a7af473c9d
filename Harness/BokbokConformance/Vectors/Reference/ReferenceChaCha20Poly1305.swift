/// ChaCha20-Poly1305 (RFC 8439), written again for the vectors: what makes their inputs shares no code with what is
/// checked by them. Neither fast nor constant in time: for fixed test data only.
enum ReferenceChaCha20Poly1305 {
  static let tagByteCount = 16

  /// The ciphertext with its tag. The key has 32 bytes and the nonce 12.
  static func seal(_ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8] = []) -> [UInt8] {
    let ciphertext = crypt(plaintext, key: key, nonce: nonce)
    return ciphertext + tag(of: ciphertext, key: key, nonce: nonce, associatedData: associatedData)
  }

  /// The plaintext; nil if the tag is wrong.
  static func open(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8] = []) -> [UInt8]? {
    guard sealed.count >= tagByteCount else { return nil }
    let ciphertext = Array(sealed.dropLast(tagByteCount))
    let expected = tag(of: ciphertext, key: key, nonce: nonce, associatedData: associatedData)
    guard sealed.suffix(tagByteCount).elementsEqual(expected) else { return nil }
    return crypt(ciphertext, key: key, nonce: nonce)
  }

  /// The nonce that Noise makes of a counter.
  static func nonce(counter: UInt64) -> [UInt8] {
    [0, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (8 * $0)) }
  }

  // MARK: ChaCha20

  private static func crypt(_ input: [UInt8], key: [UInt8], nonce: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(input.count)
    for (index, start) in stride(from: 0, to: input.count, by: 64).enumerated() {
      let stream = block(key: key, nonce: nonce, counter: UInt32(truncatingIfNeeded: index + 1))
      for (byte, mask) in zip(input[start...].prefix(64), stream) { output.append(byte ^ mask) }
    }
    return output
  }

  static func block(key: [UInt8], nonce: [UInt8], counter: UInt32) -> [UInt8] {
    let start = words(Array("expand 32-byte k".utf8)) + words(key) + [counter] + words(nonce)
    var work = start
    for _ in 0..<10 {
      for column in 0..<4 { quarterRound(&work, column, 4 + column, 8 + column, 12 + column) }
      for column in 0..<4 {
        quarterRound(&work, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
      }
    }
    return zip(work, start).flatMap { word, initial in
      (0..<4).map { UInt8(truncatingIfNeeded: (word &+ initial) >> (8 * $0)) }
    }
  }

  private static func quarterRound(_ words: inout [UInt32], _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
    for (first, second) in [(16, 12), (8, 7)] as [(UInt32, UInt32)] {
      words[a] &+= words[b]
      words[d] = rotate(words[d] ^ words[a], first)
      words[c] &+= words[d]
      words[b] = rotate(words[b] ^ words[c], second)
    }
  }

  private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word << count | word >> (32 - count)
  }

  private static func words(_ bytes: [UInt8]) -> [UInt32] {
    stride(from: 0, to: bytes.count, by: 4).map { start in
      (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) }
    }
  }

  // MARK: Poly1305

  private static func tag(of ciphertext: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]) -> [UInt8] {
    let lengths = [associatedData.count, ciphertext.count].flatMap { count in
      (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    }
    let message = padded(associatedData) + padded(ciphertext) + lengths
    return poly1305(message, key: Array(block(key: key, nonce: nonce, counter: 0).prefix(32)))
  }

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (16 - bytes.count % 16) % 16)
  }

  /// The authenticator over 2^130 - 5, in five limbs of 26 bits.
  static func poly1305(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    let clamp: [UInt8] = [255, 255, 255, 15, 252, 255, 255, 15, 252, 255, 255, 15, 252, 255, 255, 15]
    let factor = limbs(zip(key.prefix(16), clamp).map { $0 & $1 })
    var sum = [UInt64](repeating: 0, count: 5)
    for start in stride(from: 0, to: message.count, by: 16) {
      let part = limbs(message[start...].prefix(16) + [1])
      for index in 0..<5 { sum[index] += part[index] }
      sum = product(sum, factor)
    }
    for _ in 0..<3 { carry(&sum) }
    // Less than 2^130 now: 2^130 - 5 is taken off where that leaves something.
    var reduced = sum
    reduced[0] += 5
    for index in 0..<4 {
      reduced[index + 1] += reduced[index] >> 26
      reduced[index] &= mask
    }
    if reduced[4] >> 26 != 0 {
      reduced[4] &= mask
      sum = reduced
    }
    var number = UInt128(0)
    for index in 0..<5 { number &+= UInt128(sum[index]) << UInt128(26 * index) }
    var pad = UInt128(0)
    for (index, byte) in key[16..<32].enumerated() { pad |= UInt128(byte) << UInt128(8 * index) }
    number &+= pad
    return (0..<16).map { UInt8(truncatingIfNeeded: number >> UInt128(8 * $0)) }
  }

  private static let mask: UInt64 = 0x3FF_FFFF

  private static func limbs(_ bytes: some Collection<UInt8>) -> [UInt64] {
    var limbs = [UInt64](repeating: 0, count: 5)
    for (index, byte) in bytes.enumerated() {
      for bit in 0..<8 where byte >> bit & 1 == 1 {
        let position = 8 * index + bit
        limbs[position / 26] |= 1 << UInt64(position % 26)
      }
    }
    return limbs
  }

  private static func product(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
    var result = [UInt64](repeating: 0, count: 5)
    for i in 0..<5 {
      for j in 0..<5 {
        // 2^130 is 5.
        result[(i + j) % 5] += left[i] * right[j] * (i + j < 5 ? 1 : 5)
      }
    }
    carry(&result)
    return result
  }

  private static func carry(_ limbs: inout [UInt64]) {
    for index in 0..<5 {
      let over = limbs[index] >> 26
      limbs[index] &= mask
      if index < 4 { limbs[index + 1] += over } else { limbs[0] += 5 * over }
    }
  }
}
