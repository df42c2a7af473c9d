/// Handshakes that fail, at the server and at the client.
extension HandshakeVectors {
  private static let example = ReferenceHandshake()
  private static let alice = Array("alice".utf8)

  // MARK: At the server

  static let atServer: [Vector] = otherKeys + changedMessages + weakKeys + wrongLengths + wrongNames

  private static let otherKeys: [Vector] = [
    server(
      "unknown-user",
      "A user that the server does not know.",
      "H-4.a",
      stream(inputs { $0.userName = Array("bob".utf8) })
    ),
    server(
      "wrong-key",
      "The client has another key.",
      "H-4.b",
      stream(inputs { $0.userKey = ReferenceHandshake.ascending(from: 0x01) })
    ),
    server(
      "wrong-key-bit",
      "The client's key differs in its last bit.",
      "H-4.b",
      stream(inputs { $0.userKey = flip($0.userKey, 31) })
    ),
    server(
      "no-32-byte-key",
      "The server has a key of 31 bytes for the user, which makes them unknown.",
      "H-4.h",
      stream(ReferenceHandshake.Inputs()),
      users: [SidePlan.User(name: alice, key: Array(0..<31))]
    ),
    server(
      "user-not-normalized",
      "The server knows é in one character, the client says it in two.",
      "H-12.a",
      stream(inputs { $0.userName = Array("rene\u{301}".utf8) }),
      users: [SidePlan.User(name: Array("ren\u{E9}".utf8), key: ReferenceHandshake.Inputs().userKey)],
      clauses: ["H-4.a"]
    ),
    server(
      "user-case",
      "The server knows alice, the client says Alice.",
      "H-12.a",
      stream(inputs { $0.userName = Array("Alice".utf8) }),
      clauses: ["H-4.a"]
    ),
  ]

  private static let changedMessages: [Vector] = [
    server(
      "bit-public-key",
      "A bit of the client's public key is flipped on the way.",
      "H-4.b",
      clientStream(user: alice, message1: flip(example.message1, 0))
    ),
    server(
      "bit-public-key-last",
      "The last bit of the public key, which X25519 ignores, but the hash does not.",
      "H-4.b",
      clientStream(user: alice, message1: flip(example.message1, 31, 0x80))
    ),
    server(
      "bit-session-key",
      "A bit of the encrypted session key is flipped.",
      "H-4.b",
      clientStream(user: alice, message1: flip(example.message1, 32))
    ),
    server(
      "bit-tag",
      "The last bit of the tag is flipped.",
      "H-4.b",
      clientStream(user: alice, message1: flip(example.message1, 79))
    ),
    server(
      "user-changed",
      "Another known user's name was put in: it is part of the prologue.",
      "H-1.a",
      clientStream(user: Array("alicf".utf8), message1: example.message1),
      users: [
        SidePlan.User(name: alice, key: ReferenceHandshake.Inputs().userKey),
        SidePlan.User(name: Array("alicf".utf8), key: ReferenceHandshake.Inputs().userKey),
      ],
      clauses: ["H-4.b"]
    ),
    server(
      "prologue-without-user",
      "The client left the user name out of the prologue.",
      "H-1.a",
      stream(inputs { $0.prologue = WirePreamble.bytes(mode: 1) })
    ),
    server(
      "prologue-with-record-header",
      "The client took the header of the name's record into the prologue.",
      "H-1.a",
      stream(inputs { $0.prologue = WirePreamble.bytes(mode: 1) + .record($0.userName) })
    ),
    server(
      "prologue-without-preamble",
      "The client left the preamble out of the prologue.",
      "H-1.a",
      stream(inputs { $0.prologue = $0.userName })
    ),
    server(
      "message-1-random",
      "80 bytes that are no message 1.",
      "H-4.b",
      clientStream(user: alice, message1: ascending(80))
    ),
  ]

  private static let weakKeys: [Vector] = weakPublicKeys.map { name, bytes in
    server(
      "weak-key-" + name,
      "The client's public key makes the shared secret zero; message 1 authenticates all the same.",
      "H-6.a",
      stream(inputs { $0.clientPublicKey = bytes })
    )
  }

  private static let wrongLengths: [Vector] = [
    server(
      "message-1-79-bytes",
      "A session key of 31 bytes: message 1 is a byte short, and authenticates.",
      "H-5.c",
      stream(inputs { $0.payload1 = Array($0.sessionKey.dropLast()) })
    ),
    server(
      "message-1-81-bytes",
      "A session key of 33 bytes: message 1 is a byte long, and authenticates.",
      "H-5.c",
      stream(inputs { $0.payload1 = $0.sessionKey + [0x40] })
    ),
    server(
      "message-1-48-bytes",
      "No session key: message 1 without a payload.",
      "H-5.c",
      stream(inputs { $0.payload1 = [] })
    ),
    server("message-1-empty", "A record of length 0 for message 1.", "H-5.c", clientStream(user: alice, message1: [])),
  ]

  private static let wrongNames: [Vector] =
    [
      server("user-empty", "A user name of 0 bytes.", "H-5.a", stream(inputs { $0.userName = [] })),
      server(
        "user-256-bytes",
        "A user name of 256 bytes.",
        "H-5.a",
        stream(inputs { $0.userName = [UInt8](repeating: 0x75, count: 256) })
      ),
    ]
    + [
      ("continuation", "80", "A byte that can only continue a character."),
      ("cut", "61c3", "A character of two bytes, of which one is there."),
      ("overlong", "c080", "A zero in two bytes."),
      ("overlong-3", "e0809f", "A character in three bytes that fits two."),
      ("surrogate", "eda080", "Half of a surrogate pair, U+D800."),
      ("over-10ffff", "f4908080", "U+110000."),
      ("ff", "ff", "A byte that UTF-8 does not have."),
      ("latin-1", "72656ee9", "A name in Latin-1."),
    ].map { name, digits, comment in
      server(
        "user-not-text-" + name,
        comment,
        "H-5.b",
        stream(inputs { $0.userName = Hexadecimal.bytes(digits) ?? [] }),
        clauses: ["H-12.b"]
      )
    }

  private static func stream(_ inputs: ReferenceHandshake.Inputs) -> [UInt8] {
    clientStream(user: inputs.userName, message1: ReferenceHandshake(inputs).message1)
  }

  private static func server(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ received: [UInt8],
    users: [SidePlan.User] = [SidePlan.User(name: alice, key: ReferenceHandshake.Inputs().userKey)],
    clauses: [String] = []
  ) -> Vector {
    maker.invalid(
      "server/" + name,
      comment,
      breaks: clause,
      outcome: "refused",
      code: "authentication-failed",
      clauses: clauses + ["H-3.c", "H-4.c", "H-5.d"],
      [
        "role": "server",
        "users": SidePlan.json(users),
        "decoyKey": .hex(ReferenceHandshake.ascending(from: 0xA0)),
        "serverEphemeral": .hex(ReferenceHandshake.Inputs().serverEphemeral),
        "received": .hex(received),
        "sends": .hex(RefusalText.bytes(code: "authentication-failed")),
      ]
    )
  }

  // MARK: At the client

  static let atClient: [Vector] =
    [
      client(
        "wrong-key",
        "The server has another key for the user, and answered all the same.",
        "H-11.a",
        message2(inputs { $0.userKey = ReferenceHandshake.ascending(from: 0x01) })
      ),
      client(
        "session-key-not-used",
        "The server took zeros for the second pre-shared key.",
        "H-3.b",
        message2(inputs { $0.secondKey = [UInt8](repeating: 0, count: 32) })
      ),
      client(
        "user-key-twice",
        "The server took the user's key for the second pre-shared key.",
        "H-3.b",
        message2(inputs { $0.secondKey = $0.userKey })
      ),
      client("bit-public-key", "A bit of the server's public key is flipped.", "H-11.a", flip(example.message2, 0)),
      client(
        "bit-public-key-last",
        "The last bit of the public key, which X25519 ignores, but the hash does not.",
        "H-11.a",
        flip(example.message2, 31, 0x80)
      ),
      client("bit-tag", "The last bit of the tag is flipped.", "H-11.a", flip(example.message2, 47)),
      client("message-2-random", "48 bytes that are no message 2.", "H-11.a", ascending(48)),
      client(
        "message-2-49-bytes",
        "A payload of one byte: message 2 authenticates, but is too long.",
        "H-11.c",
        message2(inputs { $0.payload2 = [0] })
      ),
      client("message-2-47-bytes", "The last byte is gone.", "H-11.c", Array(example.message2.dropLast())),
      client("message-2-empty", "A record of length 0 for message 2.", "H-11.c", []),
      client(
        "reflected",
        "The first 48 bytes of the client's own message 1.",
        "H-11.a",
        Array(example.message1.prefix(48))
      ),
    ]
    + weakPublicKeys.map { name, bytes in
      client(
        "weak-key-" + name,
        "The server's public key makes the shared secret zero; the tag is right for that.",
        "H-6.b",
        message2(inputs { $0.serverPublicKey = bytes })
      )
    }

  private static func message2(_ inputs: ReferenceHandshake.Inputs) -> [UInt8] {
    ReferenceHandshake(inputs).message2
  }

  private static func client(_ name: String, _ comment: String, _ clause: String, _ message2: [UInt8]) -> Vector {
    let inputs = ReferenceHandshake.Inputs()
    return maker.invalid(
      "client/" + name,
      comment,
      breaks: clause,
      outcome: "authentication",
      clauses: ["H-11.a", "H-11.b"],
      [
        "role": "client",
        "user": .hex(inputs.userName),
        "userKey": .hex(inputs.userKey),
        "sessionKey": .hex(inputs.sessionKey),
        "clientEphemeral": .hex(inputs.clientEphemeral),
        "received": .hex(serverStream(message2: message2)),
      ]
    )
  }

  private static func ascending(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }
  }
}
