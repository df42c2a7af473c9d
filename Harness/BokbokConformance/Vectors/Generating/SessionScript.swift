/// Makes the transcript of a session: what the script makes one side do reaches the other, which answers, until nothing
/// is left to do.
///
/// A side that keeps to the protocol is played by the library; one that does not is played by the script, which puts its
/// bytes together with the kit's own codec and the reference handshake.
final class SessionScript {
  private let plans: [SideRole: SidePlan]
  private let raw: SideRole?
  /// The handshake of the two sides' secrets; nil on a plain connection.
  let handshake: ReferenceHandshake?
  private var machines: [SideRole: MachineSide] = [:]
  private var readers: [SideRole: TranscriptReader] = [:]
  /// Bytes that a side has not received yet, and whether the end follows them.
  private var arriving: [SideRole: [UInt8]] = [:]
  private var endArrives: Set<SideRole> = []
  private var isHolding = false
  /// The number of the next record that the script seals.
  private var rawCounter: UInt64 = 0

  private(set) var steps: [JSON] = []

  init(client: SidePlan, server: SidePlan, raw: SideRole?) {
    plans = [.client: client, .server: server]
    self.raw = raw
    handshake = SessionReplay.handshake(plans)
    for role in SideRole.allCases {
      guard let plan = plans[role] else { continue }
      readers[role] = TranscriptReader(role: role, isSealed: plan.isSealed, handshake: handshake)
      guard role != raw else { continue }
      do {
        machines[role] = try MachineSide(plan, place: role.rawValue)
      } catch {
        // The schema knows no such step, so that it cannot go unnoticed.
        steps.append(["problem": .string(error.message)])
      }
    }
    for role in SideRole.allCases {
      if let machine = machines[role] { take(machine.start(), from: role) }
    }
    settle()
  }

  // MARK: What the application does

  /// A side's application calls; what follows from it happens.
  func does(_ role: SideRole, _ call: SideCall) {
    guard let machine = machines[role] else { return }
    let (outcome, outputs) = machine.perform(call)
    steps.append(["side": .string(role.rawValue), "does": call.json.merging(outcome.json)])
    take(outputs, from: role)
    settle()
  }

  /// Runs the closure without anything arriving anywhere, and then lets all of it arrive: so both sides act at once.
  func crossing(_ body: () -> Void) {
    isHolding = true
    body()
    isHolding = false
    settle()
  }

  /// Time passes for both sides.
  func waits(milliseconds: Int) {
    steps.append(["waits": .integer(milliseconds)])
    for role in SideRole.allCases {
      if let machine = machines[role] { take(machine.wait(milliseconds: milliseconds), from: role) }
    }
    settle()
  }

  // MARK: What the script's own side sends

  /// What a side of that kind says until the connection is open, with SETTINGS of this body.
  func opens(settings: String = "()") {
    guard let raw, let plan = plans[raw] else { return }
    let first = WireFrame(.settings, body: Array(settings.utf8))
    guard plan.isSealed, let handshake else {
      return sends(bytes: WirePreamble.bytes(mode: WirePreamble.plain) + record(of: first.bytes))
    }
    let opening =
      raw == .client
      ? HandshakeVectors.clientStream(user: plan.user, message1: handshake.message1)
      : HandshakeVectors.serverStream(message2: handshake.message2)
    sends(bytes: opening + record(of: first.bytes))
  }

  /// Frames in one record.
  func sends(_ frames: WireFrame...) {
    sends(content: frames.flatMap(\.bytes))
  }

  /// A record with this content, sealed where records are.
  func sends(content: [UInt8]) {
    sends(bytes: record(of: content))
  }

  /// Bytes as they are, and what follows from them.
  func sends(bytes: [UInt8]) {
    guard let raw else { return }
    take([.sends(bytes)], from: raw)
    settle()
  }

  /// The end of the script's output.
  func ends() {
    guard let raw else { return }
    take([.endsSending], from: raw)
    settle()
  }

  /// A record of the script's side. Each call takes the next counter.
  func record(of content: [UInt8]) -> [UInt8] {
    guard let raw, let handshake else { return .record(content) }
    let key = raw == .client ? handshake.clientToServerKey : handshake.serverToClientKey
    let nonce = ReferenceChaCha20Poly1305.nonce(counter: rawCounter)
    rawCounter += 1
    return .record(ReferenceChaCha20Poly1305.seal(content, key: key, nonce: nonce))
  }

  // MARK: From side to side

  private func take(_ outputs: [SideOutput], from role: SideRole) {
    for output in outputs {
      var parts: [JSON] = []
      switch output {
      case .sends(let bytes):
        parts = readers[role]?.parts(of: bytes) ?? []
        arriving[role.other, default: []] += bytes
      case .endsSending, .closesStream:
        endArrives.insert(role.other)
      case .reports:
        break
      }
      steps.append(output.step(role, parts: parts))
    }
  }

  private func settle() {
    guard !isHolding else { return }
    var isQuiet = false
    while !isQuiet {
      isQuiet = true
      for role in SideRole.allCases {
        let bytes = arriving.removeValue(forKey: role) ?? []
        let side: JSON = ["side": .string(role.rawValue)]
        if !bytes.isEmpty, let machine = machines[role], !machine.isClosed {
          isQuiet = false
          steps.append(side.merging(["receives": .integer(bytes.count)]))
          take(machine.receive(bytes), from: role)
        }
        if endArrives.remove(role) != nil, let machine = machines[role], !machine.hasSeenEnd {
          isQuiet = false
          steps.append(side.merging(["receivesEnd": true]))
          take(machine.receiveEnd(), from: role)
        }
      }
    }
  }
}
