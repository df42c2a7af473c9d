/// One thing that every two implementations have to do together.
struct InteropScenario: Sendable {
  let name: String
  let title: String
  /// Whether it tells the server what to do, or watches it: not possible where the client starts the server.
  var needsServer = false
  /// Whether it makes sense on sealed connections only.
  var needsSealing = false
  let play: @Sendable (InteropPair) throws -> Void

  func applies(to configuration: InteropConfiguration) -> Bool {
    !(needsServer && configuration.transport == .stdio) && !(needsSealing && configuration.security == .plain)
  }

  /// In the order in which they are played; the one that kills is the last.
  static let all = exchanging + ending
}

extension InteropScenario {
  /// Larger than three full records: fragments, several of them under way in both directions.
  private static let largeByteCount = 262_144
  private static let large = InteropPayload.blob(largeByteCount)
  private static let longestByteCount = 1_200_000
  private static let longestBlob = InteropPayload.blob(longestByteCount)
  /// Of the bytes i mod 251, as many as `largeByteCount`; computed apart from all implementations.
  private static let largeDigest = "31a1f9dea0169551092d05e8bf4a446228c8c3eb4c9b713c66adcb7fd53c89be"

  /// Requests and their answers.
  static let exchanging = [
    InteropScenario(name: "identity", title: "Both sides know the user, and answer PINGs") { pair in
      let link = try pair.connect()
      for side in pair.drivenSides {
        let user: InteropPayload = pair.isSealed ? .list([.atom(Array(InteropPair.user.utf8))]) : []
        try pair.expect(side, pair.request(side, link, ["whoami"]), user)
        try pair.ping(side, link)
      }
      try pair.close(link)
    },
    InteropScenario(name: "values", title: "Values of every shape come back as they went") { pair in
      let link = try pair.connect()
      let bytes = (0...255).map { UInt8($0) }
      let shapes: [InteropPayload] = [
        "", [], [[]], ["", [], ""], .atom(bytes), .atom([0]), "3:abc", "(1:a)", "ünï\u{0}cödé 🧵", .number(0),
        .number(4_294_967_296), .nested(depth: 63), .list(Array(repeating: "", count: 1000)), .blob(65_535),
        .list([.list([.atom(bytes), []]), "x", .nested(depth: 9)]),
      ]
      for side in pair.drivenSides {
        let sent = shapes.map { ($0, pair.request(side, link, ["echo", $0])) }
        for (shape, sequence) in sent { try pair.expect(side, sequence, ["echo", shape]) }
        // All in one request, too.
        let whole: InteropPayload = .list(["echo"] + shapes)
        try pair.expect(side, pair.request(side, link, whole), whole)
      }
      try pair.close(link)
    },
    InteropScenario(name: "concurrency", title: "64 requests at once each way, answered out of order") { pair in
      let link = try pair.connect()
      var sent: [(side: InteropPair.Side, sequence: Int, answer: InteropPayload)] = []
      for number in 0..<64 {
        for side in pair.drivenSides {
          // The first ones take longest.
          let (request, answer): (InteropPayload, InteropPayload) =
            number % 4 == 0
            ? (["sleep", .number(128 - number)], ["slept", .number(128 - number)])
            : (["echo", .number(number)], ["echo", .number(number)])
          sent.append((side, pair.request(side, link, request), answer))
        }
      }
      for (side, sequence, answer) in sent { try pair.expect(side, sequence, answer) }
      try pair.close(link)
    },
    InteropScenario(name: "large", title: "Large messages both ways at once, with small ones among them") { pair in
      let link = try pair.connect()
      let sides = pair.drivenSides
      let echoes = sides.map { ($0, pair.request($0, link, ["echo", large])) }
      // Short requests with long answers: the second begins before the first is through, as no stream's buffers hold it.
      let longest = sides.map { ($0, pair.request($0, link, ["blob", .number(longestByteCount)])) }
      let blobs = sides.map { ($0, pair.request($0, link, ["blob", .number(largeByteCount)])) }
      let digests = sides.map { ($0, pair.request($0, link, ["digest", large])) }
      let small = sides.map { ($0, pair.request($0, link, ["echo", "small"])) }
      for (side, sequence) in small { try pair.expect(side, sequence, ["echo", "small"]) }
      for (side, sequence) in echoes { try pair.expect(side, sequence, ["echo", large]) }
      for (side, sequence) in blobs { try pair.expect(side, sequence, large) }
      for (side, sequence) in longest { try pair.expect(side, sequence, longestBlob) }
      for (side, sequence) in digests {
        try pair.expect(side, sequence, .atom(Hexadecimal.bytes(largeDigest) ?? []))
      }
      try pair.close(link)
    },
    InteropScenario(name: "callbacks", title: "Handlers ask back, to a depth of 16") { pair in
      let link = try pair.connect()
      for side in pair.drivenSides {
        let echoes = (1...32).map { InteropPayload.list(["echo", .number($0)]) }
        try pair.expect(side, pair.request(side, link, ["callback", .number(32)]), .list(echoes))
        let nested = (0..<16).reduce(["nested"] as InteropPayload) { inner, _ in [inner] }
        try pair.expect(side, pair.request(side, link, ["nest", .number(16)]), nested)
      }
      try pair.close(link)
    },
    InteropScenario(name: "errors", title: "Errors arrive with code, message and details, and harm nothing else") {
      pair in
      let link = try pair.connect()
      for side in pair.drivenSides {
        let fail: InteropPayload = ["fail", "my.own-code", "why: ünï", ["a", []], "b"]
        let error = try pair.failure(side, pair.request(side, link, fail), "(fail …)", kinds: ["remote"])
        let details: [InteropPayload] = [["a", []], "b"]
        guard error["code"] == "my.own-code", error["message"] == "why: ünï",
          error["details"] == .array(details.map { .string($0.hex) })
        else { throw CaseFailure(expected: "code, message and details as they went", got: error.encodedText) }
        let failing: [(InteropPayload, String)] = [
          (["crash"], "handler-failed"), (["no-such-request"], "unknown-request"),
          (["fail", "closing", ""], "handler-failed"), (["fail", "Not A Code", ""], "handler-failed"),
          (["sleep", "01"], "unknown-request"), (["many", .number(1_048_576)], "handler-failed"),
        ]
        for (payload, code) in failing {
          let error = try pair.failure(side, pair.request(side, link, payload), "a request", kinds: ["remote"])
          guard error["code"]?.string == code else {
            throw CaseFailure(expected: "the code \(code) for \(payload.shown)", got: error.encodedText)
          }
        }
        try pair.expect(side, pair.request(side, link, ["echo", "still here"]), ["echo", "still here"])
      }
      try pair.close(link)
    },
    InteropScenario(name: "limits", title: "The client's limit on messages holds for answers and for requests") {
      pair in
      let link = try pair.connect(settings: ["max-message": 2048])
      let error = try pair.failure(
        .client,
        pair.request(.client, link, ["blob", .number(4096)]),
        "an answer of 4096 bytes",
        kinds: ["remote"]
      )
      guard error["code"] == "too-large" else {
        throw CaseFailure(expected: "the code too-large", got: error.encodedText)
      }
      if pair.isServerDriven {
        try pair.failure(
          .server,
          pair.request(.server, link, ["echo", .blob(4096)]),
          "a request of 4096 bytes",
          kinds: ["tooLarge"]
        )
      }
      try pair.expect(.client, pair.request(.client, link, ["blob", .number(2000)]), .blob(2000))
      try pair.close(link)
    },
    InteropScenario(name: "cancellation", title: "Cancelled requests stop at the other side, and only they") { pair in
      let link = try pair.connect()
      for side in pair.drivenSides {
        let other: InteropPair.Side = side == .client ? .server : .client
        let sleeping = pair.request(side, link, ["sleep", .number(50)])
        let hanging = (0..<8).map { _ in pair.request(side, link, ["hang"]) }
        if pair.drivenSides.contains(other) {
          for _ in 0..<9 { try pair.event(other, "request", link.id(on: other)) }
        } else {
          try pair.ping(side, link)
        }
        for sequence in hanging {
          try pair.success(side, pair.send(side, "cancel", JSON.Object([("request", .integer(sequence))])), "cancel")
        }
        for sequence in hanging { try pair.failure(side, sequence, "a cancelled request", kinds: ["cancelled"]) }
        if pair.drivenSides.contains(other) {
          for _ in hanging { try pair.event(other, "cancelled", link.id(on: other)) }
        }
        try pair.expect(side, sleeping, ["slept", .number(50)])
        try pair.expect(side, pair.request(side, link, ["echo", "after"]), ["echo", "after"])
      }
      try pair.close(link)
    },
  ]
}
