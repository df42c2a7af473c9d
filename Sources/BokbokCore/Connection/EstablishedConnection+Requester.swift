import NIOCore

/// Own requests and their answers (section 6).
extension EstablishedConnection {
  mutating func request(_ value: Value) -> RequestAdmission {
    guard let peerSettings, closing.takesRequests, writeFailedDeadline == nil else { return .failed(.closing) }
    let byteCount: Int
    do throws(ValueEncodingError) {
      byteCount = try value.encodedByteCount()
    } catch {
      return .failed(.malformed("\(error)"))  // E-4
    }
    let byteCountMax = Int(peerSettings.messageBytesMax)
    guard byteCount <= byteCountMax else {
      return .failed(.tooLarge(byteCount: byteCount, byteCountMax: byteCountMax))
    }
    if own.hasPlace(requestsMax: peerSettings.requestsMax), byteCount <= output.bodyByteCountMax {
      let id = own.begin(isLong: false)
      output.append(.request, exchange: id, value: value, bodyByteCount: byteCount)
      return .accepted(id)
    }
    let id = own.wait(with: EncodedMessage(value, byteCount: byteCount))
    beginWaiting()
    return .accepted(id)
  }

  /// free places go to those that have waited longest.
  private mutating func beginWaiting() {
    guard own.hasWaiting, let peerSettings else { return }
    while let (id, message) = own.beginWaiting(
      requestsMax: peerSettings.requestsMax,
      singleByteCountMax: output.bodyByteCountMax
    ) {
      if message.byteCount <= output.bodyByteCountMax {
        output.append(.request, exchange: id, body: message.joined())
      } else {
        output.appendLong(.request, exchange: id, message: message)
      }
    }
  }

  /// the caller has been told; the place stays taken until the answer where something has been sent.
  mutating func cancel(_ id: ExchangeID) -> Bool {
    guard let phase = own[id]?.phase, own[id]?.isAbandoned == false else { return false }
    switch phase {
    case .waitingForPlace:
      own.remove(id)
    case .sending:
      switch output.removeLong(.request, exchange: id) {
      case .waiting, .notFound:
        freePlace(of: id)
      case .begun:
        sendCancel(id)
      }
      sendCloseWhenDue()
    case .sent:
      sendCancel(id)
    }
    return true
  }

  private mutating func sendCancel(_ id: ExchangeID) {
    // What has come of the answer is dropped, and what still comes is not held.
    partialByteCount -= own.responseByteCountHeld(of: id)
    own.becameCancelled(id)
    output.append(.cancel, exchange: id, body: ByteBuffer())
  }

  private mutating func freePlace(of id: ExchangeID) {
    own.remove(id)
    beginWaiting()
  }

  mutating func takeResponse(_ frame: Frame) throws(Violation) -> ConnectionAction? {
    let id = frame.exchange
    if !frame.hasMore, let isAbandoned = own.takeUnanswered(id) {
      try checkSize(frame.body.readableBytes)
      beginWaiting()
      return isAbandoned ? nil : Self.answered(id, frame.body)
    }
    try requireAnswerable(frame)
    try checkSize((own[id]?.responseByteCount ?? 0) + frame.body.readableBytes)
    if frame.hasMore {
      try addPartial(own.appendResponse(frame.body, to: id))
      return nil
    }
    partialByteCount -= own.responseByteCountHeld(of: id)
    let isAbandoned = own[id]?.isAbandoned ?? true
    let message = own.takeResponse(of: id, last: frame.body)
    freePlace(of: id)
    return isAbandoned ? nil : Self.answered(id, message)
  }

  private static func answered(_ id: ExchangeID, _ message: ByteBuffer) -> ConnectionAction {
    do throws(ValueDecodingError) {
      return .answered(id, try Value(decoding: message))
    } catch {
      return .failed(id, .malformed("the answer is not a value: \(error)"))  // E-2
    }
  }

  mutating func takeError(_ frame: Frame) throws(Violation) -> ConnectionAction? {
    try requireAnswerable(frame)
    partialByteCount -= own.responseByteCountHeld(of: frame.exchange)
    let isAbandoned = own[frame.exchange]?.isAbandoned ?? true
    freePlace(of: frame.exchange)
    guard !isAbandoned else { return nil }
    guard let error = CodedMessage(decoding: frame.body, allowsDetails: true) else {
      return .failed(frame.exchange, .malformed("the ERROR is not (code message detail …)"))  // E-2
    }
    return .failed(frame.exchange, .remote(code: error.code, message: error.message, details: error.details))
  }

  /// an answer needs a request that is under way and has been sent whole or cancelled.
  private func requireAnswerable(_ frame: Frame) throws(Violation) {
    switch own.phase(of: frame.exchange) {
    case .sent:
      return
    case .sending:
      throw Violation(
        "X-3",
        "a \(frame.kind.name) for exchange \(frame.exchange), whose request is neither whole nor cancelled"
      )
    case .none:
      throw Violation("X-3", "a \(frame.kind.name) for exchange \(frame.exchange), which is not under way")
    }
  }

  /// no message is longer than this side's `max-message`.
  func checkSize(_ byteCount: Int) throws(Violation) {
    let byteCountMax = Int(configuration.settings.messageBytesMax)
    guard byteCount <= byteCountMax else {
      throw Violation("X-5", "a message of over \(byteCountMax) bytes")
    }
  }

  /// unfinished messages together do not exceed this side's `max-partial`.
  mutating func addPartial(_ byteCount: Int) throws(Violation) {
    partialByteCount += byteCount
    guard partialByteCount <= Int(configuration.settings.partialBytesMax) else {
      throw Violation("X-10", "unfinished messages of over \(configuration.settings.partialBytesMax) bytes")
    }
  }
}
