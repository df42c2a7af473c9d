import NIOCore

/// CLOSE and the clean end (C-1 to C-9).
extension EstablishedConnection {
  /// C-1: this side asks for the end.
  mutating func close(code: String, message: String, now: NIODeadline) {
    self.now = now
    closing.ask(
      Closing.Word(code: code, message: message),
      drainDeadline: now + configuration.drainTimeout
    )
    for id in own.removeWaiting() { actions.append(.failed(id, .closing)) }
    sendCloseWhenDue()
  }

  /// C-9: the open handler does not let the connection in.
  mutating func turnDown(code: String, message: String, now: NIODeadline) {
    closing.turnedDownCode = code
    for id in peer.removeHeld() {
      answer(id, .closing, "the connection was turned down", as: .protocolAnswer)
    }
    close(code: code, message: message, now: now)
  }

  /// C-1: requests that had begun or had a place go out before the CLOSE.
  mutating func sendCloseWhenDue() {
    guard case .requested(let word) = closing.own, closing.peer == nil, own.sendingCount == 0 else { return }
    sendClose(word)
  }

  private mutating func sendClose(_ word: Closing.Word) {
    output.append(.close, body: word.coded.encoded(byteCountMax: output.bodyByteCountMax))
    closing.sent(word)
  }

  mutating func takeClose(_ frame: Frame) throws(Violation) -> Step? {
    guard let coded = CodedMessage(decoding: frame.body, allowsDetails: false) else {
      throw Violation("E-2", "the CLOSE is not (code message)")
    }
    // C-7, C-1: this one may follow another.
    if coded.code == Closing.protocolErrorCode {
      let (requirement, message) = Self.splitRequirement(coded.message)
      return .end(.atOnce(.violation(side: .remote, requirement: requirement, message: message)))
    }
    guard closing.peer == nil else { throw Violation("C-1", "a second CLOSE") }
    closing.received(Closing.Word(code: coded.code, message: coded.message))

    // C-2: what has not been sent whole is not processed; the caller may send it elsewhere.
    for id in own.removeWaiting() { actions.append(.failed(id, .closing)) }
    for id in own.sendingIDs {
      actions.append(.failed(id, .closing))
      _ = cancel(id)
    }
    if !closing.hasSent {
      sendClose(Closing.Word(code: Closing.normalCode, message: ""))
    }
    return .action(.closeReceived(code: coded.code, message: coded.message))
  }

  /// The requirement that this implementation puts at the start of the message of a `protocol-error`; other
  /// implementations need not.
  private static func splitRequirement(_ message: String) -> (requirement: String, message: String) {
    let parts = message.split(separator: ": ", maxSplits: 1)
    guard parts.count == 2, parts[0].utf8.count <= 6, parts[0].utf8.dropFirst().first == UInt8(ascii: "-") else {
      return ("", message)
    }
    return (String(parts[0]), String(parts[1]))
  }

  /// C-4: both have said CLOSE, and nothing is under way.
  var isDone: Bool {
    closing.isComplete && own.underWayCount == 0 && peer.count == 0
  }

  /// C-4, C-6: nothing is left to be sent but this side's own CLOSE, which may still be in the output.
  var isCleanEnd: Bool {
    isDone && !output.hasAnswersWaiting && !answersAreLost
  }

  /// When to see whether the answers that are left still go out; a peer that reads none of them is given up (F-3).
  var lastWordDeadline: NIODeadline? {
    isDone ? progress.deadline : nil
  }

  /// What is reported with C-4.
  var cleanEnding: ConnectionEnding {
    let word = closing.reported
    return .clean(code: word.code, message: word.message)
  }

  var ending: ConnectionEnding {
    closing.turnedDownCode.map { .turnedDown(code: $0) } ?? cleanEnding
  }
}
