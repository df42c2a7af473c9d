import BokbokCore
import BokbokTestSupport
import Testing

/// Passphrases that are offered, and warnings of weak ones (specification, K-2).
@Suite struct PassphraseTests {
  /// Gives the listed bits one after the other, and then all over again.
  private struct ListedGenerator: RandomNumberGenerator {
    var bits: [UInt64]

    mutating func next() -> UInt64 {
      let first = self.bits.removeFirst()
      self.bits.append(first)
      return first
    }
  }

  /// The first words are those of the published proposal for proquints: 127.0.0.1 is lusab-babad, 63.84.220.193 is
  /// gutih-tugad.
  @Test(.clauses("K-2.b")) func wordsSpellSixteenBitsAsProquintsDo() {
    var generator = ListedGenerator(bits: [0x7f00, 0x0001, 0x3f54, 0xdcc1, 0x0000, 0xffff, 0x1234])
    let words = ["lusab", "babad", "gutih", "tugad", "babab", "zuzuz", "damuh"]
    #expect(Passphrase.random(using: &generator) == words.joined(separator: "-"))
  }

  @Test(.clauses("K-2.b")) func noWordComesTwice() {
    var generator = ListedGenerator(bits: [1, 1, 1, 2, 3, 2, 4, 5, 1, 6, 7])
    let passphrase = Passphrase.random(using: &generator)
    #expect(Set(passphrase.split(separator: "-")).count == 7)
    #expect(Passphrase.weakness(of: passphrase) == nil)
  }

  @Test(.clauses("K-2.b")) func whatIsOfferedIsNewAndStrongEnough() {
    let passphrases = (0..<2000).map { _ in Passphrase.random() }
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
