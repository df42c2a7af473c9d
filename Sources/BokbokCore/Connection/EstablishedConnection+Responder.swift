import NIOCore

/// The peer's requests and this side's answers (section 6).
extension EstablishedConnection {
  mutating func takeRequest(_ frame: Frame) throws(Violation) -> ConnectionAction? {
    let id = frame.exchange
    if peer.contains(id) {
      guard let partial = peer.partialByteCount(of: id) else {
        throw Violation("X-3", "a REQUEST for exchange \(id), whose request is already whole")
      }
      try checkSize(partial + frame.body.readableBytes)
      if frame.hasMore {
        peer.append(frame.body, to: id)
        try addPartial(frame.body.readableBytes)
        return nil
      }
      partialByteCount -= partial
      return takeWhole(id, message: peer.takePartial(id, last: frame.body))
    }
    guard closing.peer == nil else {
      throw Violation("C-1", "a new REQUEST after CLOSE")
    }
    guard peer.count < Int(configuration.settings.requestsMax) else {
      throw Violation("X-6", "more than \(configuration.settings.requestsMax) requests under way")
    }
    try checkSize(frame.body.readableBytes)
    if frame.hasMore {
      peer.receive(id, fragment: frame.body)
      try addPartial(frame.body.readableBytes)
      return nil
    }
    return takeWhole(id, message: frame.body)
  }

  private mutating func takeWhole(_ id: ExchangeID, message: ByteBuffer) -> ConnectionAction? {
    // C-3: not processed, even if it is malformed.
    guard !closing.isTooLate else {
      answer(id, .closing, "the connection is closing", as: .protocolAnswer)
      return nil
    }
    let value: Value
    do throws(ValueDecodingError) {
      value = try Value(decoding: message)
    } catch {
      answer(id, .malformed, "the request is not a value: \(error)", as: .protocolAnswer)  // E-2
      return nil
    }
    let byteCount = message.readableBytes
    guard peer.heldByteCount == 0 || peer.heldByteCount + byteCount <= configuration.heldRequestBytesMax else {
      answer(id, .overloaded, "too many requests are held in memory", as: .protocolAnswer)
      return nil
    }
    guard mayHandle, !peer.hasHeld else {
      peer.hold(id, message: message)
      return nil
    }
    peer.handle(id, byteCount: byteCount)
    return .handle(id, value)
  }

  /// P-5, C-9: whether a request may be handed to the handler now.
  private var mayHandle: Bool {
    isLetIn && !output.answersExceed(configuration.answerBytesWaitingMax)
  }

  mutating func nextForHandler() -> (ExchangeID, Value)? {
    guard peer.hasHeld, mayHandle, let (id, message) = peer.handleNextHeld() else { return nil }
    // It was decoded before it was held, so that this one succeeds too.
    return (try? Value(decoding: message)).map { (id, $0) }
  }

  ///
  mutating func takeCancel(_ id: ExchangeID) -> ConnectionAction? {
    guard let exchange = peer[id] else { return nil }
    switch exchange.phase {
    case .receiving:
      partialByteCount -= peer.partialByteCount(of: id) ?? 0
      answer(id, .cancelled, "cancelled before it was whole", as: .protocolAnswer)
      return nil
    case .held:
      answer(id, .cancelled, "cancelled before it was handled", as: .protocolAnswer)
      return nil
    case .handling:
      guard !exchange.isCancelled else { return nil }
      peer[id]?.isCancelled = true
      return .cancelHandler(id)
    case .answering:
      if case .notFound = output.removeLong(.response, exchange: id) { return nil }
      answer(id, .cancelled, "cancelled while the answer was being sent", as: .answer)
      return nil
    }
  }

  /// The one answer of a handler.
  mutating func respond(to id: ExchangeID, with result: HandlerAnswer) {
    guard let peerSettings, let exchange = peer.takeHandled(id) else { return }
    if exchange.isCancelled {
      answer(id, .cancelled, "cancelled", as: .answer)  // only now that the handler has ended
      return
    }
    switch result {
    case .value(let value):
      let byteCount: Int
      do throws(ValueEncodingError) {
        byteCount = try value.encodedByteCount()
      } catch {
        answer(id, .handlerFailed, "the answer cannot be sent: \(error)", as: .answer)  // E-4
        return
      }
      guard byteCount <= Int(peerSettings.messageBytesMax) else {
        answer(
          id,
          .tooLarge,
          "the answer has \(byteCount) bytes, and the requester takes \(peerSettings.messageBytesMax)",
          as: .answer
        )
        return
      }
      if byteCount <= output.bodyByteCountMax {
        output.append(.response, exchange: id, value: value, bodyByteCount: byteCount, as: .answer)
      } else {
        peer.beginAnswering(id)
        output.appendLong(.response, exchange: id, message: EncodedMessage(value, byteCount: byteCount))
      }
    case .error(let code, let message, let details):
      let error = CodedMessage(code: code, message: message, details: details)
      send(error.asApplicationError(), for: id, as: .answer)
    case .failed(let message):
      answer(id, .handlerFailed, message, as: .answer)
    }
  }

  /// Answers with an ERROR of the protocol layer.
  mutating func answer(
    _ id: ExchangeID,
    _ code: CodedMessage.Reserved,
    _ message: String,
    as frameClass: OutputQueue.FrameClass
  ) {
    send(CodedMessage(code: code.rawValue, message: message), for: id, as: frameClass)
  }

  private mutating func send(_ error: CodedMessage, for id: ExchangeID, as frameClass: OutputQueue.FrameClass) {
    peer.remove(id)
    output.append(
      .error,
      exchange: id,
      body: error.encoded(byteCountMax: output.bodyByteCountMax),
      as: frameClass
    )
  }
}
