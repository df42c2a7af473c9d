internal import BokbokCore
internal import NIOCore

/// Refusals and handshakes, played through the library.
extension Vector {
  /// That a side ended as an invalid vector says.
  func compare(_ ending: ConnectionEnding?, with error: Failure) throws(VectorMismatch) {
    let outcome = ending.map { SideReport.outcome(of: $0) } ?? "no end"
    guard outcome == error.outcome else {
      throw VectorMismatch(place: "error/outcome", message: "expected \(error.outcome), got \(outcome)")
    }
    if case .violation(.local, let requirement, let message) = ending {
      try compareRequirement(of: error.clause, with: requirement, found: message)
    }
    if case .refusedPeer(let code, _) = ending {
      let expected = self["error"]?["code"]?.string ?? ""
      try VectorMismatch.compare(expected: expected, got: code, place: "error/code")
    }
  }

  private func bytesSent(_ outputs: [SideOutput]) -> [UInt8] {
    outputs.flatMap { output -> [UInt8] in if case .sends(let bytes) = output { bytes } else { [] } }
  }

  // MARK: Refusals

  func replayRefusal() throws(VectorMismatch) {
    let role: SideRole = self["role"]?.string == "client" ? .client : .server
    var plan = SidePlan.example(role, isSealed: self["mode"]?.string == "sealed")
    plan.isBusy = self["busy"]?.bool ?? false
    let side = try MachineSide(plan, place: "mode")
    _ = side.start()
    var outputs = side.receive(try octets("received"))
    if self["ends"]?.bool == true { outputs += side.receiveEnd() }

    if role == .server {
      try VectorMismatch.compare(expected: try octets("sends"), got: bytesSent(outputs), place: "sends")
    } else if !bytesSent(outputs).isEmpty {
      throw VectorMismatch(place: "received", message: "expected the client to send nothing more")
    }
    if let error { return try compare(side.ending, with: error) }
    guard case .refused(let code, let message)? = side.ending else {
      let found = side.ending.map { SideReport.outcome(of: $0) } ?? "no end"
      throw VectorMismatch(place: "refusal", message: "expected a refusal, got \(found)")
    }
    try VectorMismatch.compare(expected: self["refusal"]?["code"]?.string ?? "", got: code, place: "refusal/code")
    try VectorMismatch.compare(
      expected: self["refusal"]?["message"]?.string ?? "",
      got: message,
      place: "refusal/message"
    )
  }

  // MARK: Handshakes

  func replayHandshake() throws(VectorMismatch) {
    guard let error else { return try replayCompleteHandshake() }
    let role: SideRole = self["role"]?.string == "client" ? .client : .server
    var plan = SidePlan(role: role, isSealed: true)
    switch role {
    case .client:
      plan.user = try octets("user")
      plan.userKey = try octets("userKey")
      plan.sessionKey = try octets("sessionKey")
      plan.ephemeral = try octets("clientEphemeral")
    case .server:
      plan.users = try SidePlan.users(self["users"], place: "users")
      plan.decoyKey = try octets("decoyKey")
      plan.ephemeral = try octets("serverEphemeral")
    }
    let side = try MachineSide(plan, place: "role")
    _ = side.start()
    let outputs = side.receive(try octets("received"))
    let expected = role == .server ? try octets("sends") : []
    try VectorMismatch.compare(expected: expected, got: bytesSent(outputs), place: "sends")
    try compare(side.ending, with: error)
  }

  private func replayCompleteHandshake() throws(VectorMismatch) {
    try replayMachines()
    do {
      try replayStates()
    } catch let mismatch as VectorMismatch {
      throw mismatch
    } catch {
      throw VectorMismatch(place: "message1", message: "expected a handshake, got: \(error)")
    }
  }

  /// Both machines say what the vector says, and the records of each open at the other.
  private func replayMachines() throws(VectorMismatch) {
    var clientPlan = SidePlan(role: .client, isSealed: true)
    clientPlan.user = try octets("user")
    clientPlan.userKey = try octets("userKey")
    clientPlan.sessionKey = try octets("sessionKey")
    clientPlan.ephemeral = try octets("clientEphemeral")
    var serverPlan = SidePlan(role: .server, isSealed: true)
    serverPlan.users = [SidePlan.User(name: clientPlan.user, key: clientPlan.userKey)]
    serverPlan.decoyKey = ReferenceHandshake.ascending(from: 0xA0)
    serverPlan.ephemeral = try octets("serverEphemeral")

    let client = try MachineSide(clientPlan, place: "clientEphemeral")
    let clientSends = try octets("clientSends")
    try VectorMismatch.compare(expected: clientSends, got: bytesSent(client.start()), place: "clientSends")

    let server = try MachineSide(serverPlan, place: "serverEphemeral")
    let serverSends = try octets("serverSends")
    let answer = bytesSent(server.start() + server.receive(clientSends))
    // This implementation's SETTINGS follow.
    try VectorMismatch.compare(
      expected: serverSends,
      got: Array(answer.prefix(serverSends.count)),
      place: "serverSends"
    )
    for (side, name, opening) in [(client, "serverRecords", serverSends), (server, "clientRecords", [])] {
      let first = try self[name]?.array?.first?["record"].octets(at: "\(name)/0/record") ?? []
      let outputs = side.receive(opening + first)
      let isOpen = outputs.contains { output in
        if case .reports(let report) = output { report["event"]?.string == "opened" } else { false }
      }
      guard isOpen else { throw VectorMismatch(place: "\(name)/0", message: "expected the connection to open") }
    }
  }

  /// Messages, hash and keys, with the library's parts alone.
  private func replayStates() throws {
    let slab = KeySlab()
    var initiator = try HandshakeState(
      pattern: .bokbok,
      role: .initiator,
      prologue: octets("prologue"),
      ephemeral: SecretBytes(copying: octets("clientEphemeral"))
    )
    try initiator.provide(presharedKey: SecretBytes(copying: octets("userKey")))
    try initiator.provide(presharedKey: SecretBytes(copying: octets("sessionKey")))
    var message1 = ByteBuffer()
    let sessionKey = try octets("sessionKey")
    try sessionKey.withUnsafeBytes { try initiator.writeMessage(payload: $0, into: &message1) }
    try compare(message1, with: "message1")
    try VectorMismatch.compare(
      expected: octets("clientPublicKey"),
      got: Array(message1.readableBytesView.prefix(32)),
      place: "clientPublicKey"
    )

    var responder = try HandshakeState(
      pattern: .bokbok,
      role: .responder,
      prologue: octets("prologue"),
      ephemeral: SecretBytes(copying: octets("serverEphemeral"))
    )
    try responder.provide(presharedKey: SecretBytes(copying: octets("userKey")))
    let payload = try responder.readMessage(message1)
    try VectorMismatch.compare(
      expected: sessionKey,
      got: payload.withUnsafeBytes { Array($0) },
      place: "sessionKey"
    )
    try responder.provide(presharedKey: payload)
    var message2 = ByteBuffer()
    try responder.writeMessage(payload: UnsafeRawBufferPointer(start: nil, count: 0), into: &message2)
    try compare(message2, with: "message2")
    try VectorMismatch.compare(
      expected: octets("serverPublicKey"),
      got: Array(message2.readableBytesView.prefix(32)),
      place: "serverPublicKey"
    )
    _ = try initiator.readMessage(message2)
    try VectorMismatch.compare(
      expected: octets("handshakeHash"),
      got: initiator.handshakeHash,
      place: "handshakeHash"
    )
    try VectorMismatch.compare(
      expected: octets("handshakeHash"),
      got: responder.handshakeHash,
      place: "handshakeHash"
    )
    var ciphers = try initiator.split(slab: slab)
    try compareRecords("clientRecords", key: "clientToServerKey", slab: slab) { buffer, count in
      try ciphers.initiatorToResponder.seal(&buffer, at: 0, count: count)
    }
    try compareRecords("serverRecords", key: "serverToClientKey", slab: slab) { buffer, count in
      try ciphers.responderToInitiator.seal(&buffer, at: 0, count: count)
    }
  }

  private func compare(_ message: ByteBuffer, with name: String) throws(VectorMismatch) {
    try VectorMismatch.compare(expected: try octets(name), got: Array(message.readableBytesView), place: name)
  }

  /// Sealing the frames gives the records, with the handshake's cipher and with the key that the vector names.
  private func compareRecords(
    _ name: String,
    key: String,
    slab: KeySlab,
    seal: (inout ByteBuffer, Int) throws -> Void
  ) throws {
    var named = try CipherState(key: SecretBytes(copying: octets(key)), counter: 0, slab: slab)
    for (index, item) in (self[name]?.array ?? []).enumerated() {
      let frames = try item["frames"].octets(at: "\(name)/\(index)/frames")
      let record = try item["record"].octets(at: "\(name)/\(index)/record")
      for isNamed in [false, true] {
        var content = ByteBuffer(bytes: frames)
        if isNamed {
          try named.seal(&content, at: 0, count: frames.count)
        } else {
          try seal(&content, frames.count)
        }
        try VectorMismatch.compare(
          expected: record,
          got: .record(Array(content.readableBytesView)),
          place: isNamed ? key : "\(name)/\(index)/record"
        )
      }
    }
  }
}
