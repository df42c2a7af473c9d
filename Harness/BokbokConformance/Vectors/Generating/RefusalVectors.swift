/// What each side makes of the other's first bytes: refusals at the client (O-6, O-9), preambles at the server (O-3 to
/// O-6).
enum RefusalVectors {
  static let all = codes + foreign + malformed + lost + server

  private static let maker = VectorMaker(subject: .refusals)

  // MARK: At the client: well-formed refusals

  private static let codes: [Vector] =
    [
      ("unsupported-version", "this server speaks version 1"),
      ("mode-mismatch", "this server takes sealed connections only"),
      ("busy", "come back later"), ("authentication-failed", "authentication failed"),
    ].map { code, message in
      refusal(code, "The refusal \(code).", ["O-6.a"], code: code, message: message)
    }
    + [
      refusal("message-empty", "A refusal without a message.", ["O-6.a"], code: "busy", message: ""),
      refusal(
        "message-text",
        "A message with control characters and others outside of ASCII: a client gets them as they are.",
        ["O-9.h"],
        code: "busy",
        message: "plus tard\u{A0}!\u{1B}[31m\r\n\u{6C34}"
      ),
      refusal(
        "code-other",
        "A code that the specification does not have.",
        ["O-9.h"],
        code: "moved.example",
        message: "elsewhere"
      ),
      refusal(
        "code-1",
        "The shortest code.",
        ["O-9.h", "E-1.a"],
        code: "x",
        message: ""
      ),
      refusal(
        "code-64",
        "The longest code, with each kind of character that there is.",
        ["O-9.h", "E-1.a"],
        code: "az09.-" + String(repeating: "a", count: 58),
        message: ""
      ),
      refusal(
        "version-2",
        "A server of a later version refuses.",
        ["O-4.b", "O-9.h"],
        version: 2,
        message: "version 2 only"
      ),
      refusal("version-0", "A refusal with the version 0.", ["O-9.h"], version: 0, message: ""),
      refusal(
        "sealed",
        "A client that asked for sealed is refused.",
        ["O-6.a", "O-9.h"],
        mode: "sealed",
        message: "busy"
      ),
      refusal(
        "bytes-after",
        "Bytes after the refusal do not count.",
        ["O-9.h"],
        message: "",
        after: [0xFF, 0xFF, 0xFF]
      ),
    ]

  private static func refusal(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    mode: String = "plain",
    version: UInt8 = 1,
    code: String = "busy",
    message: String,
    after: [UInt8] = []
  ) -> Vector {
    let received = refused(content(code, message), version: version) + after
    return maker.valid(
      "client/refused-" + name,
      comment,
      clauses: clauses,
      [
        "role": "client", "mode": .string(mode), "received": .hex(received),
        "refusal": ["code": .string(code), "message": .string(message)],
      ]
    )
  }

  private static func content(_ code: String, _ message: String) -> [UInt8] {
    Array("(\(code.utf8.count):\(code)\(message.utf8.count):\(message))".utf8)
  }

  private static func refused(_ content: [UInt8], version: UInt8 = 1) -> [UInt8] {
    WirePreamble.bytes(mode: WirePreamble.refused, version: version) + .record(content)
  }

  // MARK: At the client: not this protocol

  private static let foreign: [Vector] = [
    client("http", "An HTTP server answers.", "O-9.a", Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
    client("last-magic-byte", "The sixth byte differs.", "O-9.a", Array("BOKBOX".utf8) + [1, 0]),
    client("lower-case", "The six bytes in lower case.", "O-9.a", Array("bokbok".utf8) + [1, 0]),
    client("zeros", "Eight zero bytes.", "O-9.a", [0, 0, 0, 0, 0, 0, 0, 0]),
    client("version-2", "A preamble of version 2.", "O-9.b", WirePreamble.bytes(mode: 0, version: 2)),
    client("version-0", "A preamble of version 0.", "O-9.b", WirePreamble.bytes(mode: 0, version: 0)),
    client("mode-sealed", "A plain client gets a sealed preamble.", "O-9.c", WirePreamble.bytes(mode: 1)),
    client(
      "mode-plain",
      "A sealed client gets a plain preamble, and must not go on.",
      "O-9.c",
      WirePreamble.bytes(mode: 0) + .record(WireFrame(.settings, body: Array("()".utf8)).bytes),
      mode: "sealed",
      clauses: ["O-9.f"]
    ),
    client("mode-2", "A mode that is not known.", "O-9.c", WirePreamble.bytes(mode: 2)),
    client("mode-254", "A mode that is not known.", "O-9.c", WirePreamble.bytes(mode: 0xFE), mode: "sealed"),
  ]

  // MARK: At the client: malformed refusals

  private static let malformed: [Vector] = [
    client("no-content", "A refusal with a record of length 0.", "O-9.d", refused([])),
    client("not-a-value", "A refusal that is text.", "O-9.d", refused(Array("busy".utf8))),
    client("atom", "A refusal that is an atom.", "O-9.d", refused(Array("4:busy".utf8))),
    client("no-message", "A refusal without a message.", "O-9.d", refused(Array("(4:busy)".utf8))),
    client("details", "A refusal with a detail.", "O-9.d", refused(Array("(4:busy0:1:x)".utf8)), clauses: ["E-2.g"]),
    client("two-values", "Two values.", "O-9.d", refused(Array("(4:busy0:)()".utf8))),
    client("code-list", "A code that is a list.", "O-9.d", refused(Array("((4:busy)0:)".utf8))),
    client("message-list", "A message that is a list.", "O-9.d", refused(Array("(4:busy())".utf8))),
    client("code-empty", "An empty code.", "O-9.d", refused(Array("(0:0:)".utf8)), clauses: ["E-2.g"]),
    client(
      "code-65",
      "A code that is too long by one byte.",
      "O-9.d",
      refused(content(String(repeating: "a", count: 65), "")),
      clauses: ["E-2.g"]
    ),
    client("code-upper-case", "A code in upper case.", "O-9.d", refused(Array("(4:Busy0:)".utf8)), clauses: ["E-2.g"]),
    client("code-underscore", "A code with an underscore.", "O-9.d", refused(content("mode_mismatch", ""))),
    client(
      "message-not-text",
      "A message that is not UTF-8.",
      "O-9.d",
      refused(Array("(4:busy2:".utf8) + [0xC3, 0x28] + Array(")".utf8)),
      clauses: ["E-2.g"]
    ),
  ]

  // MARK: At the client: lost

  private static let lost: [Vector] = [
    client("end-at-once", "The stream ends before a byte has come.", "O-9.e", [], outcome: "lost"),
    client("end-in-preamble", "The stream ends in the preamble.", "O-9.e", Array("BOKBOK".utf8) + [1], outcome: "lost"),
    client(
      "end-after-refused",
      "The stream ends after the preamble of a refusal.",
      "O-9.e",
      WirePreamble.bytes(mode: 0xFF),
      outcome: "lost"
    ),
    client(
      "end-in-refusal",
      "The stream ends in a refusal.",
      "O-9.e",
      Array(refused(content("busy", "later")).dropLast()),
      outcome: "lost"
    ),
    client(
      "end-before-message-2",
      "The stream ends after a sealed server's preamble.",
      "O-9.e",
      WirePreamble.bytes(mode: 1),
      mode: "sealed",
      outcome: "lost"
    ),
    client(
      "end-in-message-2",
      "The stream ends in message 2.",
      "O-9.e",
      WirePreamble.bytes(mode: 1) + [0, 48] + [UInt8](repeating: 7, count: 47),
      mode: "sealed",
      outcome: "lost"
    ),
  ]

  private static func client(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ received: [UInt8],
    mode: String = "plain",
    outcome: String = "notBokbok",
    clauses: [String] = []
  ) -> Vector {
    maker.invalid(
      "client/" + name,
      comment,
      breaks: clause,
      outcome: outcome,
      clauses: clauses,
      ["role": "client", "mode": .string(mode), "received": .hex(received), "ends": outcome == "lost" ? true : nil]
    )
  }

  // MARK: At the server

  private static let server: [Vector] = [
    closed("http", "An HTTP client asks.", Array("GET / HTTP/1.1\r\n\r\n".utf8)),
    closed("last-magic-byte", "The sixth byte differs.", Array("BOKBOX".utf8) + [1, 0]),
    closed(
      "magic-and-version",
      "Both the magic and the version are wrong: the magic is checked first.",
      Array("bokbok".utf8) + [9, 9]
    ),
    refuses("version-2", "Version 2.", "O-4.a", "unsupported-version", version: 2, mode: 0),
    refuses("version-0", "Version 0.", "O-4.a", "unsupported-version", version: 0, mode: 0),
    refuses(
      "version-255",
      "Version 255 at a sealed server.",
      "O-4.a",
      "unsupported-version",
      version: 255,
      mode: 1,
      server: "sealed"
    ),
    refuses(
      "version-2-mode-7",
      "An unknown mode of version 2: the version decides.",
      "O-4.a",
      "unsupported-version",
      version: 2,
      mode: 7
    ),
    refuses(
      "version-2-refused",
      "The mode 0xFF of version 2: the version decides.",
      "O-4.a",
      "unsupported-version",
      version: 2,
      mode: 0xFF
    ),
    refuses(
      "version-2-busy",
      "Version 2 at a busy server: the version is checked first.",
      "O-4.a",
      "unsupported-version",
      version: 2,
      mode: 0,
      isBusy: true,
      clauses: ["O-6.d"]
    ),
    refuses(
      "plain-at-sealed",
      "A plain client at a sealed server.",
      "O-5.a",
      "mode-mismatch",
      mode: 0,
      server: "sealed"
    ),
    refuses("sealed-at-plain", "A sealed client at a plain server.", "O-5.b", "mode-mismatch", mode: 1),
    refuses("mode-2", "A mode that is not known.", "O-5.c", "mode-mismatch", mode: 2),
    refuses("mode-255", "The mode 0xFF, which is the server's alone.", "O-5.c", "mode-mismatch", mode: 0xFF),
    refuses("mode-255-sealed", "The same at a sealed server.", "O-5.c", "mode-mismatch", mode: 0xFF, server: "sealed"),
    refuses(
      "mode-busy",
      "The wrong mode at a busy server: the mode is checked first.",
      "O-5.b",
      "mode-mismatch",
      mode: 1,
      isBusy: true,
      clauses: ["O-6.d"]
    ),
    refuses("busy", "A busy plain server.", "O-6.c", "busy", mode: 0, isBusy: true),
    refuses(
      "busy-sealed",
      "A busy sealed server says so before it authenticates.",
      "O-6.c",
      "busy",
      mode: 1,
      server: "sealed",
      isBusy: true,
      clauses: ["O-6.d"]
    ),
    refuses(
      "settings-after",
      "What a plain client sends after its preamble does not count.",
      "O-5.a",
      "mode-mismatch",
      mode: 0,
      server: "sealed",
      after: .record(WireFrame(.settings, body: Array("()".utf8)).bytes)
    ),
    maker.invalid(
      "server/cut",
      "Seven bytes, and the end: nothing is sent, and no handler hears of it.",
      breaks: "S-1.g",
      outcome: "lost",
      clauses: ["O-2.a"],
      ["role": "server", "mode": "plain", "received": .hex(Array("BOKBOK".utf8) + [1]), "ends": true, "sends": ""]
    ),
  ]

  private static func closed(_ name: String, _ comment: String, _ received: [UInt8]) -> Vector {
    maker.invalid(
      "server/" + name,
      comment,
      breaks: "O-3.a",
      outcome: "notBokbok",
      ["role": "server", "mode": "plain", "received": .hex(received), "sends": ""]
    )
  }

  private static func refuses(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ code: String,
    version: UInt8 = 1,
    mode: UInt8,
    server: String = "plain",
    isBusy: Bool = false,
    after: [UInt8] = [],
    clauses: [String] = []
  ) -> Vector {
    maker.invalid(
      "server/" + name,
      comment,
      breaks: clause,
      outcome: "refused",
      code: code,
      clauses: ["O-4.b", "O-6.a"] + clauses,
      [
        "role": "server", "mode": .string(server), "busy": isBusy ? true : nil,
        "received": .hex(WirePreamble.bytes(mode: mode, version: version) + after),
        "sends": .hex(RefusalText.bytes(code: code)),
      ]
    )
  }
}

/// The refusals of this implementation: the codes are the specification's, the messages its own.
enum RefusalText {
  private static let messages = [
    "unsupported-version": "this server speaks version 1",
    "mode-mismatch": "this server was started for the other mode",
    "busy": "as many connections are open as this server holds",
    "authentication-failed": "authentication failed",
  ]

  /// Preamble and record.
  static func bytes(code: String) -> [UInt8] {
    let message = messages[code] ?? ""
    let content = Array("(\(code.utf8.count):\(code)\(message.utf8.count):\(message))".utf8)
    return WirePreamble.bytes(mode: WirePreamble.refused) + .record(content)
  }
}
