/// Passphrases to derive keys from: a generator, and an estimate of how hard one is to guess (K-2).
public enum Passphrase {
  /// Bits that a passphrase must have: whoever sees one handshake can test guesses off line.
  public static let requiredBits = 80.0

  /// Words of a passphrase that ``random()`` makes.
  private static let wordCount = 7

  /// A new passphrase of 112 random bits: seven different words of five letters that can be pronounced, with
  /// hyphens between, as in `lusab-babad-gutih-tugad-mulit-dofob-vazij`.
  ///
  /// The bits come from the operating system's random source. A word spells 16 of them as proquints do (Daniel S.
  /// Wilkerson, "A Proposal for Proquints", 2009).
  public static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    return Self.random(using: &generator)
  }

  /// The same with given entropy, for tests; it has to bring seven different words.
  package static func random(using generator: inout some RandomNumberGenerator) -> String {
    var words: [String] = []
    while words.count < Self.wordCount {
      let word = Self.word(spelling: UInt16.random(in: .min ... .max, using: &generator))
      // A word that came before would look weak; leaving it out costs a thousandth of a bit.
      if !words.contains(word) {
        words.append(word)
      }
    }
    return words.joined(separator: "-")
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
