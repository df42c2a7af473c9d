extension CasePlayer {
  /// Waits for the end of a stream and everything that comes before it. Frames are read where there are any.
  private func waitForEnd(_ connection: KitConnection, _ what: String, readsFrames: Bool) throws -> StreamEnd {
    try wait(for: what) {
      if readsFrames { try readFrames(connection) }
      return connection.stream.inputEnd
    }
  }

  /// The kit has read to the end, so that closing resets nothing.
  private func closeKitSide(_ connection: KitConnection) {
    connection.stream.close()
  }

  // MARK: Refusals

  func expectRefusal(_ step: RefusalStep, on connection: KitConnection) throws {
    let what = "a refusal, and then the end of the stream"
    let end = try waitForEnd(connection, what, readsFrames: false)
    let bytes = connection.stream.take(connection.stream.available.count)
    let got = Hexadecimal.text(bytes.prefix(100)) + (end == .end ? ", end of stream" : ", reset")
    guard end == .end else { throw CaseFailure(clause: "F-3.a", expected: what, got: got) }
    let expectedHead = WirePreamble.bytes(mode: WirePreamble.refused)
    guard bytes.starts(with: expectedHead.prefix(6)), bytes.count >= 10, bytes[7] == WirePreamble.refused else {
      throw CaseFailure(clause: "O-6.a", expected: what, got: got)
    }
    guard bytes[6] == WirePreamble.version else {
      throw CaseFailure(clause: "O-4.b", expected: "the version byte 01", got: got)
    }
    let byteCount = Int(bytes[8]) << 8 | Int(bytes[9])
    guard bytes.count >= 10 + byteCount else { throw CaseFailure(clause: "O-6.a", expected: what, got: got) }
    guard bytes.count == 10 + byteCount else {
      throw CaseFailure(clause: "O-6.b", expected: "nothing after the refusal", got: got)
    }
    let body: WireErrorBody
    do {
      body = try WireErrorBody(Array(bytes[10...]), takesDetails: false, clause: "O-6.a")
    } catch {
      throw CaseFailure(clause: "O-6.a", expected: what, got: error.message)
    }
    if let codes = step.codes, !codes.contains(body.code) {
      throw CaseFailure(expected: "the code \(codes.joined(separator: " or "))", got: "the code \(body.code)")
    }
    if let name = step.captureName { bodies[name] = bytes }
    if let name = step.sameAs, try capturedBytes(name) != bytes {
      let expected = "the same bytes as the refusal before: \(Hexadecimal.text(try capturedBytes(name)))"
      throw CaseFailure(expected: expected, got: got)
    }
    needsSurvivalProof = true
    if !step.keepsStream { closeKitSide(connection) }
  }

  // MARK: Violations and tampering

  func expectViolation(_ step: EndingStep, on connection: KitConnection) throws {
    needsSurvivalProof = true
    var needsSettings = step.expectsSettings
    let what = "CLOSE protocol-error, and then the end of the stream"
    var closing: WireFrame?
    while closing == nil {
      let frame = try wait(for: what) { () throws -> WireFrame? in
        try readFrames(connection)
        if !connection.inbox.isEmpty { return connection.takeFrame() }
        try checkNoEnd(connection, expected: what)
        return nil
      }
      switch frame.knownKind {
      case .settings where needsSettings: needsSettings = false
      case .close: closing = frame
      case .response, .error, .pong:
        guard step.allowsAnswers else { throw CaseFailure(expected: what, got: frame.summary) }
      case .request, .cancel:
        guard step.allowsRequests else { throw CaseFailure(expected: what, got: frame.summary) }
      default: throw CaseFailure(expected: what, got: frame.summary)
      }
    }
    guard !needsSettings else {
      throw CaseFailure(clause: "F-2.b", expected: "SETTINGS before the CLOSE", got: "the CLOSE alone")
    }
    // The audit has checked the form.
    let body = try WireErrorBody(closing?.body ?? [], takesDetails: false, clause: "C-1.a")
    guard body.code == "protocol-error" else {
      throw CaseFailure(clause: "F-2.a", expected: what, got: "CLOSE \(body.code)")
    }
    guard !body.message.isEmpty else {
      throw CaseFailure(clause: "F-2.c", expected: "a message that says what was wrong", got: "an empty one")
    }
    let end = try waitForEnd(connection, "the end of the stream after CLOSE protocol-error", readsFrames: true)
    guard end == .end else {
      throw CaseFailure(clause: "F-3.a", expected: "an end of stream after the CLOSE", got: "a reset")
    }
    try expectNothingLeft(connection, after: "CLOSE protocol-error")
    if !step.keepsStream { closeKitSide(connection) }
    if step.isReported { try expectClosed(connection, reason: "violation") }
  }

  func expectTampering(_ step: EndingStep, on connection: KitConnection) throws {
    needsSurvivalProof = true
    let what = "the end of the stream without a CLOSE"
    let end = try waitForEnd(connection, what, readsFrames: true)
    var needsSettings = step.expectsSettings
    while !connection.inbox.isEmpty {
      let frame = connection.takeFrame()
      let isAnswer = [.response, .error, .pong].contains(frame.knownKind)
      if frame.knownKind == .settings, needsSettings {
        needsSettings = false
      } else if !(step.allowsAnswers && isAnswer) {
        throw CaseFailure(clause: "R-3.a", expected: what, got: "\(frame.summary), then the \(end.rawValue)")
      }
    }
    try expectNothingLeft(connection, after: "the last frame")
    closeKitSide(connection)
    if step.isReported { try expectClosed(connection, reason: "tampered") }
  }

  func expectEnd(_ allowed: [StreamEnd], on connection: KitConnection) throws {
    needsSurvivalProof = true
    let forms = allowed.map { $0 == .end ? "end of stream" : "reset" }.joined(separator: " or ")
    let readsFrames = connection.stage == .keys || connection.stage == .open
    let end = try waitForEnd(connection, "the end of the stream: \(forms)", readsFrames: readsFrames)
    if let frame = connection.inbox.first { throw CaseFailure(expected: forms, got: frame.summary) }
    try expectNothingLeft(connection, after: "what was expected")
    guard allowed.contains(end) else {
      throw CaseFailure(expected: forms, got: end == .end ? "end of stream" : "reset")
    }
    closeKitSide(connection)
  }

  private func expectNothingLeft(_ connection: KitConnection, after what: String) throws {
    let rest = connection.stream.available
    guard rest.isEmpty, connection.inbox.isEmpty else {
      let got = connection.inbox.first?.summary ?? Hexadecimal.text(rest.prefix(64))
      throw CaseFailure(expected: "nothing after \(what)", got: got)
    }
  }

  // MARK: The clean end

  /// The kit closes; the testee answers the CLOSE at once and then ends the stream.
  func close(_ step: CloseStep, on connection: KitConnection) throws {
    let code = Array(step.code.utf8)
    let message = Array(step.message.utf8)
    let template = ByteTemplate.list([.atom(.bytes(code)), .atom(.bytes(message))])
    try connection.send([WireFrame(.close, body: try template.build(in: self))])
    let answer = Array("(6:normal0:)".utf8)
    let what = "CLOSE (normal \"\"), the answer to the kit's CLOSE"
    var hasClosed = false
    while !hasClosed || (step.allowsAnswers && !connection.audit.unansweredIDs.isEmpty) {
      let frame = try wait(for: hasClosed ? "the answers that are due" : what) { () throws -> WireFrame? in
        try readFrames(connection)
        if !connection.inbox.isEmpty { return connection.takeFrame() }
        try checkNoEnd(connection, expected: what)
        return nil
      }
      if frame.knownKind == .close, !hasClosed {
        guard frame.body == answer else { throw CaseFailure(clause: "C-2.b", expected: what, got: frame.summary) }
        hasClosed = true
      } else if !(step.allowsAnswers && [.response, .error].contains(frame.knownKind)) {
        throw CaseFailure(expected: what, got: frame.summary)
      }
    }
    try expectCleanEnd(code: step.code, message: step.message, on: connection)
  }

  /// Both sides have sent CLOSE: the testee ends the stream and reports a clean end.
  func expectCleanEnd(
    code: String?,
    message: String?,
    keepsStream: Bool = false,
    on connection: KitConnection
  ) throws {
    let end = try waitForEnd(connection, "the end of the stream after both CLOSEs", readsFrames: true)
    guard end == .end else {
      throw CaseFailure(clause: "F-3.a", expected: "the end of the stream after both CLOSEs", got: "a reset")
    }
    try expectNothingLeft(connection, after: "both CLOSEs")
    if !keepsStream { closeKitSide(connection) }
    try expectClosed(connection, reason: "clean", code: code, message: message)
  }

  // MARK: After the last word

  /// The testee reads on: it takes what the kit still writes.
  func expectDiscards(_ byteCount: Int, on connection: KitConnection) throws {
    let what = "the testee reads on, and takes \(byteCount) bytes"
    connection.stream.send([UInt8](repeating: 0, count: byteCount))
    try wait(for: what) { connection.stream.isFlushed ? true : nil }
    guard !connection.stream.hasOutputFailed, connection.stream.isOpen else {
      throw CaseFailure(clause: "F-3.b", expected: what, got: "a stream that takes no more: the testee has closed it")
    }
  }

  /// The testee closes the stream although the kit's half has not ended: the kit cannot write any more.
  func expectClosesStream(_ connection: KitConnection) throws {
    needsSurvivalProof = true
    let limit = limit(currentStep)
    let deadline = clock.now + limit
    while true {
      // Before the time is looked at: only writing shows that the stream is closed.
      connection.stream.send([0])
      if connection.stream.hasOutputFailed { break }
      guard clock.now < deadline else {
        throw TimedOut(waitedFor: "the testee to close the stream", limit: limit)
      }
      try clock.serve(for: .milliseconds(20))
      if let failure = failedTestee?.failure { throw failure }
    }
    connection.stream.close()
  }

  /// The testee reports the end of an open connection, once and with this reason.
  func expectClosed(
    _ connection: KitConnection,
    reason: String,
    code: String? = nil,
    message: String? = nil
  ) throws {
    guard connection.wasOpened else { return }
    let pattern = EventPattern(
      name: "closed",
      payload: nil,
      payloadBytes: nil,
      reasons: [reason],
      codes: code.map { [$0] },
      message: message,
      user: nil,
      isOfAnyConnection: false
    )
    try expectEvent(pattern, on: connection.name)
  }
}
