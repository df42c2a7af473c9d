extension CasePlayer {
  /// Plays one step that is not a repetition.
  func play(_ step: Step) throws {
    switch step.action {
    case .connect(let connectStep): try connect(connectStep)
    case .opening(let until, let opening): try open(connection(step.connection), until: until, opening)
    case .send(let frames): try send(frames, step)
    case .sendMessage(let message): try sendMessage(message, step)
    case .sendRecord(let record): try sendRecord(record, step)
    case .sendBytes(let template):
      try write(template.build(in: self), to: connection(step.connection), pieces: step.pieces)
    case .stream(let streamAct): try act(streamAct, on: connection(step.connection))
    case .command(let commandStep): try command(commandStep, on: step.connection)
    case .reply(let reply): try expectReply(reply)
    case .event(let pattern): try expectEvent(pattern, on: step.connection)
    case .noEvent(let pattern): try expectNoEvent(pattern, on: step.connection)
    case .noConnection: try expectNoConnection()
    case .goodConnection: try playGoodConnection()
    case .relay(let relayStep): try play(relayStep, on: step.connection)
    case .repeat(let repetition): try play(repetition, of: step)
    default: try playExpectation(step)
    }
  }

  private func playExpectation(_ step: Step) throws {
    let connection = try connection(step.connection)
    switch step.action {
    case .expect(let patterns): try expect(patterns, on: connection)
    case .expectAnyOrder(let patterns):
      try expect(Self.shown(step), on: connection) { try $0.matchAnyOrder(patterns, $1) }
    case .expectOneOf(let sequences):
      try expect(Self.shown(step), on: connection) { try $0.matchOneOf(sequences, $1) }
    case .expectOvertaking(let pattern, let overtaken):
      try expect(Self.shown(step), on: connection) { try $0.matchOvertaking(pattern, overtaken, $1) }
    case .expectBytes(let template): try expectBytes(template, on: connection)
    case .expectRecord(let byteCount): try expectRecord(byteCount: byteCount, on: connection)
    case .refusal(let refusal): try expectRefusal(refusal, on: connection)
    case .violation(let ending): try expectViolation(ending, on: connection)
    case .tampering(let ending): try expectTampering(ending, on: connection)
    case .end(let allowed): try expectEnd(allowed, on: connection)
    case .silence(let duration): try expectSilence(duration, on: connection)
    case .fence: try fence(connection)
    case .roundTrip(let notation, let id):
      try roundTrip(notation, id: id?.number(in: self), on: connection)
    case .close(let close): try self.close(close, on: connection)
    case .cleanEnd(let code, let message, let keepsStream):
      try expectCleanEnd(code: code, message: message, keepsStream: keepsStream, on: connection)
    case .discards(let byteCount): try expectDiscards(byteCount, on: connection)
    case .closesStream: try expectClosesStream(connection)
    default: throw CaseDataProblem(description: "a step without an expectation: \(Self.shown(step))")
    }
  }

  private static func shown(_ step: Step) -> String { step.source.encodedText }

  private func act(_ act: Step.StreamAct, on connection: KitConnection) throws {
    let stream = connection.stream
    switch act {
    case .halfClose:
      stream.shutDownOutput()
      try wait(for: "the stream to take what was sent") { stream.isFlushed ? true : nil }
    case .reset:
      needsSurvivalProof = true
      stream.reset()
    case .close:
      needsSurvivalProof = true
      // What was sent has to be on its way: byte by byte it may not fit at once.
      try wait(for: "the stream to take what was sent") { stream.isFlushed ? true : nil }
      stream.close()
    case .pauseReading: stream.isReadingPaused = true
    case .awaitInput:
      guard stream.isReadingPaused else {
        throw CaseDataProblem(description: "awaitInput waits for input that is not read: pauseReading goes before it")
      }
      stream.watchesUnreadInput = true
      try wait(for: "the testee to send something") { stream.watchesUnreadInput ? nil : true }
    case .resumeReading: stream.isReadingPaused = false
    case .hold: stream.isHeld = true
    case .release: stream.isHeld = false
    }
  }

  private func expectNoConnection() throws {
    // Whoever connects has connected before the testee answers another command.
    _ = try success(of: give("hello", to: currentTestee()))
    try clock.serve(for: .milliseconds(1))
    guard !meeting.hasWaitingStream else {
      throw CaseFailure(expected: "no other connection of the testee", got: "one")
    }
  }
}
