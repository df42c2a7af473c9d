/// The bodies of SETTINGS frames (S-2, S-3).
enum SettingsVectors {
  static let all = valid + invalid

  private static let maker = VectorMaker(subject: .settings)

  private static let valid: [Vector] = [
    take("empty", "The empty list: all defaults.", ["S-2.c", "S-2.d", "S-2.e"], "()"),
    take(
      "example",
      "The specification's example.",
      ["S-2.a", "S-2.e"],
      "((11:max-message5:65536)(12:max-requests2:16))",
      message: 65_536,
      requests: 16,
      partial: 262_144
    ),
    take(
      "all-three",
      "All three settings.",
      ["S-2.a"],
      "((11:max-message4:2048)(12:max-requests1:3)(11:max-partial4:5000))",
      message: 2048,
      requests: 3,
      partial: 5000
    ),
    take(
      "partial-first",
      "max-partial before max-message: the order does not matter.",
      ["S-2.f"],
      "((11:max-partial4:2000)(11:max-message4:1024))",
      message: 1024,
      partial: 2000
    ),
    take(
      "message-least",
      "The least max-message.",
      ["S-2.c"],
      "((11:max-message4:1024))",
      message: 1024,
      partial: 4096
    ),
    take(
      "message-most",
      "The largest max-message: max-partial is the largest number, not four times that.",
      ["S-2.e"],
      "((11:max-message10:4294967295))",
      message: 4_294_967_295,
      partial: 4_294_967_295
    ),
    take(
      "partial-default-1073741823",
      "The largest max-message of which four times is a number.",
      ["S-2.e"],
      "((11:max-message10:1073741823))",
      message: 1_073_741_823,
      partial: 4_294_967_292
    ),
    take(
      "partial-default-1073741824",
      "The least max-message of which four times is too large.",
      ["S-2.e"],
      "((11:max-message10:1073741824))",
      message: 1_073_741_824,
      partial: 4_294_967_295
    ),
    take("requests-least", "The least max-requests.", ["S-2.d"], "((12:max-requests1:1))", requests: 1),
    take(
      "requests-most",
      "The largest max-requests.",
      ["S-2.d"],
      "((12:max-requests10:4294967295))",
      requests: 4_294_967_295
    ),
    take(
      "partial-least",
      "max-partial as small as max-message.",
      ["S-2.f"],
      "((11:max-message4:4096)(11:max-partial4:4096))",
      message: 4096,
      partial: 4096
    ),
    take(
      "partial-least-default",
      "max-partial as small as the default of max-message.",
      ["S-2.f"],
      "((11:max-partial8:16777216))",
      partial: 16_777_216
    ),
    take(
      "partial-most",
      "The largest max-partial.",
      ["S-2.e"],
      "((11:max-partial10:4294967295))",
      partial: 4_294_967_295
    ),
    take("unknown", "A name that is not known, with a number.", ["S-3.a"], "((11:example.foo1:7))"),
    take("unknown-alone", "A name that is not known, with nothing after it.", ["S-3.a"], "((11:example.foo))"),
    take(
      "unknown-anything",
      "A name that is not known, with lists and atoms after it.",
      ["S-3.a"],
      "((11:example.foo(1:a())2:0x0:))"
    ),
    take(
      "unknown-twice",
      "A name that is not known, twice, around one that is.",
      ["S-3.a"],
      "((11:example.foo1:1)(12:max-requests1:5)(11:example.foo1:2))",
      requests: 5
    ),
    take("unknown-empty", "The empty name, which is not known.", ["S-3.a"], "((0:))"),
    take(
      "unknown-case",
      "A known name in upper case, which is not known: names are bytes.",
      ["S-3.a"],
      "((11:MAX-MESSAGE1:1)(12:Max-requests1:5))"
    ),
    take(
      "unknown-not-text",
      "A name that is not UTF-8.",
      ["S-3.a"],
      Octets(text: "((3:") + Octets([0xFF, 0xFE, 0x00]) + Octets(text: "1:1))")
    ),
  ]

  private static let invalid: [Vector] = [
    refuse("no-bytes", "No bytes are no value.", "S-3.b", ""),
    refuse("cut", "A list that is not closed.", "S-3.b", "((11:max-message5:65536)"),
    refuse("bytes-after", "Bytes after the value.", "S-3.b", "()()"),
    refuse("atom", "An atom instead of a list.", "S-3.b", "0:"),
    refuse("element-atom", "An element that is an atom.", "S-3.b", "(11:max-message5:65536)"),
    refuse("element-empty", "An element that is an empty list.", "S-3.b", "(())"),
    refuse("element-list-first", "An element that begins with a list.", "S-3.b", "(((11:max-message)5:65536))"),
    refuse(
      "element-bad-after-unknown",
      "A name that is not known excuses only its own list.",
      "S-3.b",
      "((11:example.foo1:1)4:four)"
    ),
    refuse(
      "message-twice",
      "max-message twice, with the same number.",
      "S-3.c",
      "((11:max-message4:2048)(11:max-message4:2048))"
    ),
    refuse(
      "requests-twice",
      "max-requests twice, another setting between.",
      "S-3.c",
      "((12:max-requests1:1)(11:example.foo)(12:max-requests1:2))"
    ),
    refuse(
      "partial-twice",
      "max-partial twice.",
      "S-3.c",
      "((11:max-partial8:16777216)(11:max-partial8:16777217))"
    ),
    refuse("no-number", "max-message without a number.", "S-3.d", "((11:max-message))"),
    refuse("two-numbers", "max-requests with two numbers.", "S-3.d", "((12:max-requests1:11:2))"),
    refuse("list-for-number", "A list where the number stands.", "S-3.d", "((12:max-requests(1:1)))"),
    refuse("empty-number", "The empty atom is no number.", "S-3.d", "((12:max-requests0:))"),
    refuse("leading-zero", "A number with a leading zero.", "S-3.d", "((12:max-requests3:016))"),
    refuse("zero-twice", "Two zeros.", "S-3.d", "((12:max-requests2:00))"),
    refuse("sign", "A number with a sign.", "S-3.d", "((12:max-requests2:+1))"),
    refuse("negative", "A negative number.", "S-3.d", "((12:max-requests2:-1))"),
    refuse("hexadecimal", "A number that is not decimal.", "S-3.d", "((12:max-requests4:0x10))"),
    refuse("fraction", "A number with a fraction.", "S-3.d", "((12:max-requests3:1.0))"),
    refuse("space", "A space before the number.", "S-3.d", "((12:max-requests2: 1))"),
    refuse("wide-digit", "A digit of another script, １ (U+FF11).", "S-3.d", "((12:max-requests3:\u{FF11}))"),
    refuse("message-1023", "A max-message below 1024.", "S-3.e", "((11:max-message4:1023))", also: "S-2.c"),
    refuse("message-0", "A max-message of 0.", "S-3.e", "((11:max-message1:0))", also: "S-2.c"),
    refuse("requests-0", "A max-requests of 0.", "S-3.e", "((12:max-requests1:0))", also: "S-2.d"),
    refuse(
      "partial-less",
      "A max-partial below max-message.",
      "S-3.e",
      "((11:max-message4:2048)(11:max-partial4:2047))",
      also: "S-2.f"
    ),
    refuse(
      "partial-less-first",
      "The same, max-partial first.",
      "S-3.e",
      "((11:max-partial4:2047)(11:max-message4:2048))",
      also: "S-2.f"
    ),
    refuse(
      "partial-less-default",
      "A max-partial below the default of max-message.",
      "S-3.e",
      "((11:max-partial8:16777215))",
      also: "S-2.f"
    ),
    refuse("partial-0", "A max-partial of 0.", "S-3.e", "((11:max-partial1:0))", also: "S-2.f"),
    refuse("over-32-bits", "A number over 4294967295.", "S-3.e", "((12:max-requests10:4294967296))", also: "S-2.b"),
    refuse(
      "over-64-bits",
      "A number that is 5 modulo 2^64.",
      "S-3.e",
      "((12:max-requests20:18446744073709551621))",
      also: "S-2.b"
    ),
    refuse(
      "many-digits",
      "A number of 1000 digits.",
      "S-3.e",
      Octets(text: "((12:max-requests1000:") + .repeating("1", count: 1000) + Octets(text: "))"),
      also: "S-2.b"
    ),
  ]

  private static func take(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    _ body: String,
    message: Int = 16_777_216,
    requests: Int = 128,
    partial: Int = 67_108_864
  ) -> Vector {
    take(name, comment, clauses, Octets(text: body), message: message, requests: requests, partial: partial)
  }

  private static func take(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    _ body: Octets,
    message: Int = 16_777_216,
    requests: Int = 128,
    partial: Int = 67_108_864
  ) -> Vector {
    maker.valid(
      name,
      comment,
      clauses: clauses,
      [
        "body": body.json,
        "settings": [
          "max-message": .integer(message), "max-requests": .integer(requests), "max-partial": .integer(partial),
        ],
      ]
    )
  }

  private static func refuse(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ body: String,
    also: String? = nil
  ) -> Vector {
    refuse(name, comment, clause, Octets(text: body), also: also)
  }

  private static func refuse(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ body: Octets,
    also: String? = nil
  ) -> Vector {
    maker.invalid(
      name,
      comment,
      breaks: clause,
      outcome: "violation",
      clauses: also.map { [$0] } ?? [],
      ["body": body.json]
    )
  }
}
