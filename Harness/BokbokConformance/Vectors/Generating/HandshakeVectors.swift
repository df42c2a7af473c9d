/// Sealed handshakes with every random input fixed (section 3), computed by the reference code.
enum HandshakeVectors {
  static let all = valid + atServer + atClient

  static let maker = VectorMaker(subject: .handshakes)

  // MARK: Complete

  private static let valid: [Vector] = [
    complete(
      "example",
      "The specification's sealed connection: user alice, key 00…1f, session key 20…3f, ephemerals 40…5f and 60…7f.",
      ReferenceHandshake.Inputs(),
      clauses: ["H-10.a", "H-2.a", "H-2.b", "H-3.a", "R-2.c", "R-2.d"]
    ),
    complete("user-1-byte", "The shortest user name.", inputs { $0.userName = [0x61] }, clauses: ["H-2.a"]),
    complete(
      "user-255-bytes",
      "The longest user name.",
      inputs { $0.userName = [UInt8](repeating: 0x75, count: 255) },
      clauses: ["H-2.a", "H-5.a"]
    ),
    complete(
      "user-composed",
      "A user name with é in one character.",
      inputs { $0.userName = Array("ren\u{E9}".utf8) },
      clauses: ["H-12.a"]
    ),
    complete(
      "user-decomposed",
      "The name that looks the same, with é in two: another prologue.",
      inputs { $0.userName = Array("rene\u{301}".utf8) },
      clauses: ["H-12.a"]
    ),
    complete(
      "user-control",
      "A name with a zero byte, a line feed and the last character there is: all UTF-8 is taken.",
      inputs { $0.userName = Array("\0\n\u{10FFFF}".utf8) },
      clauses: ["H-12.b"]
    ),
    complete(
      "keys-zero",
      "A key and a session key of zeros: bytes like others.",
      inputs {
        $0.userKey = [UInt8](repeating: 0, count: 32)
        $0.sessionKey = [UInt8](repeating: 0, count: 32)
      }
    ),
    complete(
      "ephemerals-ones",
      "Ephemeral secrets of which every bit is set, before X25519 clears some.",
      inputs {
        $0.clientEphemeral = [UInt8](repeating: 0xFF, count: 32)
        $0.serverEphemeral = [UInt8](repeating: 0xFE, count: 32)
      }
    ),
    complete(
      "key-changed",
      "The example with another user's key: everything from message 1 on differs.",
      inputs { $0.userKey = ReferenceHandshake.ascending(from: 0x01) }
    ),
    complete(
      "session-key-changed",
      "The example with another session key.",
      inputs { $0.sessionKey = ReferenceHandshake.ascending(from: 0x21) }
    ),
  ]

  static func inputs(_ change: (inout ReferenceHandshake.Inputs) -> Void) -> ReferenceHandshake.Inputs {
    var inputs = ReferenceHandshake.Inputs()
    change(&inputs)
    return inputs
  }

  private static let clientFrames: [[UInt8]] = [
    WireFrame(.settings, body: Array("((11:max-message5:65536)(12:max-requests2:16))".utf8)).bytes,
    WireFrame(.request, id: 1, body: Array("(4:echo5:12345)".utf8)).bytes,
    WireFrame(.close, body: Array("(6:normal0:)".utf8)).bytes,
  ]
  private static let serverFrames: [[UInt8]] = [
    WireFrame(.settings, body: Array("()".utf8)).bytes,
    WireFrame(.response, id: 1, body: Array("(4:echo5:12345)".utf8)).bytes,
    WireFrame(.close, body: Array("(6:normal0:)".utf8)).bytes,
  ]

  private static func complete(
    _ name: String,
    _ comment: String,
    _ inputs: ReferenceHandshake.Inputs,
    clauses: [String] = []
  ) -> Vector {
    let handshake = ReferenceHandshake(inputs)
    return maker.valid(
      name,
      comment,
      clauses: ["H-1.a", "H-2.c", "H-3.b", "H-9.a"] + clauses,
      [
        "user": .hex(inputs.userName),
        "userKey": .hex(inputs.userKey),
        "sessionKey": .hex(inputs.sessionKey),
        "clientEphemeral": .hex(inputs.clientEphemeral),
        "serverEphemeral": .hex(inputs.serverEphemeral),
        "prologue": .hex(handshake.prologue),
        "clientPublicKey": .hex(handshake.clientPublicKey),
        "serverPublicKey": .hex(handshake.serverPublicKey),
        "sharedSecret": .hex(handshake.sharedSecret),
        "message1": .hex(handshake.message1),
        "message2": .hex(handshake.message2),
        "handshakeHash": .hex(handshake.handshakeHash),
        "clientToServerKey": .hex(handshake.clientToServerKey),
        "serverToClientKey": .hex(handshake.serverToClientKey),
        "clientSends": .hex(clientStream(user: inputs.userName, message1: handshake.message1)),
        "serverSends": .hex(serverStream(message2: handshake.message2)),
        "clientRecords": records(clientFrames, key: handshake.clientToServerKey),
        "serverRecords": records(serverFrames, key: handshake.serverToClientKey),
      ]
    )
  }

  private static func records(_ frames: [[UInt8]], key: [UInt8]) -> JSON {
    .array(
      frames.enumerated().map { index, content in
        let sealed = ReferenceChaCha20Poly1305.seal(
          content,
          key: key,
          nonce: ReferenceChaCha20Poly1305.nonce(counter: UInt64(index))
        )
        return ["frames": .hex(content), "record": .hex(.record(sealed))]
      }
    )
  }

  static func clientStream(user: [UInt8], message1: [UInt8]) -> [UInt8] {
    WirePreamble.bytes(mode: WirePreamble.sealed) + .record(user) + .record(message1)
  }

  static func serverStream(message2: [UInt8]) -> [UInt8] {
    WirePreamble.bytes(mode: WirePreamble.sealed) + .record(message2)
  }

  static func flip(_ bytes: [UInt8], _ index: Int, _ mask: UInt8 = 0x01) -> [UInt8] {
    var bytes = bytes
    bytes[index] ^= mask
    return bytes
  }

  /// Public keys with which X25519 gives zero for every secret (RFC 7748, section 6.1): those of the points of small
  /// order, in each spelling that 32 bytes have for them.
  static let weakPublicKeys: [(name: String, bytes: [UInt8])] = [
    ("zero", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("one", "0100000000000000000000000000000000000000000000000000000000000000"),
    ("order-8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    ("order-8-other", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    ("minus-one", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("prime", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("prime-plus-one", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("zero-high-bit", "0000000000000000000000000000000000000000000000000000000000000080"),
  ].map { ($0.0, Hexadecimal.bytes($0.1) ?? []) }
}
