/// Frames: the content of one record each (section 5).
enum FrameVectors {
  static let all = kinds + records + cut + headers + bodies

  private static let maker = VectorMaker(subject: .frames)

  // MARK: Well-formed

  private static let kinds: [Vector] = [
    take("settings", "SETTINGS with the body (): all defaults.", ["F-1.a", "S-2.a"], [frame(.settings, text: "()")]),
    take(
      "request",
      "The request of the specification's example.",
      ["F-1.a"],
      [frame(.request, id: 1, text: "(4:echo5:12345)")]
    ),
    take(
      "request-more",
      "A fragment with MORE.",
      ["F-1.b", "X-4.a"],
      [frame(.request, id: 3, more: true, text: "(4:echo")]
    ),
    take("request-empty", "A request of no bytes: malformed, but a frame.", ["X-4.f"], [frame(.request, id: 1)]),
    take("request-not-a-value", "The body need not be a value.", ["E-2.c"], [frame(.request, id: 1, text: "hello")]),
    take("request-id-max", "The largest id.", ["X-1.a"], [frame(.request, id: .max, text: "0:")]),
    take(
      "request-id-bytes",
      "An id whose four bytes all differ.",
      ["F-1.a"],
      [frame(.request, id: 0x0102_0304, text: "0:")]
    ),
    take("response", "RESPONSE.", ["F-1.a"], [frame(.response, id: 1, text: "(4:echo5:12345)")]),
    take(
      "response-more",
      "A fragment with MORE.",
      ["F-1.b", "X-4.a"],
      [frame(.response, id: 7, more: true, text: "(")]
    ),
    take(
      "error",
      "ERROR with one detail.",
      ["F-1.a", "E-1.a"],
      [frame(.error, id: 2, text: "(9:not-found7:no user5:alice)")]
    ),
    take("cancel", "CANCEL.", ["F-1.a"], [frame(.cancel, id: 9)]),
    take("ping", "PING.", ["F-1.a", "P-1.a"], [frame(.ping, bytes: [1, 2, 3, 4, 5, 6, 7, 8])]),
    take("pong", "PONG.", ["F-1.a", "P-1.a"], [frame(.pong, bytes: [1, 2, 3, 4, 5, 6, 7, 8])]),
    take("close", "CLOSE.", ["F-1.a", "C-1.a"], [frame(.close, text: "(6:normal0:)")]),
    take(
      "body-max",
      "The longest body that a plain record can hold, 65527 bytes.",
      ["R-1.c", "F-1.a"],
      [frame(.request, id: 1, body: Octets(text: "65521:") + .repeating("a", count: 65_521))]
    ),
    take(
      "body-length-bytes",
      "A body of 258 bytes: both bytes of the length count.",
      ["F-1.a"],
      [frame(.response, id: 1, body: Octets(text: "254:") + .repeating("a", count: 254))]
    ),
  ]

  private static let records: [Vector] = [
    take(
      "two-fragments",
      "Both fragments of the specification's example in one record.",
      ["R-2.b", "X-4.a"],
      [frame(.request, id: 3, more: true, text: "(4:echo"), frame(.request, id: 3, text: "5:12345)")]
    ),
    take(
      "empty-last-fragment",
      "A last fragment without bytes.",
      ["X-4.f"],
      [frame(.request, id: 3, more: true, text: "0:"), frame(.request, id: 3)]
    ),
    take(
      "every-kind",
      "A frame of each kind in one record, in their order.",
      ["R-2.b", "F-1.a"],
      [
        frame(.settings, text: "()"), frame(.request, id: 1, text: "0:"), frame(.response, id: 1, text: "0:"),
        frame(.error, id: 2, text: "(1:a0:)"), frame(.cancel, id: 3), frame(.ping, bytes: [0, 0, 0, 0, 0, 0, 0, 0]),
        frame(.pong, bytes: [255, 255, 255, 255, 255, 255, 255, 255]), frame(.close, text: "(6:normal0:)"),
      ]
    ),
    take(
      "many-frames",
      "As many of the smallest frames as a record can hold, 8191.",
      ["R-2.b"],
      record: .init([.repeated(frame(.cancel, id: 5).frame.bytes, count: 8191)]),
      frames: .array([["repeat": frame(.cancel, id: 5).json, "count": 8191]])
    ),
  ]

  // MARK: Cut off

  private static let cut: [Vector] = [
    refuse("no-frame", "A record without a frame: its content is empty.", "F-1.c", Octets([])),
    refuse("header-1-byte", "One byte where a frame begins.", "F-1.d", Octets([0x05])),
    refuse("header-7-bytes", "One byte of the header is missing.", "F-1.d", Octets([0x04, 0x00, 0x00, 0x00, 0, 0, 0])),
    refuse(
      "header-cut-after-frame",
      "Three bytes are left after a whole frame, which stands.",
      "F-1.d",
      frame(.ping, bytes: [1, 2, 3, 4, 5, 6, 7, 8]).octets + Octets([0x05, 0x00, 0x00]),
      before: [frame(.ping, bytes: [1, 2, 3, 4, 5, 6, 7, 8])]
    ),
    refuse("body-missing", "A body of 1 byte, of which none has come.", "F-1.e", Octets([1, 0, 0, 1, 0, 0, 0, 1])),
    refuse(
      "body-cut",
      "One byte of the body is missing.",
      "F-1.e",
      Octets([1, 0, 0, 3, 0, 0, 0, 1]) + Octets(text: "0:")
    ),
    refuse(
      "body-65535",
      "The longest body that a header can say: no record can hold it.",
      "F-1.e",
      Octets([1, 0, 0xFF, 0xFF, 0, 0, 0, 1]) + .repeating("a", count: 100)
    ),
    refuse(
      "second-body-cut",
      "The body of the second frame is cut off.",
      "F-1.e",
      frame(.cancel, id: 4).octets + Octets([5, 0, 0, 8, 0, 0, 0, 0, 1, 2, 3]),
      before: [frame(.cancel, id: 4)]
    ),
  ]

  // MARK: Headers

  private static let headers: [Vector] =
    [
      refuse("kind-8", "The first kind that is not known.", "F-1.f", kind: 0x08),
      refuse("kind-9-id", "A kind that is not known, with an id.", "F-1.f", kind: 0x09, id: 1),
      refuse("kind-128", "A kind that is not known.", "F-1.f", kind: 0x80),
      refuse("kind-255", "The last kind that is not known.", "F-1.f", kind: 0xFF),
      refuse(
        "kind-8-after-frame",
        "A kind that is not known in the second frame: the first stands.",
        "F-1.f",
        frame(.cancel, id: 4).octets + Octets([8, 0, 0, 0, 0, 0, 0, 0]),
        before: [frame(.cancel, id: 4)]
      ),
      refuse("flag-2", "The reserved flag 0x02.", "F-1.g", kind: 1, flags: 0x02, id: 1, body: "0:"),
      refuse("flag-4", "The reserved flag 0x04.", "F-1.g", kind: 5, flags: 0x04, body: "12345678"),
      refuse("flag-128", "The reserved flag 0x80.", "F-1.g", kind: 1, flags: 0x80, id: 1, body: "0:"),
      refuse("flag-more-and-2", "A reserved flag beside MORE.", "F-1.g", kind: 1, flags: 0x03, id: 1, body: "0:"),
      refuse("flags-all", "All flags.", "F-1.g", kind: 2, flags: 0xFF, id: 1, body: "0:"),
    ]
    + [
      (WireKind.settings, UInt32(0), "()"), (.error, 1, "(1:a0:)"), (.cancel, 1, ""), (.ping, 0, "12345678"),
      (.pong, 0, "12345678"), (.close, 0, "(6:normal0:)"),
    ].map { kind, id, body in
      refuse("more-\(kind)", "MORE on \(kind.name).", "F-1.h", kind: kind.rawValue, flags: 1, id: id, body: body)
    }
    + [
      (WireKind.request, "0:"), (.response, "0:"), (.error, "(1:a0:)"), (.cancel, ""),
    ].map { kind, body in
      refuse("id-0-\(kind)", "\(kind.name) with the id 0.", "F-1.i", kind: kind.rawValue, body: body)
    }
    + [
      (WireKind.settings, UInt32(1), "()"), (.ping, 1, "12345678"), (.pong, .max, "12345678"),
      (.close, 0x0100_0000, "(6:normal0:)"),
    ].map { kind, id, body in
      refuse("id-\(kind)", "\(kind.name) with the id \(id).", "F-1.j", kind: kind.rawValue, id: id, body: body)
    }

  // MARK: Bodies

  private static let bodies: [Vector] = [
    refuse("ping-empty", "PING without a body.", "F-1.k", kind: 5, body: ""),
    refuse("ping-7", "PING with 7 bytes.", "F-1.k", kind: 5, body: "1234567"),
    refuse("ping-9", "PING with 9 bytes.", "F-1.k", kind: 5, body: "123456789"),
    refuse("pong-7", "PONG with 7 bytes.", "F-1.k", kind: 6, body: "1234567"),
    refuse("pong-16", "PONG with 16 bytes.", "F-1.k", kind: 6, body: "1234567812345678"),
    refuse("cancel-body", "CANCEL with a body.", "F-1.l", kind: 4, id: 1, body: "0:"),
    refuse("more-empty-request", "A REQUEST fragment with MORE and no bytes.", "X-4.e", kind: 1, flags: 1, id: 1),
    refuse("more-empty-response", "A RESPONSE fragment with MORE and no bytes.", "X-4.e", kind: 2, flags: 1, id: 1),
  ]

  // MARK: Making them

  /// A frame with a body that may be written short.
  private struct ShortFrame {
    var frame: WireFrame
    var body: Octets

    var octets: Octets { Octets(frame.bytes.prefix(WireFrame.headerByteCount)) + body }
    var json: JSON { FrameJSON.json(frame, body: body) }
  }

  private static func frame(_ kind: WireKind, id: UInt32 = 0, more: Bool = false, body: Octets) -> ShortFrame {
    ShortFrame(frame: WireFrame(kind, id: id, more: more, body: body.bytes), body: body)
  }

  private static func frame(_ kind: WireKind, id: UInt32 = 0, more: Bool = false, text: String = "") -> ShortFrame {
    frame(kind, id: id, more: more, body: Octets(text: text))
  }

  private static func frame(_ kind: WireKind, bytes: [UInt8]) -> ShortFrame {
    frame(kind, body: Octets(bytes))
  }

  private static func take(_ name: String, _ comment: String, _ clauses: [String], _ frames: [ShortFrame]) -> Vector {
    take(
      name,
      comment,
      clauses,
      record: frames.reduce(Octets([])) { $0 + $1.octets },
      frames: .array(frames.map(\.json))
    )
  }

  private static func take(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    record: Octets,
    frames: JSON
  ) -> Vector {
    maker.valid(name, comment, clauses: clauses, ["record": record.json, "frames": frames])
  }

  private static func refuse(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ record: Octets,
    before: [ShortFrame] = []
  ) -> Vector {
    maker.invalid(
      name,
      comment,
      breaks: clause,
      outcome: "violation",
      ["record": record.json, "frames": .array(before.map(\.json))]
    )
  }

  private static func refuse(
    _ name: String,
    _ comment: String,
    _ clause: String,
    kind: UInt8,
    flags: UInt8 = 0,
    id: UInt32 = 0,
    body: String = ""
  ) -> Vector {
    refuse(name, comment, clause, Octets(WireFrame(kind: kind, flags: flags, id: id, body: Array(body.utf8)).bytes))
  }
}

/// Frames as vectors hold them.
enum FrameJSON {
  static func json(_ frame: WireFrame, body: Octets) -> JSON {
    var object = JSON.Object()
    object["kind"] = .string(frame.kindName)
    if frame.hasMore { object["more"] = true }
    if frame.id != 0 { object["id"] = .integer(Int(frame.id)) }
    object["body"] = body.json
    return .object(object)
  }
}
