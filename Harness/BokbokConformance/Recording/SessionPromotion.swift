internal import BokbokCore
internal import NIOCore

/// Makes a session vector of a recorded plain connection.
///
/// What the applications called is told from the frames that they sent; then the library plays each side, and has to send
/// what was recorded, byte for byte. A side of which it would send something else that is as right, such as frames in
/// other records, is not listed as conforming: it can then not be replayed, but the other side against it.
package struct SessionPromotion {
  /// What the recording does not tell.
  package struct Description: Sendable {
    var id: String
    var comment: String
    var clauses: [String]
    var source: String

    /// - Parameters:
    ///   - id: the new vector's id, which begins with `sessions/`.
    ///   - comment: what it shows, for people.
    ///   - clauses: the clauses of the specification that it shows.
    ///   - source: between which implementations it was recorded.
    package init(id: String, comment: String, clauses: [String], source: String) {
      self.id = id
      self.comment = comment
      self.clauses = clauses
      self.source = source
    }
  }

  /// Why a recording does not become a vector.
  package struct Failure: Error, CustomStringConvertible {
    /// What is in the way, for people.
    package let description: String
  }

  /// The text of a file that holds the vector, after those of `existing`.
  package let text: String
  /// The sides that the library replays byte for byte.
  package let conforming: [String]
  /// Why a side is not among them.
  package let remarks: [String]

  /// Makes the vector, and replays it.
  ///
  /// - Parameters:
  ///   - recording: the recording.
  ///   - connection: which of its connections.
  ///   - description: what the recording does not tell.
  ///   - existing: a file of session vectors to which the new one is added; nil makes a new file.
  /// - Throws: ``Failure`` if the connection is sealed, was not recorded to its end, breaks a rule, or is played by the
  ///   library otherwise on both sides; `DataError` if the file or the description does not fit the format.
  package init(
    _ recording: Recording,
    connection: Int,
    description: Description,
    addingTo existing: (name: String, bytes: [UInt8])? = nil
  ) throws {
    guard recording.connections.contains(connection) else {
      let known = recording.connections.map(String.init).joined(separator: ", ")
      throw Failure(description: "the recording has no connection \(connection), but \(known.isEmpty ? "none" : known)")
    }
    try Self.requirePlain(recording, connection)
    var remarks: [String] = []
    var made: PromotedSession?
    for roles in [[SideRole.client, .server], [.server], [.client]] {
      do throws(VectorMismatch) {
        made = try PromotedSession(recording, connection: connection, conforming: roles)
        break
      } catch {
        remarks.append("\(roles.map(\.rawValue).joined(separator: " and ")): \(error.place): \(error.message)")
      }
    }
    guard let made else {
      let reasons = remarks.map { "\n  " + $0 }.joined()
      throw Failure(description: "the library plays neither side byte for byte as it was recorded:\(reasons)")
    }
    let vector = Vector(subject: .sessions, members: made.members(description))
    let name = existing?.name ?? "sessions-recorded.json"
    let before = try existing.map { try VectorSet([$0]).files.flatMap(\.vectors) } ?? []
    let file = VectorFile(name: name, subject: .sessions, vectors: before + [vector])
    _ = try VectorSet([(name, Array(file.text.utf8))])
    do throws(VectorMismatch) {
      try vector.replay()
    } catch {
      throw Failure(description: "the vector does not replay: \(error.place): \(error.message)")
    }
    text = file.text
    conforming = made.conforming.map(\.rawValue)
    self.remarks = remarks
  }

  private static func requirePlain(_ recording: Recording, _ connection: Int) throws(Failure) {
    for role in SideRole.allCases {
      let bytes = recording.bytes(of: role, connection: connection)
      guard bytes.starts(with: WirePreamble.bytes(mode: WirePreamble.plain)) else {
        let head = Hexadecimal.text(bytes.prefix(WirePreamble.byteCount))
        throw Failure(
          description:
            "the \(role) does not open a plain connection, its first bytes are \(head.isEmpty ? "none" : head); "
            + "only plain sessions can be promoted"
        )
      }
      let annotations = Annotator(sender: role == .client ? .client : .server).annotate(bytes)
      if let broken = annotations.first(where: { $0.clause != nil }), let clause = broken.clause {
        throw Failure(
          description: "byte \(broken.offset) of the \(role) breaks \(clause) (\(broken.meaning)); "
            + "only sessions that keep to the protocol can be promoted"
        )
      }
    }
  }
}

/// The transcript of a recorded connection, made by playing it again.
private struct PromotedSession {
  let conforming: [SideRole]
  private var steps: [JSON] = []
  private var plans: [SideRole: SidePlan] = [:]
  private var machines: [SideRole: MachineSide] = [:]
  private var readers: [SideRole: TranscriptReader] = [:]
  private let recorded: [SideRole: [UInt8]]
  /// How many of the recorded bytes each played side has sent.
  private var sentCounts: [SideRole: Int] = [:]
  /// How many of the recorded bytes have passed.
  private var passedCounts: [SideRole: Int] = [:]
  private var ended: Set<SideRole> = []

  init(_ recording: Recording, connection: Int, conforming: [SideRole]) throws(VectorMismatch) {
    self.conforming = conforming
    var recorded: [SideRole: [UInt8]] = [:]
    for role in SideRole.allCases { recorded[role] = recording.bytes(of: role, connection: connection) }
    self.recorded = recorded
    for role in SideRole.allCases {
      var plan = SidePlan(role: role, isSealed: false)
      plan.settings = try Self.settings(recorded[role] ?? [], role)
      plans[role] = plan
      readers[role] = TranscriptReader(role: role, isSealed: false, handshake: nil)
      guard conforming.contains(role) else { continue }
      machines[role] = try MachineSide(plan, place: role.rawValue)
    }
    for role in SideRole.allCases {
      if let machine = machines[role] { try take(machine.start(), from: role) }
    }
    for event in recording.events where event.connection == connection {
      switch event.happening {
      case .bytes(let role, let bytes): try pass(bytes, from: role)
      case .ends(let role, _): try end(role)
      case .opens, .unreachable: break
      }
    }
    try checkEnd()
  }

  func members(_ description: SessionPromotion.Description) -> JSON.Object {
    var object = JSON.Object()
    object["id"] = .string(description.id)
    object["comment"] = .string(description.comment)
    object["clauses"] = .array(description.clauses.map { .string($0) })
    object["result"] = "valid"
    object["origin"] = "recorded"
    object["source"] = .string(description.source)
    object["mode"] = "plain"
    for role in SideRole.allCases { object[role.rawValue] = plans[role]?.json ?? [:] }
    object["conforming"] = .array(conforming.map { .string($0.rawValue) })
    object["steps"] = .array(steps)
    return object
  }

  /// The settings that a side announced.
  private static func settings(_ bytes: [UInt8], _ role: SideRole) throws(VectorMismatch) -> JSON.Object {
    var offset = WirePreamble.byteCount
    guard let frames = try frames(in: bytes, at: &offset, role), let first = frames.first,
      first.knownKind == .settings, let value = try? WireValues.decode(first.body), case .list(let settings) = value
    else { return .init() }
    var object = JSON.Object()
    for setting in settings {
      guard case .list(let parts) = setting, parts.count == 2, case .atom(let name) = parts[0],
        let number = try? parts[1].integer(as: Int.self)
      else { continue }
      let text = String(decoding: name.readableBytesView, as: UTF8.self)
      if WireSettings.names.contains(text) { object[text] = .integer(number) }
    }
    return object
  }

  /// The frames of the record at an offset, which moves behind it; nil if it is not all there.
  private static func frames(
    in bytes: [UInt8],
    at offset: inout Int,
    _ role: SideRole
  ) throws(VectorMismatch) -> [WireFrame]? {
    guard bytes.count - offset >= 2 else { return nil }
    let end = offset + 2 + (Int(bytes[offset]) << 8 | Int(bytes[offset + 1]))
    guard end <= bytes.count else { return nil }
    do throws(WireFault) {
      let frames = try WireFrame.frames(in: bytes[(offset + 2)..<end])
      offset = end
      return frames
    } catch {
      throw VectorMismatch(place: "\(role), byte \(offset)", message: error.message)
    }
  }

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
        let expected = (recorded[role] ?? []).dropFirst(start).prefix(bytes.count)
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
      guard outcome == "clean" else {
        throw VectorMismatch(place: role.rawValue, message: "the connection does not end cleanly, but as \(outcome)")
      }
    }
  }

  // MARK: What the application did

  private func nextCall(of role: SideRole) throws(VectorMismatch) -> SideCall {
    let bytes = recorded[role] ?? []
    var offset = sentCounts[role, default: 0]
    let place = "\(role), byte \(offset)"
    guard let frames = try Self.frames(in: bytes, at: &offset, role), let frame = frames.first else {
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
      guard let frames = try Self.frames(in: recorded[role] ?? [], at: &offset, role) else {
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
