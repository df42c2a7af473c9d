extension CasePlayer {
  /// Reads the records that have come; a rule that the testee breaks in them fails the case.
  func readFrames(_ connection: KitConnection) throws {
    do {
      try connection.readFrames()
    } catch {
      throw CaseFailure(clause: error.clause, expected: "bytes that keep to the specification", got: error.message)
    }
  }

  /// Waits for frames until they match, and takes those that do.
  func expect(
    _ what: @autoclosure () -> String,
    on connection: KitConnection,
    _ match: (FrameMatcher, [WireFrame]) throws -> FrameMatcher.Result
  ) throws {
    let matcher = FrameMatcher(context: self)
    var lookedAt = -1
    let used = try wait(for: what()) { () throws -> [Int]? in
      try readFrames(connection)
      if connection.inbox.count != lookedAt {
        lookedAt = connection.inbox.count
        switch try match(matcher, connection.inbox) {
        case .matched(let used, let captures):
          ids.merge(captures.ids) { $1 }
          bodies.merge(captures.bodies) { $1 }
          return used
        case .mismatch(let expected, let got):
          throw CaseFailure(expected: expected.encodedText, got: got)
        case .needsMore:
          break
        }
      }
      try checkNoEnd(connection, expected: what())
      return nil
    }
    for index in used.reversed() {
      noteSettings(connection.takeFrame(at: index), connection)
    }
  }

  func expect(_ patterns: [FramePattern], on connection: KitConnection) throws {
    // One after the other, so that what a pattern captures serves the next.
    for pattern in patterns {
      try expect(pattern.source.encodedText, on: connection) { try $0.match([pattern], $1) }
    }
  }

  func expectBytes(_ template: ByteTemplate, on connection: KitConnection) throws {
    let expected = try template.build(in: self)
    let got = try bytes(expected.count, of: Hexadecimal.text(expected), from: connection)
    guard got == expected else {
      throw CaseFailure(expected: Hexadecimal.text(expected), got: Hexadecimal.text(got))
    }
  }

  func expectRecord(byteCount: Int?, on connection: KitConnection) throws {
    let what = byteCount.map { "a record of \($0) bytes" } ?? "a record"
    let record = try wait(for: what) {
      if let record = connection.takeRecord() { return record }
      try checkNoEnd(connection, expected: what)
      return nil
    }
    guard byteCount == nil || record.count == byteCount else {
      throw CaseFailure(expected: what, got: "one of \(record.count)")
    }
  }

  func expectSilence(_ duration: Duration, on connection: KitConnection) throws {
    try clock.serve(for: duration)
    if let failure = failedTestee?.failure { throw failure }
    let bytes = connection.stream.available
    guard bytes.isEmpty else {
      throw CaseFailure(expected: "nothing for \(duration.milliseconds) ms", got: Hexadecimal.text(bytes.prefix(64)))
    }
    guard connection.stream.inputEnd == nil else {
      throw CaseFailure(expected: "nothing for \(duration.milliseconds) ms", got: "the end of the stream")
    }
  }

  /// A PING and its PONG, and nothing before it.
  func fence(_ connection: KitConnection) throws {
    let body = connection.freshPingBody()
    try connection.send([WireFrame(.ping, body: body)])
    let pong = FramePattern(.pong, body: body)
    try expect("the PONG of a fence", on: connection) { try $0.match([pong], $1) }
  }

  /// A request of the kit that the testee echoes.
  func roundTrip(_ notation: String?, id: UInt32?, on connection: KitConnection) throws {
    let id = id ?? connection.freshRequestID()
    let text = notation ?? "(echo still-here)"
    let body = try TemplateDecoder.payload(.string(text)).build(in: self)
    try connection.send([WireFrame(.request, id: id, body: body)])
    let response = FramePattern(.response, id: id, body: body, notation: text)
    try expect("RESPONSE \(id) \(text)", on: connection) { try $0.match([response], $1) }
  }
}

extension FramePattern {
  /// A pattern of the kit's own for a whole message or a frame with this body, told as a value where its notation is given.
  init(_ kind: WireKind, id: UInt32? = nil, body: [UInt8], notation: String? = nil) {
    self.init(
      kind: kind,
      id: id.map { .number($0) },
      more: nil,
      value: notation.flatMap { try? ValuePattern($0) },
      body: .bytes(body),
      codes: nil,
      message: nil,
      details: nil,
      bodyByteCounts: nil,
      isAfterPart: false,
      captureName: nil,
      source: [
        "kind": .string(kind.name),
        notation == nil ? "body" : "value": .string(notation ?? Hexadecimal.text(body.prefix(64))),
      ]
    )
  }
}
