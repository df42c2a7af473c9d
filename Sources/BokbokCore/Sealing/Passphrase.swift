/// Passphrases to derive keys from: a generator, and an estimate of how hard one is to guess (K-2).
public enum Passphrase {
  /// Bits that a passphrase must have: whoever sees one handshake can test guesses off line.
  public static let requiredBits = 80.0

  /// Words of a passphrase that ``random()`` makes.
  private static let wordCount = 7

  /// A new passphrase of 112 random bits: seven words of five letters that can be pronounced, with hyphens between,
  /// as in `lusab-babad-gutih-tugad-mulit-dofob-vazij`.
  ///
  /// The bits come from the operating system's random source. A word spells 16 of them as proquints do (Daniel S.
  /// Wilkerson, "A Proposal for Proquints", 2009).
  public static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    return Self.random(using: &generator)
  }

  /// The same with given entropy, for tests.
  package static func random(using generator: inout some RandomNumberGenerator) -> String {
    var text = ""
    for index in 0..<Self.wordCount {
      if index > 0 {
        text += "-"
      }
      text += Self.word(spelling: UInt16.random(in: .min ... .max, using: &generator))
    }
    return text
  }

  private static let consonants = Array("bdfghjklmnprstvz")
  private static let vowels = Array("aiou")

  private static func word(spelling bits: UInt16) -> String {
    let bits = Int(bits)
    return String([
      self.consonants[bits >> 12],
      self.vowels[bits >> 10 & 3],
      self.consonants[bits >> 6 & 15],
      self.vowels[bits >> 4 & 3],
      self.consonants[bits & 15],
    ])
  }
}
