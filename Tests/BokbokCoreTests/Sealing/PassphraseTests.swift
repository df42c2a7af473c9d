import BokbokCore
import BokbokTestSupport
import Testing

/// Passphrases that are offered, and warnings of weak ones (specification, K-2).
@Suite struct PassphraseTests {
  /// Gives the same bits for ever.
  private struct FixedGenerator: RandomNumberGenerator {
    var bits: UInt64

    mutating func next() -> UInt64 { self.bits }
  }

  @Test(
    .clauses("K-2.b"),
    arguments: [
      // Of the published proposal for proquints: 127.0.0.1 is lusab-babad, and 63.84.220.193 is gutih-tugad.
      (UInt64(0x7f00), "lusab"), (0x0001, "babad"), (0x3f54, "gutih"), (0xdcc1, "tugad"), (0x0000, "babab"),
      (0xffff, "zuzuz"),
    ]
  )
  func wordsSpellSixteenBitsAsProquintsDo(bits: UInt64, word: String) {
    var generator = FixedGenerator(bits: bits)
    #expect(Passphrase.random(using: &generator) == Array(repeating: word, count: 7).joined(separator: "-"))
  }

  @Test(.clauses("K-2.b")) func whatIsOfferedIsNewAndStrongEnough() {
    let passphrases = (0..<200).map { _ in Passphrase.random() }
    #expect(Set(passphrases).count == passphrases.count)
    for passphrase in passphrases {
      #expect(passphrase.split(separator: "-").map(\.count) == Array(repeating: 5, count: 7))
      #expect(Passphrase.weakness(of: passphrase) == nil, "\(passphrase)")
    }
  }

  @Test(
    .clauses("K-2.b"),
    arguments: [
      "", "a", "hunter2", "Tr0ub4dor&3", "correct horse battery staple", "correcthorsebatterystaple",
      "Correct-Horse-Battery-Staple-1", "orbit velvet canyon ladder mosaic thicket",
      "password password password password",
      "12345678901234567890123456789012345678901234567890", "11111111111111111111111111111111111111111111111111111",
      "abcdefghijklmnopqrstuvwxyz", "........................................",
      "secret secret secret secret secret secret",
      "aaa bbb ccc ddd eee fff ggg hhh", "Пароль Пароль Пароль Пароль Пароль Пароль Пароль Пароль",
    ]
  )
  func weakPassphrasesAreWarnedOf(passphrase: String) throws {
    #expect(Passphrase.estimatedBits(passphrase) < Passphrase.requiredBits)
    let weakness = try #require(Passphrase.weakness(of: passphrase))
    #expect(weakness.contains("80"))
    #expect(passphrase.isEmpty || passphrase.count < 8 || !weakness.contains(passphrase))
  }

  @Test(
    .clauses("K-2.b"),
    arguments: [
      "orbit velvet canyon ladder mosaic thicket plural", "orbit-velvet-canyon-ladder-mosaic-thicket-plural",
      "Orbit Velvet Canyon Ladder Mosaic Thicket Plural", "k3Zq9-Xw7Pd-T4mRb-2HvLc", "830592746185039274618503927",
      "7b4e909bbe7ffe44c465a220037d608e", "орбита бархат каньон лестница мозаика чаща множество",
    ]
  )
  func strongPassphrasesAreNot(passphrase: String) {
    #expect(Passphrase.estimatedBits(passphrase) >= Passphrase.requiredBits)
    #expect(Passphrase.weakness(of: passphrase) == nil)
  }

  @Test func anEstimateGrowsWithEveryNewWord() {
    let words = ["orbit", "velvet", "canyon", "ladder", "mosaic", "thicket", "plural"]
    var last = 0.0
    for count in 1...words.count {
      let bits = Passphrase.estimatedBits(words.prefix(count).joined(separator: " "))
      #expect(bits > last + 12 && bits < last + 20)
      last = bits
    }
    #expect(Passphrase.estimatedBits("") == 0)
  }
}
