internal import BokbokCore
internal import NIOCore

/// Values, frames, records, settings and keys, played through the library and through the kit's own codecs.
extension Vector {
  // MARK: Values

  func replayValue() throws(VectorMismatch) {
    let bytes = try octets("bytes")
    let decoded: Value
    do {
      decoded = try Value(decoding: ByteBuffer(bytes: bytes))
    } catch {
      guard let expected = self.error else {
        throw VectorMismatch(place: "bytes", message: "expected a value, got: \(error)")
      }
      return try compareRequirement(of: expected.clause, with: error.requirement, found: error.message)
    }
    guard self.error == nil else {
      throw VectorMismatch(place: "bytes", message: "expected malformed bytes, got \(decoded.debugDescription)")
    }
    try VectorMismatch.compare(
      expected: bytes,
      got: try ValueJSON.encoding(of: self["value"], place: "value").bytes,
      place: "value"
    )
    do {
      let encoded = try decoded.encoded()
      try VectorMismatch.compare(expected: bytes, got: Array(encoded.readableBytesView), place: "bytes")
    } catch let mismatch as VectorMismatch {
      throw mismatch
    } catch {
      throw VectorMismatch(place: "value", message: "expected a value that can be sent, got: \(error)")
    }
    try compareNotations(of: decoded)
  }

  private func compareNotations(of value: Value) throws(VectorMismatch) {
    if let notation = self["notation"]?.string {
      try VectorMismatch.compare(expected: notation, got: value.notation, place: "notation")
    }
    for (index, notation) in (self["otherNotations"]?.array ?? []).enumerated() {
      let place = "otherNotations/\(index)"
      do {
        let read = try Value(notation: notation.string ?? "")
        guard read == value else { throw VectorMismatch(place: place, message: "got \(read.debugDescription)") }
      } catch let mismatch as VectorMismatch {
        throw mismatch
      } catch {
        throw VectorMismatch(place: place, message: "expected a value, got: \(error)")
      }
    }
  }

  /// That what the library found is the requirement of a clause.
  func compareRequirement(
    of clause: String,
    with requirement: String,
    found message: String
  ) throws(VectorMismatch) {
    let expected = SpecificationIndex.requirement(of: clause)
    guard expected != requirement, !Self.neighbours(expected, requirement) else { return }
    throw VectorMismatch(place: "error/clause", message: "expected \(clause), got \(requirement): \(message)")
  }

  /// Clauses of different requirements that forbid the same bytes: a length that is cut off (V-1.c) breaks V-2 as well,
  /// and so does one with another byte than the colon after it (V-4.a).
  private static func neighbours(_ first: String, _ second: String) -> Bool {
    second == "V-2" && (first == "V-1" || first == "V-4")
  }

  // MARK: Frames

  func replayFrames() throws(VectorMismatch) {
    let record = try octets("record")
    let expected = try FrameJSON.frames(self["frames"], place: "frames")

    // Through the library.
    var rest = ByteBuffer(bytes: record)
    var found: [WireFrame] = []
    var violation: Violation?
    do throws(Violation) {
      while let frame = try Frame.read(from: &rest) {
        found.append(
          WireFrame(
            kind: frame.kind.rawValue,
            flags: frame.hasMore ? Frame.moreFlag : 0,
            id: frame.exchange,
            body: Array(frame.body.readableBytesView)
          )
        )
      }
      if found.isEmpty { violation = Violation("F-1", "a record with no frame in it") }
    } catch {
      violation = error
    }
    try compare(frames: found, with: expected)
    switch (error, violation) {
    case (nil, nil): break
    case (nil, let violation?):
      throw VectorMismatch(place: "record", message: "expected whole frames, got: \(violation.message)")
    case (_?, nil):
      throw VectorMismatch(place: "record", message: "expected a violation, got \(found.count) frames")
    case (let error?, let violation?):
      try compareRequirement(of: error.clause, with: violation.requirement, found: violation.message)
    }

    // Through the kit's codec, which knows the clause.
    let clause = FrameJSON.brokenClause(of: record)
    guard clause == error?.clause else {
      let names = (error?.clause ?? "no clause", clause ?? "none")
      throw VectorMismatch(place: "error/clause", message: "expected \(names.0), the kit finds \(names.1)")
    }
    // And the other way.
    guard error == nil else { return }
    var written = ByteBuffer()
    for frame in found {
      guard let kind = FrameKind(rawValue: frame.kind) else { continue }
      Frame(kind, exchange: frame.id, hasMore: frame.hasMore, body: ByteBuffer(bytes: frame.body)).write(into: &written)
    }
    try VectorMismatch.compare(expected: record, got: Array(written.readableBytesView), place: "record")
  }

  private func compare(frames found: [WireFrame], with expected: [WireFrame]) throws(VectorMismatch) {
    for (index, pair) in zip(expected, found).enumerated() {
      let place = "frames/\(index)"
      try VectorMismatch.compare(expected: pair.0.kindName, got: pair.1.kindName, place: place + "/kind")
      try VectorMismatch.compare(
        expected: .integer(Int(pair.0.id)),
        got: .integer(Int(pair.1.id)),
        place: place + "/id"
      )
      try VectorMismatch.compare(expected: .bool(pair.0.hasMore), got: .bool(pair.1.hasMore), place: place + "/more")
      try VectorMismatch.compare(expected: pair.0.body, got: pair.1.body, place: place + "/body")
    }
    guard expected.count == found.count else {
      throw VectorMismatch(place: "frames", message: "expected \(expected.count) frames, got \(found.count)")
    }
  }

  // MARK: Settings

  func replaySettings() throws(VectorMismatch) {
    let body = try octets("body")
    let settings: Settings
    do throws(Violation) {
      settings = try Settings(decoding: ByteBuffer(bytes: body))
    } catch {
      guard let expected = self.error else {
        throw VectorMismatch(place: "body", message: "expected settings, got: \(error.message)")
      }
      return try compareRequirement(of: expected.clause, with: error.requirement, found: error.message)
    }
    let found: JSON = [
      "max-message": .integer(Int(settings.messageBytesMax)),
      "max-requests": .integer(Int(settings.requestsMax)),
      "max-partial": .integer(Int(settings.partialBytesMax)),
    ]
    guard self.error == nil else {
      throw VectorMismatch(place: "body", message: "expected a violation, got \(found.encodedText)")
    }
    try VectorMismatch.compare(expected: self["settings"] ?? .null, got: found, place: "settings")
  }

  // MARK: Keys

  func replayKey() throws(VectorMismatch) {
    let passphrase = try text("passphrase")
    let user = self["user"]?.string
    try VectorMismatch.compare(
      expected: try octets("passphraseBytes"),
      got: Array(passphrase.utf8),
      place: "passphraseBytes"
    )
    if let user {
      try VectorMismatch.compare(expected: try octets("userBytes"), got: Array(user.utf8), place: "userBytes")
    }
    let rule = Array("bokbok-passphrase-v1".utf8) + [0] + Array((user ?? "").utf8)
    try VectorMismatch.compare(
      expected: try octets("salt"),
      got: Array(ReferenceSHA256.hash(rule).prefix(16)),
      place: "salt"
    )
    let key: PresharedKey
    do {
      key = try PresharedKey.derive(passphrase: passphrase, user: user ?? "")
    } catch {
      throw VectorMismatch(place: "key", message: "expected a key, got: \(error)")
    }
    try VectorMismatch.compare(
      expected: try octets("key"),
      got: Hexadecimal.bytes(key.hexadecimal()) ?? [],
      place: "key"
    )
  }
}

// MARK: - JSON

extension ValueJSON {
  /// The canonical encoding of nested JSON, by the rules of section 7 alone: a list is an array, an atom is
  /// `{"hex": …}`, and in a list `{"repeat": V, "count": N}` stands for N times V.
  static func encoding(of json: JSON?, place: String) throws(VectorMismatch) -> Octets {
    guard let elements = json?.array else {
      let atom = try json?["hex"].octets(at: place) ?? []
      return Octets(text: "\(atom.count):") + Octets(atom)
    }
    var encoding = Octets(text: "(")
    for (index, element) in elements.enumerated() {
      let place = "\(place)/\(index)"
      if let repeated = element["repeat"] {
        guard let count = element["count"]?.integer, (1...Octets.byteCountMax).contains(count) else {
          throw VectorMismatch(place: place, message: "expected a \"count\" of 1 or more")
        }
        encoding = encoding + Octets([.repeated(try Self.encoding(of: repeated, place: place).bytes, count: count)])
      } else {
        encoding = encoding + (try Self.encoding(of: element, place: place))
      }
    }
    return encoding + Octets(text: ")")
  }
}

extension FrameJSON {
  /// The frames that vectors hold; `{"repeat": F, "count": N}` stands for N times F.
  static func frames(_ json: JSON?, place: String) throws(VectorMismatch) -> [WireFrame] {
    var frames: [WireFrame] = []
    for (index, element) in (json?.array ?? []).enumerated() {
      let item = element["repeat"] ?? element
      guard let kind = item["kind"]?.string.flatMap(WireKind.init(name:)) else {
        throw VectorMismatch(place: "\(place)/\(index)/kind", message: "expected the name of a kind")
      }
      let frame = WireFrame(
        kind,
        id: UInt32(truncatingIfNeeded: item["id"]?.integer ?? 0),
        more: item["more"]?.bool ?? false,
        body: try item["body"].octets(at: "\(place)/\(index)/body")
      )
      frames.append(contentsOf: repeatElement(frame, count: element["count"]?.integer ?? 1))
    }
    return frames
  }

  /// The first clause that the content of a record breaks by itself, as the kit's codec finds it.
  static func brokenClause(of record: [UInt8]) -> String? {
    guard !record.isEmpty else { return "F-1.c" }
    var offset = 0
    while offset < record.count {
      let rest = record[offset...]
      guard rest.count >= WireFrame.headerByteCount else { return "F-1.d" }
      let bodyByteCount = Int(record[offset + 2]) << 8 | Int(record[offset + 3])
      let end = offset + WireFrame.headerByteCount + bodyByteCount
      do {
        let frame = try WireFrame.frames(in: rest.prefix(end - offset))
        if let fault = frame.first?.fault { return fault.clause }
      } catch {
        return error.clause
      }
      offset = end
    }
    return nil
  }
}
