extension Passphrase {
  /// Roughly how many bits a guesser has to try, at most, for a passphrase that was made by chance.
  ///
  /// A text says little about how it was made, so that this is a rough upper bound and no proof: a passphrase that a
  /// person thought of, or that stands in a list or a book, has far fewer bits. Below ``requiredBits`` a passphrase is
  /// too weak in any case; see ``weakness(of:)``.
  ///
  /// The rules, each on the cautious side:
  ///
  /// - A run of letters counts as a word, with the bits of one of 7776 words (12.9), or of a short run of random
  ///   letters where that is less. A run of more than nine letters is taken for several words of at most that length.
  ///   An upper case letter before lower case ones adds nothing.
  /// - A digit counts 3.3 bits, unless it repeats the one before or goes on counting, as in `1111` and `1234`; random
  ///   letters the same.
  /// - Another character is a separator and counts 1 bit; each further kind of them counts 5 bits, and its return none.
  /// - A run of letters or digits that came before counts 1 bit.
  public static func estimatedBits(_ passphrase: String) -> Double {
    var bits = 0.0
    var seenRuns: Set<[Unicode.Scalar]> = []
    var seenSymbols: Set<Unicode.Scalar> = []
    for run in Self.runs(of: passphrase) {
      switch run.kind {
      case .lowerCase, .upperCase:
        let letters = run.scalars.map { $0.properties.lowercaseMapping.unicodeScalars.first ?? $0 }
        bits += seenRuns.insert(letters).inserted ? Self.bits(letters: letters) : Self.repeatedRunBits
      case .digit:
        bits += seenRuns.insert(run.scalars).inserted ? Self.bits(digits: run.scalars) : Self.repeatedRunBits
      case .symbol:
        for symbol in run.scalars {
          let isFirst = seenSymbols.isEmpty
          if seenSymbols.insert(symbol).inserted {
            bits += isFirst ? Self.separatorBits : Self.symbolBits
          }
        }
      }
    }
    return bits
  }

  /// Why the passphrase should not be used, for a person to read; nil when nothing is known against it (K-2).
  public static func weakness(of passphrase: String) -> String? {
    let bits = Self.estimatedBits(passphrase)
    guard bits < Self.requiredBits else { return nil }
    return """
      the passphrase has at most about \(Int(bits)) bits, and needs \(Int(Self.requiredBits)): whoever sees one \
      handshake can find it by guessing; use seven random words or more, or better a random key
      """
  }

  /// log2 of 7776, the words of a list for five dice.
  private static let wordBits = 12.92
  private static let wordLetterCountMax = 9
  /// log2 of 26.
  private static let letterBits = 4.70
  /// log2 of 10.
  private static let digitBits = 3.32
  /// log2 of 32, about as many as a keyboard has.
  private static let symbolBits = 5.0
  private static let separatorBits = 1.0
  private static let repeatedRunBits = 1.0

  private enum Kind {
    case lowerCase
    case upperCase
    case digit
    case symbol

    init(_ scalar: Unicode.Scalar) {
      switch scalar {
      case "0"..."9": self = .digit
      case _ where scalar.properties.isUppercase: self = .upperCase
      // Marks belong to the letter that they stand on.
      case _ where scalar.properties.isAlphabetic || scalar.properties.canonicalCombiningClass != .notReordered:
        self = .lowerCase
      default: self = .symbol
      }
    }
  }

  private struct Run {
    var kind: Kind
    var scalars: [Unicode.Scalar]
  }

  private static func runs(of passphrase: String) -> [Run] {
    var runs: [Run] = []
    for scalar in passphrase.unicodeScalars {
      let kind = Kind(scalar)
      if var last = runs.last, last.kind == kind || Self.isCapitalised(last, before: kind) {
        last.kind = kind
        last.scalars.append(scalar)
        runs[runs.count - 1] = last
      } else {
        runs.append(Run(kind: kind, scalars: [scalar]))
      }
    }
    return runs
  }

  private static func isCapitalised(_ run: Run, before kind: Kind) -> Bool {
    run.kind == .upperCase && run.scalars.count == 1 && kind == .lowerCase
  }

  private static func bits(letters: [Unicode.Scalar]) -> Double {
    let wordCount = (letters.count + Self.wordLetterCountMax - 1) / Self.wordLetterCountMax
    return min(Double(Self.surprisingCount(letters)) * Self.letterBits, Double(wordCount) * Self.wordBits)
  }

  private static func bits(digits: [Unicode.Scalar]) -> Double {
    Double(Self.surprisingCount(digits)) * Self.digitBits
  }

  /// How many do not repeat the one before, or go on counting up or down as the two before did.
  private static func surprisingCount(_ scalars: [Unicode.Scalar]) -> Int {
    var count = 0
    var last: Int?
    var lastStep: Int?
    for scalar in scalars {
      let value = Int(scalar.value)
      let step = last.map { value - $0 }
      let isCounting = step == lastStep && (step == 1 || step == -1)
      if step != 0 && !isCounting {
        count += 1
      }
      (last, lastStep) = (value, step)
    }
    return count
  }
}
