/// Values: their canonical bytes, what they are made of, and how people write them (section 7).
enum ValueVectors {
  static let all = valid + limits + ended + lengths + otherForms

  private static let maker = VectorMaker(subject: .values)

  // MARK: Well-formed

  private static let valid: [Vector] = [
    take("empty-atom", "The atom without bytes.", ["V-1.b", "V-2.a"], "0:", atom(""), #""""#, others: ["##", "||"]),
    take("empty-list", "The list without values.", ["V-1.b"], "()", [], "()", others: ["( )"]),
    take("nested-empty-lists", "Lists without atoms.", ["V-1.b"], "(()(()()))", [[], [[], []]], "(() (() ()))"),
    take(
      "ping",
      "The example of the specification.",
      ["V-1.b", "V-5.a"],
      "(4:ping5:12345)",
      [atom("ping"), atom("12345")],
      #"(ping "12345")"#,
      others: [#"(#70696e67# "12345")"#, #"("ping" |MTIzNDU=|)"#, "  ( ping\n\t\"12345\" ) "]
    ),
    take("one-byte", "An atom of one byte.", ["V-1.b"], "1:a", atom("a"), "a", others: [#""a""#, "#61#", "|YQ==|"]),
    take(
      "bytes",
      "Bytes that are not text.",
      ["V-1.b"],
      Octets("2:".utf8) + Octets([0x68, 0xFF]),
      ["hex": "68ff"],
      "#68ff#",
      others: ["|aP8=|", "# 68 FF #"]
    ),
    take(
      "all-bytes",
      "An atom of all 256 bytes in their order: every byte may stand in an atom.",
      ["V-1.b", "V-5.a"],
      Octets("256:".utf8) + Octets(UInt8.min ... .max),
      ["hex": Octets(UInt8.min ... .max).json],
      nil
    ),
    take("zero-byte", "An atom of one zero byte.", ["V-1.b"], "1:\0", ["hex": "00"], "#00#"),
    take("length-9", "The longest atom with a length of one digit.", ["V-1.b"], "9:abcdefghi", atom("abcdefghi"), nil),
    take("length-10", "A length of two digits.", ["V-1.b"], "10:abcdefghij", atom("abcdefghij"), nil),
    take(
      "length-100",
      "A length of three digits, the last two of them zeros.",
      ["V-1.b", "V-2.a"],
      Octets("100:".utf8) + .repeating("z", count: 100),
      ["hex": Octets.repeating("z", count: 100).json],
      nil
    ),
    take(
      "looks-like-values",
      "What looks like values inside an atom is only bytes.",
      ["V-1.b"],
      "(8:(1:a1:b)2:3:)",
      [atom("(1:a1:b)"), atom("3:")],
      #"("(1:a1:b)" "3:")"#
    ),
    take(
      "closing-bytes",
      "Parentheses, brackets and white space inside atoms.",
      ["V-1.b", "V-4.a"],
      "(1:)1:[1: 1:\n)",
      [atom(")"), atom("["), atom(" "), atom("\n")],
      #"(")" "[" " " "\n")"#
    ),
    take(
      "number",
      "A number is the atom of its decimal digits, here 0, 4294967295 and -7.",
      ["V-1.b"],
      "(1:010:42949672952:-7)",
      [atom("0"), atom("4294967295"), atom("-7")],
      #"("0" "4294967295" -7)"#
    ),
    take(
      "text",
      "Text is its UTF-8 bytes; é in one character and in two are two values.",
      ["V-1.b", "V-5.a"],
      "(2:\u{E9}3:e\u{301}3:\u{6C34}4:\u{1F510})",
      [atom("\u{E9}"), atom("e\u{301}"), atom("\u{6C34}"), atom("\u{1F510}")],
      #"("\xC3\xA9" "e\xCC\x81" "\xE6\xB0\xB4" "\xF0\x9F\x94\x90")"#,
      others: ["(#c3a9# #65cc81# #e6b0b4# #f09f9490#)"]
    ),
    take(
      "quotes",
      "A quotation mark, a backslash, a tab and both ends of lines, which notation escapes.",
      ["V-1.b"],
      "5:\"\\\t\r\n",
      atom("\"\\\t\r\n"),
      #""\"\\\t\r\n""#
    ),
    take(
      "token-characters",
      "Each character that a token may hold beside letters and digits.",
      ["V-1.b"],
      "(9:-./_:*+=a1:-)",
      [atom("-./_:*+=a"), atom("-")],
      "(-./_:*+=a -)"
    ),
    take(
      "mixed",
      "Lists and atoms at several depths.",
      ["V-1.b", "V-5.a"],
      "(3:set(4:user5:alice)(4:keys(2:k12:k2)()0:))",
      [atom("set"), [atom("user"), atom("alice")], [atom("keys"), [atom("k1"), atom("k2")], [], atom("")]],
      #"(set (user alice) (keys (k1 k2) () ""))"#
    ),
    take(
      "long-atom",
      "An atom that is longer than a record.",
      ["V-1.b"],
      Octets("100000:".utf8) + .repeating("x", count: 100_000),
      ["hex": Octets.repeating("x", count: 100_000).json],
      nil
    ),
  ]

  // MARK: Limits

  private static let limits: [Vector] = [
    take(
      "depth-64",
      "Lists that nest 64 deep, the most that there may be.",
      ["V-3.b"],
      Octets.repeating("(", count: 64) + .repeating(")", count: 64),
      nested(64, around: nil),
      String(repeating: "(", count: 64) + String(repeating: ")", count: 64)
    ),
    take(
      "depth-64-atom",
      "An atom inside 64 lists: an atom adds no depth.",
      ["V-3.b"],
      Octets.repeating("(", count: 64) + Octets(text: "1:a") + .repeating(")", count: 64),
      nested(64, around: atom("a")),
      nil
    ),
    refuse(
      "depth-65",
      "Lists that nest 65 deep.",
      "V-3.a",
      Octets.repeating("(", count: 65) + .repeating(")", count: 65)
    ),
    refuse(
      "depth-65-late",
      "The 65th list comes after others, of which each is closed.",
      "V-3.a",
      Octets(text: "(()") + .repeating("(", count: 64) + .repeating(")", count: 65)
    ),
    refuse(
      "depth-million",
      "Nothing but '(': no decoder may recurse as deep as that.",
      "V-3.d",
      .repeating("(", count: 1_000_000),
      clauses: ["V-3.a"]
    ),
    take(
      "count-1048576",
      "A list of 1048575 empty lists, with itself 1048576 values: the most that there may be.",
      ["V-6.b"],
      Octets(text: "(") + .repeating("()", count: 1_048_575) + Octets(text: ")"),
      [["repeat": [], "count": 1_048_575]],
      nil
    ),
    refuse(
      "count-1048577",
      "One value more than there may be.",
      "V-6.a",
      Octets(text: "(") + .repeating("()", count: 1_048_576) + Octets(text: ")")
    ),
    refuse(
      "count-1048577-mixed",
      "One value more than there may be, atoms and lists at two depths.",
      "V-6.a",
      Octets(text: "(") + .repeating("(()1:a())", count: 262_144) + Octets(text: ")")
    ),
  ]

  // MARK: Malformed: where a value begins and ends

  private static let ended: [Vector] = [
    refuse("no-bytes", "No bytes are no value.", "V-1.a", Octets("".utf8)),
    refuse("two-atoms", "A second value follows.", "V-1.a", "1:a1:b"),
    refuse("two-lists", "A second value follows.", "V-1.a", "()()"),
    refuse("byte-after", "One byte follows the value.", "V-1.a", "(1:a)x"),
    refuse("zero-byte-after", "A zero byte follows the value, as C ends its texts.", "V-1.a", "(1:a)\0"),
    refuse("parenthesis-after", "A ')' more than there are lists.", "V-1.a", "(1:a))", clauses: ["V-1.c"]),
    refuse("list-open", "A list that is not closed.", "V-1.c", "("),
    refuse("list-open-after-atom", "A list that is not closed after its atom.", "V-1.c", "(1:a"),
    refuse("inner-list-open", "Two lists, of which one is closed.", "V-1.c", "(1:a(1:b)"),
    refuse("parenthesis-alone", "A ')' that closes nothing.", "V-1.c", ")"),
    refuse("length-cut", "The bytes end in a length.", "V-1.c", "12"),
    refuse("length-cut-in-list", "The bytes end in a length inside a list.", "V-1.c", "(1:a3"),
  ]

  // MARK: Malformed: lengths

  private static let lengths: [Vector] = [
    refuse("zero-twice", "The length 0 has one digit.", "V-2.a", "00:"),
    refuse("leading-zero", "A length with a leading zero.", "V-2.a", "01:a"),
    refuse("leading-zero-in-list", "A length with a leading zero inside a list.", "V-2.a", "(3:abc02:de)"),
    refuse("no-digit", "A length without a digit.", "V-2.a", ":"),
    refuse("no-digit-in-list", "A length without a digit inside a list.", "V-2.a", "(1:a:b)"),
    refuse("atom-cut", "An atom that is shorter than its length.", "V-2.b", "5:abcd"),
    refuse("atom-missing", "A length of 1 and no byte.", "V-2.b", "1:"),
    refuse("atom-longer-than-list", "An atom that takes the ')' of its list, and needs more.", "V-2.b", "(3:a)"),
    refuse(
      "atom-takes-parenthesis",
      "An atom that takes the ')' of its list, which then is not closed.",
      "V-1.c",
      "(2:a)"
    ),
    refuse("length-2-to-32", "A length that is 1 modulo 2^32.", "V-2.b", "4294967297:a"),
    refuse("length-2-to-64", "A length that is 1 modulo 2^64.", "V-2.b", "18446744073709551617:a"),
    refuse(
      "length-of-many-digits",
      "A length of 1000 digits.",
      "V-2.b",
      Octets.repeating("9", count: 1000) + Octets(text: ":a")
    ),
    refuse("minus", "A negative length.", "V-4.a", "-1:a"),
    refuse("plus", "A length with a sign.", "V-4.a", "+1:a"),
    refuse("hexadecimal-length", "A length that is not decimal.", "V-4.a", "a:0123456789"),
    refuse("no-colon", "No colon between length and bytes.", "V-4.a", "3abc", clauses: ["V-1.b"]),
    refuse("space-before-colon", "A space between length and colon.", "V-4.a", "3 :abc"),
    refuse(
      "wide-digit",
      "A digit of another script, ３ (U+FF13), which some libraries take for a 3.",
      "V-4.a",
      "\u{FF13}:abc"
    ),
  ]

  // MARK: Malformed: other forms

  private static let otherForms: [Vector] = [
    refuse("display-hint", "A display hint.", "V-4.a", "[1:t]1:a"),
    refuse("display-hint-in-list", "A display hint inside a list.", "V-4.a", "(1:a[10:text/plain]1:b)"),
    refuse("space-first", "White space before the value.", "V-4.a", " 1:a"),
    refuse("space-between", "White space between values.", "V-4.a", "(1:a 1:b)"),
    refuse("newline-before-end", "White space before a ')'.", "V-4.a", "(1:a\n)"),
    refuse("newline-after", "The end of a line after the value.", "V-1.a", "(1:a)\n", clauses: ["V-4.a"]),
    refuse("token", "A token, which people write.", "V-4.a", "ping"),
    refuse("token-in-list", "A token inside a list.", "V-4.a", "(ping)"),
    refuse("quoted", "A quoted string, which people write.", "V-4.a", #""ping""#),
    refuse("quoted-with-length", "A quoted string after its length.", "V-4.a", #"4"ping""#),
    refuse("hexadecimal", "Hexadecimal, which people write.", "V-4.a", "#70696e67#"),
    refuse("base64", "Base64, which people write.", "V-4.a", "|cGluZw==|"),
    refuse("transport", "The transport form of RFC 9804.", "V-4.a", "{KDQ6cGluZyk=}"),
    refuse("byte-order-mark", "A byte order mark.", "V-4.a", "\u{FEFF}1:a"),
  ]

  // MARK: Making them

  private static func take(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    _ bytes: Octets,
    _ value: JSON,
    _ notation: String?,
    others: [String] = []
  ) -> Vector {
    maker.valid(
      name,
      comment,
      clauses: clauses,
      [
        "bytes": bytes.json,
        "value": value,
        "notation": notation.map { .string($0) },
        "otherNotations": others.isEmpty ? nil : .array(others.map { .string($0) }),
      ]
    )
  }

  private static func take(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    _ text: String,
    _ value: JSON,
    _ notation: String?,
    others: [String] = []
  ) -> Vector {
    take(name, comment, clauses, Octets(text: text), value, notation, others: others)
  }

  private static func refuse(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ bytes: Octets,
    clauses: [String] = []
  ) -> Vector {
    maker.invalid(name, comment, breaks: clause, outcome: "malformed", clauses: clauses, ["bytes": bytes.json])
  }

  private static func refuse(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ text: String,
    clauses: [String] = []
  ) -> Vector {
    refuse(name, comment, clause, Octets(text: text), clauses: clauses)
  }

  private static func atom(_ text: String) -> JSON {
    ["hex": .hex(Array(text.utf8))]
  }

  private static func nested(_ depth: Int, around inner: JSON?) -> JSON {
    var value: JSON = .array(inner.map { [$0] } ?? [])
    for _ in 1..<depth { value = [value] }
    return value
  }
}
