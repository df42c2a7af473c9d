/// Plays a session through the library: each side that keeps to the protocol is played alone, gets what the transcript
/// says that it got, and must do what the transcript says that it did, byte for byte.
struct SessionReplay {
  private let vector: Vector
  private let steps: [JSON]
  private let plans: [SideRole: SidePlan]
  private let conforming: [SideRole]

  init(_ vector: Vector) throws(VectorMismatch) {
    self.vector = vector
    steps = vector["steps"]?.array ?? []
    let isSealed = vector["mode"]?.string == "sealed"
    var plans: [SideRole: SidePlan] = [:]
    for role in SideRole.allCases {
      plans[role] = try SidePlan(json: vector[role.rawValue], role: role, isSealed: isSealed, place: role.rawValue)
    }
    self.plans = plans
    conforming = (vector["conforming"]?.array ?? []).compactMap { $0.string.flatMap(SideRole.init) }
  }

  func run() throws(VectorMismatch) {
    try checkParts()
    var hasFailedAsStated = false
    for role in conforming {
      let side = try play(role)
      guard let error = vector.error else {
        if let ending = side.ending, SideReport.outcome(of: ending) != "clean" {
          let outcome = SideReport.outcome(of: ending)
          throw VectorMismatch(place: "result", message: "expected no end but a clean one, the \(role)'s is \(outcome)")
        }
        continue
      }
      guard let ending = side.ending, SideReport.outcome(of: ending) == error.outcome else { continue }
      try vector.compare(ending, with: error)
      hasFailedAsStated = true
    }
    if let error = vector.error, !hasFailedAsStated, !conforming.isEmpty {
      throw VectorMismatch(place: "error/outcome", message: "expected \(error.outcome), which no side reports")
    }
  }

  /// What is said of the bytes is what they are.
  private func checkParts() throws(VectorMismatch) {
    let handshake = Self.handshake(plans, publicKeys: publicKeys())
    for role in SideRole.allCases {
      var reader = TranscriptReader(role: role, isSealed: plans[role]?.isSealed ?? false, handshake: handshake)
      for (index, step) in steps.enumerated() where step["side"]?.string == role.rawValue {
        guard let sends = step["sends"] else { continue }
        let place = "steps/\(index)/sends"
        let found = reader.parts(of: try Self.bytes(of: sends, place: place))
        try VectorMismatch.compare(expected: .array(found), got: sends, place: place)
      }
    }
  }

  /// The public keys that stand in the messages of the handshake.
  private func publicKeys() -> [SideRole: [UInt8]] {
    var keys: [SideRole: [UInt8]] = [:]
    for part in steps.flatMap({ $0["sends"]?.array ?? [] }) {
      let role: SideRole
      switch part["is"]?.string {
      case "message1": role = .client
      case "message2": role = .server
      default: continue
      }
      guard let bytes = try? part["bytes"].octets(at: ""), bytes.count >= 34 else { continue }
      keys[role] = Array(bytes[2..<34])
    }
    return keys
  }

  /// The handshake of the two sides' secrets; nil on a plain connection, or where neither is known.
  ///
  /// - Parameter publicKeys: of the side whose secret is not known.
  static func handshake(
    _ plans: [SideRole: SidePlan],
    publicKeys: [SideRole: [UInt8]] = [:]
  ) -> ReferenceHandshake? {
    guard let client = plans[.client], let server = plans[.server], client.isSealed else { return nil }
    func isKnown(_ plan: SidePlan) -> Bool { plan.ephemeral.count == 32 }
    guard isKnown(client) || isKnown(server), isKnown(client) || publicKeys[.client] != nil,
      isKnown(server) || publicKeys[.server] != nil
    else { return nil }
    var inputs = ReferenceHandshake.Inputs()
    inputs.userName = client.user
    inputs.userKey = client.userKey
    inputs.sessionKey = client.sessionKey
    if isKnown(client) {
      inputs.clientEphemeral = client.ephemeral
    } else {
      inputs.clientPublicKey = publicKeys[.client]
    }
    if isKnown(server) {
      inputs.serverEphemeral = server.ephemeral
    } else {
      inputs.serverPublicKey = publicKeys[.server]
    }
    return ReferenceHandshake(inputs)
  }

  private static func bytes(of sends: JSON, place: String) throws(VectorMismatch) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, part) in (sends.array ?? []).enumerated() {
      bytes += try part["bytes"].octets(at: "\(place)/\(index)/bytes")
    }
    return bytes
  }

  // MARK: One side

  private func play(_ role: SideRole) throws(VectorMismatch) -> MachineSide {
    guard let plan = plans[role] else { throw VectorMismatch(place: role.rawValue, message: "the side is missing") }
    let side = try MachineSide(plan, place: role.rawValue)
    var done = side.start()[...]
    /// What the other side has sent and this one has not got.
    var arriving: [UInt8] = []

    for (index, step) in steps.enumerated() {
      let place = "steps/\(index)"
      if let time = step["waits"]?.integer {
        try requireNothing(done, role, before: place)
        done = side.wait(milliseconds: time)[...]
        continue
      }
      guard step["side"]?.string == role.rawValue else {
        if let sends = step["sends"] { arriving += try Self.bytes(of: sends, place: place + "/sends") }
        continue
      }
      if let count = step["receives"]?.integer {
        try requireNothing(done, role, before: place)
        guard count <= arriving.count else {
          let message = "\(count) bytes, but only \(arriving.count) are on their way"
          throw VectorMismatch(place: place + "/receives", message: message)
        }
        done = side.receive(Array(arriving.prefix(count)))[...]
        arriving.removeFirst(count)
      } else if step["receivesEnd"] != nil {
        try requireNothing(done, role, before: place)
        done = side.receiveEnd()[...]
      } else if let call = step["does"] {
        try requireNothing(done, role, before: place)
        let (outcome, outputs) = side.perform(try SideCall(json: call, place: place + "/does"))
        for (name, value) in outcome.json.object?.members ?? [] {
          try VectorMismatch.compare(expected: call[name] ?? .null, got: value, place: "\(place)/does/\(name)")
        }
        done = outputs[...]
      } else {
        try compare(step, with: done.popFirst(), role, place: place)
      }
    }
    try requireNothing(done, role, before: "the end")
    return side
  }

  private func requireNothing(
    _ outputs: ArraySlice<SideOutput>,
    _ role: SideRole,
    before place: String
  ) throws(VectorMismatch) {
    guard let output = outputs.first else { return }
    throw VectorMismatch(place: place, message: "before it, the \(role) also \(output.description)")
  }

  private func compare(
    _ step: JSON,
    with output: SideOutput?,
    _ role: SideRole,
    place: String
  ) throws(VectorMismatch) {
    switch output {
    case .sends(let bytes)?:
      if let sends = step["sends"] {
        let expected = try Self.bytes(of: sends, place: place + "/sends")
        return try VectorMismatch.compare(expected: expected, got: bytes, place: place + "/sends")
      }
    case .reports(let report)?:
      if let expected = step["reports"] {
        return try VectorMismatch.compare(expected: expected, got: report, place: place + "/reports")
      }
    case .endsSending?:
      if step["ends"]?.string == "sending" { return }
    case .closesStream?:
      if step["ends"]?.string == "stream" { return }
    case nil:
      break
    }
    let found = output?.description ?? "does nothing"
    throw VectorMismatch(place: place, message: "expected \(step.encodedText.prefix(200)), the \(role) \(found)")
  }
}

extension Vector {
  func replaySession() throws(VectorMismatch) {
    try SessionReplay(self).run()
  }
}

extension SideOutput {
  /// The step of a transcript.
  func step(_ role: SideRole, parts: [JSON]) -> JSON {
    let side: JSON = ["side": .string(role.rawValue)]
    return switch self {
    case .sends: side.merging(["sends": .array(parts)])
    case .reports(let report): side.merging(["reports": report])
    case .endsSending: side.merging(["ends": "sending"])
    case .closesStream: side.merging(["ends": "stream"])
    }
  }

  /// For people, after the name of a side.
  var description: String {
    switch self {
    case .sends(let bytes): "sends \(bytes.count) bytes: \(Hexadecimal.text(bytes.prefix(32)))"
    case .reports(let report): "reports \(report.encodedText.prefix(200))"
    case .endsSending: "ends sending"
    case .closesStream: "closes the stream"
    }
  }
}
