internal import BokbokCore

/// The transcript of a recorded connection, made by playing it again.
struct PromotedSession {
  let conforming: [SideRole]
  private var steps: [JSON] = []
  private var plans: [SideRole: SidePlan] = [:]
  private var machines: [SideRole: MachineSide] = [:]
  private var readers: [SideRole: TranscriptReader] = [:]
  private let sides: RecordedSides
  /// How many of the recorded bytes each played side has sent.
  private var sentCounts: [SideRole: Int] = [:]
  /// How many of the recorded bytes have passed.
  private var passedCounts: [SideRole: Int] = [:]
  private var ended: Set<SideRole> = []

  /// - Throws: where the library, in the place of a side that conforms, would not do what was recorded.
  init(_ sides: RecordedSides, conforming: [SideRole]) throws(VectorMismatch) {
    self.conforming = conforming
    self.sides = sides
    for role in SideRole.allCases {
      let plan = try sides.plan(role)
      plans[role] = plan
      readers[role] = TranscriptReader(role: role, isSealed: sides.isSealed, handshake: sides.secrets?.handshake)
      guard conforming.contains(role) else { continue }
      machines[role] = try MachineSide(plan, place: role.rawValue)
    }
    for role in SideRole.allCases {
      if let machine = machines[role] { try take(machine.start(), from: role) }
    }
    for happening in sides.happenings {
      switch happening {
      case .bytes(let role, let bytes): try pass(bytes, from: role)
      case .ends(let role, _): try end(role)
      case .opens, .unreachable, .content, .secret, .remark: break
      }
    }
    try checkEnd()
  }

  func members(_ description: SessionPromotion.Description) throws(SessionPromotion.Failure) -> JSON.Object {
    let error = try error(description.brokenClause)
    var clauses = description.clauses
    if let error, !clauses.contains(error.clause) { clauses.append(error.clause) }
    var object = JSON.Object()
    object["id"] = .string(description.id)
    object["comment"] = .string(description.comment)
    object["clauses"] = .array(clauses.map { .string($0) })
    object["result"] = error == nil ? "valid" : "invalid"
    if let error { object["error"] = ["clause": .string(error.clause), "outcome": .string(error.outcome)] }
    object["origin"] = "recorded"
    object["source"] = .string(description.source)
    object["mode"] = sides.isSealed ? "sealed" : "plain"
    for role in SideRole.allCases { object[role.rawValue] = plans[role]?.json ?? [:] }
    object["conforming"] = .array(conforming.map { .string($0.rawValue) })
    object["steps"] = .array(steps)
    return object
  }

  /// What is wrong with a session that does not end cleanly.
  private func error(_ brokenClause: String?) throws(SessionPromotion.Failure) -> Vector.Failure? {
    let outcomes = conforming.compactMap { machines[$0]?.ending.map { SideReport.outcome(of: $0) } }
    guard let outcome = outcomes.first(where: { !Self.harmlessOutcomes.contains($0) }) else {
      guard outcomes.contains("clean") else {
        throw .init(description: "only the side that gave the connection up can be replayed, which shows nothing")
      }
      return nil
    }
    let clause = brokenClause ?? Self.usualClauses[outcome] ?? sides.brokenClauses.values.sorted().first
    guard let clause else {
      throw .init(description: "the connection ends as \(outcome): say which clause was broken with --broken-clause")
    }
    return Vector.Failure(clause: clause, outcome: outcome)
  }

  /// What one's own doing leads to, and what nothing is wrong with.
  private static let harmlessOutcomes: Set<String> = ["clean", "aborted"]
  private static let knownOutcomes: Set<String> = ["clean", "aborted", "violation", "tampered", "lost"]
  private static let usualClauses = ["lost": "C-6.a", "tampered": "R-3.a"]

  // MARK: What passes

  private mutating func pass(_ bytes: [UInt8], from role: SideRole) throws(VectorMismatch) {
    passedCounts[role, default: 0] += bytes.count
    if let machine = machines[role] {
      // What the side did not send by itself, its application asked for.
      while sentCounts[role, default: 0] < passedCounts[role, default: 0] {
        let before = sentCounts[role, default: 0]
        try perform(try nextCall(of: role), by: role, machine)
        guard sentCounts[role, default: 0] > before else {
          throw VectorMismatch(place: "\(role), byte \(before)", message: "nothing that an application does sends this")
        }
      }
    } else {
      let parts = readers[role]?.parts(of: bytes) ?? []
      steps.append(SideOutput.sends(bytes).step(role, parts: parts))
    }
    guard let other = machines[role.other], !other.isClosed else { return }
    steps.append(["side": .string(role.other.rawValue), "receives": .integer(bytes.count)])
    try take(other.receive(bytes), from: role.other)
  }

  private mutating func end(_ role: SideRole) throws(VectorMismatch) {
    if let machine = machines[role] {
      if !ended.contains(role), !machine.isClosed { try perform(.abort, by: role, machine) }
    } else {
      steps.append(SideOutput.endsSending.step(role, parts: []))
    }
    guard let other = machines[role.other], !other.hasSeenEnd else { return }
    steps.append(["side": .string(role.other.rawValue), "receivesEnd": true])
    try take(other.receiveEnd(), from: role.other)
  }

  private mutating func perform(_ call: SideCall, by role: SideRole, _ machine: MachineSide) throws(VectorMismatch) {
    let (outcome, outputs) = machine.perform(call)
    steps.append(["side": .string(role.rawValue), "does": call.json.merging(outcome.json)])
    try take(outputs, from: role)
  }

  private mutating func take(_ outputs: [SideOutput], from role: SideRole) throws(VectorMismatch) {
    for output in outputs {
      var parts: [JSON] = []
      switch output {
      case .sends(let bytes):
        let start = sentCounts[role, default: 0]
        let expected = (sides.bytes[role] ?? []).dropFirst(start).prefix(bytes.count)
        try VectorMismatch.compare(expected: Array(expected), got: bytes, place: "\(role), from byte \(start)")
        sentCounts[role] = start + bytes.count
        parts = readers[role]?.parts(of: bytes) ?? []
      case .endsSending, .closesStream: ended.insert(role)
      case .reports: break
      }
      steps.append(output.step(role, parts: parts))
    }
  }

  private func checkEnd() throws(VectorMismatch) {
    for role in conforming {
      let (sent, passed) = (sentCounts[role, default: 0], passedCounts[role, default: 0])
      guard sent == passed else {
        throw VectorMismatch(
          place: "\(role), byte \(passed)",
          message: "\(sent - passed) bytes more than were recorded"
        )
      }
      guard let ending = machines[role]?.ending else {
        throw VectorMismatch(place: role.rawValue, message: "the connection was not recorded to its end")
      }
      let outcome = SideReport.outcome(of: ending)
      guard Self.knownOutcomes.contains(outcome) else {
        throw VectorMismatch(place: role.rawValue, message: "no session vector ends as \(outcome)")
      }
    }
  }

  // MARK: What the application did

  private func nextCall(of role: SideRole) throws(VectorMismatch) -> SideCall {
    var offset = sentCounts[role, default: 0]
    let place = "\(role), byte \(offset)"
    guard let frames = try sides.frames(of: role, at: &offset), let frame = frames.first else {
      throw VectorMismatch(place: place, message: "the record is not all there")
    }
    do {
      switch frame.knownKind {
      case .request: return .request(try message(beginningWith: frame, of: role, after: offset, place: place))
      case .response:
        return .respond(frame.id, .value(try message(beginningWith: frame, of: role, after: offset, place: place)))
      case .error:
        let body = try WireErrorBody(frame.body, takesDetails: true, clause: "E-1.a")
        let text = String(decoding: body.message, as: UTF8.self)
        guard body.code != "handler-failed" else { return .respond(frame.id, .failed(message: text)) }
        return .respond(frame.id, .error(code: body.code, message: text, details: body.details))
      case .cancel: return .cancel(frame.id)
      case .ping: return .ping(frame.body.reduce(0) { $0 << 8 | PingToken($1) })
      case .close:
        let body = try WireErrorBody(frame.body, takesDetails: false, clause: "C-1.a")
        return .close(code: body.code, message: String(decoding: body.message, as: UTF8.self))
      case .settings, .pong, nil:
        throw VectorMismatch(place: place, message: "the library sends no \(frame.kindName) here")
      }
    } catch let fault as WireFault {
      throw VectorMismatch(place: place, message: fault.message)
    } catch let mismatch as VectorMismatch {
      throw mismatch
    } catch {
      throw VectorMismatch(place: place, message: "\(error)")
    }
  }

  /// The value of a message, of which the first fragment is given.
  private func message(
    beginningWith first: WireFrame,
    of role: SideRole,
    after start: Int,
    place: String
  ) throws(VectorMismatch) -> Value {
    var offset = start
    var body = first.body
    var hasMore = first.hasMore
    while hasMore {
      guard let frames = try sides.frames(of: role, at: &offset) else {
        throw VectorMismatch(place: place, message: "\(first.kindName) \(first.id) is not all there")
      }
      for frame in frames where frame.kind == first.kind && frame.id == first.id && hasMore {
        body += frame.body
        hasMore = frame.hasMore
      }
    }
    do {
      return try WireValues.decode(body)
    } catch {
      throw VectorMismatch(place: place, message: "\(first.kindName) \(first.id) holds no value: \(error)")
    }
  }
}
