/// Watches everything that a testee sends on one connection, in every case, and finds what no case has to ask for: frames
/// that break a rule by themselves or by what went before.
///
/// It knows what the kit sent. Where the kit breaks rules itself, as cases do, it judges only what still holds.
struct PeerAudit {
  private enum Progress: Equatable {
    /// Some fragments have come, so many bytes.
    case begun(byteCount: Int)
    /// Cancelled before it was whole.
    case cancelled
    case whole
  }

  /// What the kit takes, as it announced it.
  var ownSettings = WireSettings()

  private var hasSettings = false
  private var hasClosed = false
  private var hasEnded = false
  /// Requests of the testee that the kit has not answered.
  private var theirRequests: [UInt32: Progress] = [:]
  /// Requests of the kit that the testee has not answered.
  private var ourRequests: [UInt32: Progress] = [:]
  /// Bytes of responses that have come in part.
  private var partialResponses: [UInt32: Int] = [:]

  /// Requests of the kit that have no answer yet.
  var unansweredIDs: [UInt32] { ourRequests.keys.sorted() }

  // MARK: What the kit sends

  mutating func noteSent(_ frame: WireFrame) {
    guard frame.id != 0 else { return }
    switch frame.knownKind {
    case .request:
      switch ourRequests[frame.id] {
      case nil, .begun: ourRequests[frame.id] = frame.hasMore ? .begun(byteCount: 0) : .whole
      case .cancelled, .whole: break
      }
    case .cancel:
      if case .begun? = ourRequests[frame.id] { ourRequests[frame.id] = .cancelled }
    case .response where !frame.hasMore, .error:
      theirRequests[frame.id] = nil
    default:
      break
    }
  }

  // MARK: What the testee sends

  /// Throws the rule that the frame breaks.
  mutating func noteReceived(_ frame: WireFrame) throws(WireFault) {
    if let fault = frame.fault { throw Self.sendersFault(fault) }
    guard !hasEnded else {
      throw WireFault(clause: "F-2.a", message: "\(frame.kindName) after CLOSE protocol-error, which is the last frame")
    }
    if !hasSettings {
      guard frame.knownKind == .settings else {
        throw WireFault(clause: "S-1.a", message: "the first frame is \(frame.kindName), not SETTINGS")
      }
      hasSettings = true
      do {
        _ = try WireSettings(body: frame.body)
      } catch {
        throw WireFault(clause: "S-2.a", message: error.message)
      }
      if let name = WireSettings.undefinedName(in: frame.body) {
        throw WireFault(clause: "S-4.b", message: "the setting \(name), which no one has defined")
      }
      return
    }
    switch frame.knownKind {
    case .settings: throw WireFault(clause: "S-1.b", message: "a second SETTINGS")
    case .request: try noteRequest(frame)
    case .response: try noteResponse(frame)
    case .error: try noteError(frame)
    case .cancel: noteCancel(frame)
    case .close: try noteClose(frame)
    case .ping, .pong, nil: break
    }
  }

  /// The clause for senders that stands beside one for receivers.
  private static func sendersFault(_ fault: WireFault) -> WireFault {
    let clause =
      switch fault.clause {
      case "F-1.f", "F-1.i", "F-1.j", "F-1.k", "F-1.l": "F-1.a"
      case "F-1.g", "F-1.h": "F-1.b"
      default: fault.clause
      }
    return WireFault(clause: clause, message: fault.message)
  }

  private mutating func noteRequest(_ frame: WireFrame) throws(WireFault) {
    let byteCount: Int
    switch theirRequests[frame.id] {
    case nil:
      guard !hasClosed else { throw WireFault(clause: "C-1.f", message: "a new REQUEST \(frame.id) after CLOSE") }
      guard theirRequests.count < ownSettings.requestCountMax else {
        let count = theirRequests.count
        throw WireFault(clause: "X-6.b", message: "REQUEST \(frame.id), while \(count) exchanges are under way")
      }
      byteCount = frame.body.count
    case .begun(let before)?:
      byteCount = before + frame.body.count
    case .cancelled?:
      throw WireFault(clause: "X-7.h", message: "REQUEST \(frame.id) after its CANCEL, before the answer")
    case .whole?:
      throw WireFault(clause: "X-1.a", message: "REQUEST \(frame.id), whose id is under way")
    }
    try checkLength(byteCount, of: frame, clause: "X-5.b")
    theirRequests[frame.id] = frame.hasMore ? .begun(byteCount: byteCount) : .whole
    try checkPartialBytes()
  }

  private mutating func noteResponse(_ frame: WireFrame) throws(WireFault) {
    try checkUnderWay(frame)
    let byteCount = (partialResponses[frame.id] ?? 0) + frame.body.count
    try checkLength(byteCount, of: frame, clause: "X-5.c")
    if frame.hasMore {
      partialResponses[frame.id] = byteCount
      try checkPartialBytes()
    } else {
      endExchange(frame.id)
    }
  }

  private mutating func noteError(_ frame: WireFrame) throws(WireFault) {
    try checkUnderWay(frame)
    _ = try WireErrorBody(frame.body, takesDetails: true, clause: "E-1.a")
    endExchange(frame.id)
  }

  private mutating func endExchange(_ id: UInt32) {
    partialResponses[id] = nil
    ourRequests[id] = nil
  }

  private func checkUnderWay(_ frame: WireFrame) throws(WireFault) {
    switch ourRequests[frame.id] {
    case nil:
      throw WireFault(
        clause: "X-2.b",
        message: "\(frame.kindName) \(frame.id), which is not under way: a second answer?"
      )
    case .begun?:
      throw WireFault(clause: "X-3.d", message: "\(frame.kindName) \(frame.id) for a request that is not whole")
    case .cancelled?, .whole?:
      break
    }
  }

  private mutating func noteCancel(_ frame: WireFrame) {
    if case .begun? = theirRequests[frame.id] { theirRequests[frame.id] = .cancelled }
  }

  private mutating func noteClose(_ frame: WireFrame) throws(WireFault) {
    let body = try WireErrorBody(frame.body, takesDetails: false, clause: "C-1.a")
    if body.code == "protocol-error" {
      hasEnded = true
    } else if hasClosed {
      throw WireFault(clause: "C-1.c", message: "a second CLOSE")
    }
    hasClosed = true
  }

  private func checkLength(_ byteCount: Int, of frame: WireFrame, clause: String) throws(WireFault) {
    guard byteCount > ownSettings.messageByteCountMax else { return }
    let limit = ownSettings.messageByteCountMax
    throw WireFault(
      clause: clause,
      message: "\(frame.kindName) \(frame.id) of \(byteCount) bytes, the limit is \(limit)"
    )
  }

  private func checkPartialBytes() throws(WireFault) {
    let requestBytes = theirRequests.values.map { if case .begun(let count) = $0 { count } else { 0 } }
    let byteCount = requestBytes.reduce(0, +) + partialResponses.values.reduce(0, +)
    guard byteCount > ownSettings.partialByteCountMax else { return }
    let limit = ownSettings.partialByteCountMax
    throw WireFault(clause: "X-10.a", message: "\(byteCount) bytes of unfinished messages, the limit is \(limit)")
  }
}
