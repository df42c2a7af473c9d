/// Streams of records, plain and sealed (section 4). What is sealed here is sealed by the reference code.
enum RecordVectors {
  static let all = plain + sealed + tampered

  private static let maker = VectorMaker(subject: .records)

  // MARK: Plain

  private static let cancel = WireFrame(.cancel, id: 5).bytes
  private static let ping = WireFrame(.ping, body: [1, 2, 3, 4, 5, 6, 7, 8]).bytes
  private static let request = WireFrame(.request, id: 1, body: Array("(4:echo5:12345)".utf8)).bytes

  private static let plain: [Vector] = [
    take("plain-8", "The shortest record that can hold a frame.", ["R-2.a"], [cancel]),
    take("plain-1", "A record of one byte: a record, although no frame fits into it.", ["R-1.c"], [[0x05]]),
    take("plain-256", "A length of which the first byte counts.", ["R-1.c"], [[UInt8](repeating: 0x61, count: 256)]),
    take("plain-65535", "The longest record.", ["R-1.c"], [[UInt8](repeating: 0x61, count: 65_535)]),
    take("plain-three", "Three records, one after the other.", ["R-2.a"], [cancel, ping, request]),
    take("plain-cut-length", "One byte of the second record's length has come.", ["R-2.a"], [cancel], rest: [0x00]),
    take(
      "plain-cut-content",
      "Most of the second record has come.",
      ["R-2.a", "R-5.a"],
      [cancel],
      rest: Array([UInt8].record(request).dropLast())
    ),
    take(
      "plain-cut-65535",
      "A length of 65535 and one byte: nothing follows from a length that was announced.",
      ["R-5.a"],
      [],
      rest: [0xFF, 0xFF, 0x01]
    ),
    maker.invalid(
      "plain-0",
      "A record of length 0.",
      breaks: "R-1.a",
      outcome: "violation",
      ["mode": "plain", "stream": "0000", "contents": []]
    ),
    maker.invalid(
      "plain-0-after-record",
      "A record of length 0 after one that stands.",
      breaks: "R-1.a",
      outcome: "violation",
      ["mode": "plain", "stream": .hex([UInt8].record(cancel) + [0, 0]), "contents": [.hex(cancel)]]
    ),
  ]

  private static func take(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    _ contents: [[UInt8]],
    rest: [UInt8] = []
  ) -> Vector {
    maker.valid(
      name,
      comment,
      clauses: clauses,
      [
        "mode": "plain",
        "stream": Octets(compacting: contents.flatMap { [UInt8].record($0) } + rest).json,
        "contents": .array(contents.map { Octets(compacting: $0).json }),
        "rest": .integer(rest.count),
      ]
    )
  }

  // MARK: Sealed

  private static let key = ReferenceHandshake.ascending(from: 0x80)
  private static let otherKey = ReferenceHandshake.ascending(from: 0x81)

  private static let sealed: [Vector] = [
    open("sealed-counter-0", "The first record of a direction.", ["R-2.c", "R-2.d", "R-2.e"], 0, [cancel]),
    open("sealed-three", "Three records: the counter grows by one with each.", ["R-2.d"], 0, [cancel, ping, request]),
    open("sealed-two-frames", "Two frames under one seal.", ["R-2.b", "R-2.c"], 0, [request + ping]),
    open("sealed-counter-255", "Counters 255 and 256: the second byte of the counter.", ["R-2.d"], 255, [ping, ping]),
    open(
      "sealed-counter-72623859790382856",
      "A counter whose eight bytes all differ, 0x0102030405060708: little-endian.",
      ["R-2.d"],
      0x0102_0304_0506_0708,
      [ping]
    ),
    open(
      "sealed-counter-4294967295",
      "Counters around 2^32, where a counter of 32 bits would wrap.",
      ["R-2.d"],
      4_294_967_295,
      [cancel, ping]
    ),
    open(
      "sealed-counter-last",
      "The last counter that may be used, 2^64 - 2.",
      ["R-4.a"],
      18_446_744_073_709_551_614,
      [cancel]
    ),
    open(
      "sealed-tag-alone",
      "No bytes under the seal: it authenticates. (That no frame is in it is a matter of frames.)",
      ["F-1.c", "R-1.b"],
      0,
      [[]]
    ),
    open("sealed-block-64", "64 bytes: one whole block of the cipher.", ["R-2.c"], 3, [bytes(64)]),
    open("sealed-block-65", "65 bytes: one byte of a second block.", ["R-2.c"], 3, [bytes(65)]),
    open("sealed-300", "300 bytes: a length of which both bytes count.", ["R-2.c", "R-2.e"], 7, [bytes(300)]),
    open(
      "sealed-cut",
      "The last byte of the second tag has not come: that record is not judged.",
      ["R-2.e"],
      0,
      [cancel],
      rest: Array([UInt8].record(seal(ping, 1)).dropLast())
    ),
    open(
      "sealed-cut-length",
      "One byte of the second record's length has come.",
      ["R-2.e"],
      0,
      [cancel],
      rest: [0x00]
    ),
  ]

  // MARK: Tampered

  private static let tampered: [Vector] =
    [
      refuse("bit-content", "The first bit of the content is flipped.", "R-3.a", flip(seal(request, 0), 0, 0x80)),
      refuse(
        "bit-last",
        "The last bit of the frames is flipped.",
        "R-3.a",
        flip(seal(request, 0), request.count - 1, 1)
      ),
      refuse("bit-tag", "The first bit of the tag is flipped.", "R-3.a", flip(seal(request, 0), request.count, 0x80)),
      refuse(
        "bit-tag-last",
        "The last bit of the tag is flipped.",
        "R-3.a",
        flip(seal(request, 0), request.count + 15, 1)
      ),
      refuse("tag-zero", "A tag of zeros.", "R-3.a", seal(request, 0).dropLast(16) + bytes(16, of: 0)),
      refuse("not-sealed", "Frames that were not sealed at all.", "R-3.a", request + ping),
      refuse("shorter", "The last byte is gone, and the length says so.", "R-3.a", Array(seal(request, 0).dropLast())),
      refuse("longer", "A byte was added, and the length says so.", "R-3.a", seal(request, 0) + [0]),
      refuse("other-key", "Sealed with another key.", "R-3.a", seal(request, 0, key: otherKey)),
      refuse(
        "tag-first",
        "The tag before the ciphertext.",
        "R-2.c",
        seal(request, 0).suffix(16) + seal(request, 0).dropLast(16)
      ),
      refuse(
        "length-authenticated",
        "The record's length taken as associated data.",
        "R-2.c",
        seal(request, 0, associatedData: [0, UInt8(request.count + 16)])
      ),
      refuse(
        "nonce-big-endian",
        "The counter 1 in big-endian order.",
        "R-2.d",
        seal(request, nonce: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        counter: 1
      ),
      refuse(
        "nonce-counter-first",
        "The counter 1 before the four zero bytes.",
        "R-2.d",
        seal(request, nonce: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        counter: 1
      ),
      refuse("replayed", "A record that came before, again.", "R-3.b", seal(cancel, 0), after: [cancel]),
      refuse("dropped", "The record before it is missing.", "R-3.b", seal(ping, 1)),
      refuse("reordered", "The second record before the first.", "R-3.b", seal(ping, 1), then: seal(cancel, 0)),
      refuse("counter-from-1", "A first record that was sealed with the counter 1.", "R-2.d", seal(cancel, 1)),
    ]
    + [0, 1, 15].map { count in
      refuse("length-\(count)", "A record of \(count) bytes: shorter than the tag.", "R-1.b", bytes(count, of: 0))
    }
    + [
      maker.invalid(
        "sealed-counter-exhausted",
        "A record after the one with the counter 2^64 - 2: none may follow.",
        breaks: "R-4.a",
        outcome: "lost",
        [
          "mode": "sealed",
          "key": .hex(key),
          "counter": "18446744073709551614",
          "stream": .hex([UInt8].record(seal(cancel, .max - 1)) + [UInt8].record(seal(ping, .max))),
          "contents": [.hex(cancel)],
        ]
      )
    ]

  private static func open(
    _ name: String,
    _ comment: String,
    _ clauses: [String],
    _ counter: UInt64,
    _ contents: [[UInt8]],
    rest: [UInt8] = []
  ) -> Vector {
    let stream = contents.enumerated().flatMap { [UInt8].record(seal($1, counter + UInt64($0))) }
    return maker.valid(
      name,
      comment,
      clauses: clauses,
      [
        "mode": "sealed",
        "key": .hex(key),
        "counter": .string(String(counter)),
        "stream": .hex(stream + rest),
        "contents": .array(contents.map { .hex($0) }),
        "rest": .integer(rest.count),
      ]
    )
  }

  private static func refuse(
    _ name: String,
    _ comment: String,
    _ clause: String,
    _ content: [UInt8],
    counter: UInt64 = 0,
    after contents: [[UInt8]] = [],
    then next: [UInt8]? = nil
  ) -> Vector {
    let before = contents.enumerated().flatMap { [UInt8].record(seal($1, counter + UInt64($0))) }
    return maker.invalid(
      "tampered-" + name,
      comment,
      breaks: clause,
      outcome: "tampered",
      clauses: ["R-3.a"],
      [
        "mode": "sealed",
        "key": .hex(key),
        "counter": .string(String(counter)),
        "stream": .hex(before + .record(content) + (next.map { .record($0) } ?? [])),
        "contents": .array(contents.map { .hex($0) }),
      ]
    )
  }

  private static func seal(
    _ content: [UInt8],
    _ counter: UInt64,
    key: [UInt8] = key,
    associatedData: [UInt8] = []
  ) -> [UInt8] {
    ReferenceChaCha20Poly1305.seal(
      content,
      key: key,
      nonce: ReferenceChaCha20Poly1305.nonce(counter: counter),
      associatedData: associatedData
    )
  }

  private static func seal(_ content: [UInt8], nonce: [UInt8]) -> [UInt8] {
    ReferenceChaCha20Poly1305.seal(content, key: key, nonce: nonce)
  }

  private static func flip(_ bytes: [UInt8], _ index: Int, _ mask: UInt8) -> [UInt8] {
    var bytes = bytes
    bytes[index] ^= mask
    return bytes
  }

  private static func bytes(_ count: Int, of byte: UInt8) -> [UInt8] {
    [UInt8](repeating: byte, count: count)
  }

  /// Bytes that count up.
  private static func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0) }
  }
}
