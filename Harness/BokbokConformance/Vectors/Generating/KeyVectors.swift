internal import BokbokCore

/// Keys from passphrases (section 8). The salts are computed here by the rule; the keys are the library's.
enum KeyVectors {
  static let all: [Vector] = [
    vector(
      "example-alice",
      "The specification's example with a user name.",
      ["K-1.a", "K-1.b"],
      passphrase: "orbit velvet canyon ladder mosaic thicket plural",
      user: "alice"
    ),
    vector(
      "example-no-user",
      "The specification's example without a user name.",
      ["K-1.a", "K-1.b"],
      passphrase: "orbit velvet canyon ladder mosaic thicket plural",
      user: nil
    ),
    vector(
      "user-empty",
      "An empty user name is one that was left out.",
      ["K-1.b"],
      passphrase: "orbit velvet canyon ladder mosaic thicket plural",
      user: ""
    ),
    vector(
      "user-case",
      "Another user name in all but its case: names are bytes.",
      ["K-1.b"],
      passphrase: "orbit velvet canyon ladder mosaic thicket plural",
      user: "Alice"
    ),
    vector(
      "passphrase-composed",
      "A passphrase with é in one character.",
      ["K-1.c"],
      passphrase: "caf\u{E9} cr\u{E8}me",
      user: "bob"
    ),
    vector(
      "passphrase-decomposed",
      "The same with é in two: another key, since nothing is normalized.",
      ["K-1.c"],
      passphrase: "cafe\u{301} cre\u{300}me",
      user: "bob"
    ),
    vector(
      "user-composed",
      "A user name with é in one character.",
      ["K-1.b"],
      passphrase: "seven words would be better than these",
      user: "ren\u{E9}"
    ),
    vector(
      "user-decomposed",
      "The same with é in two: another key.",
      ["K-1.b"],
      passphrase: "seven words would be better than these",
      user: "rene\u{301}"
    ),
    vector(
      "white-space",
      "White space at both ends of a passphrase is part of it.",
      ["K-1.c"],
      passphrase: " spaces \t",
      user: "bob"
    ),
    vector(
      "four-bytes",
      "Characters outside of the Basic Multilingual Plane, in the passphrase and in the name.",
      ["K-1.b", "K-1.c"],
      passphrase: "\u{1F510}\u{1D518}",
      user: "\u{1F99C}"
    ),
    vector(
      "long",
      "A passphrase of 200 bytes, and the longest user name.",
      ["K-1.a", "K-1.b"],
      passphrase: String(repeating: "p", count: 200),
      user: String(repeating: "u", count: 255)
    ),
  ]

  private static let maker = VectorMaker(subject: .keys)

  private static func vector(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    passphrase: String,
    user: String?
  ) -> Vector {
    // A failure leaves the key empty, which the replay reports.
    let key = try? PresharedKey.derive(passphrase: passphrase, user: user ?? "")
    return maker.valid(
      name,
      comment,
      clauses: clauses,
      [
        "passphrase": .string(passphrase),
        "passphraseBytes": .hex(Array(passphrase.utf8)),
        "user": user.map { .string($0) },
        "userBytes": user.map { .hex(Array($0.utf8)) },
        "salt": .hex(salt(user: user ?? "")),
        "key": .string(key?.hexadecimal() ?? ""),
      ]
    )
  }

  private static func salt(user: String) -> [UInt8] {
    Array(ReferenceSHA256.hash(Array("bokbok-passphrase-v1".utf8) + [0] + Array(user.utf8)).prefix(16))
  }
}
