internal import BokbokCore
internal import NIOCore

/// What a side does that a session's transcript shows.
enum SideOutput: Equatable {
  case sends([UInt8])
  /// What the application is told.
  case reports(JSON)
  case endsSending
  case closesStream
}

/// One side of a connection, played by the library's machine with fixed secrets and a clock that the vector sets.
///
/// After each input it runs until there is nothing left to do: reports first, then everything that is ready to be sent.
final class MachineSide {
  let plan: SidePlan
  /// How the connection ended; nil while it has not.
  private(set) var ending: ConnectionEnding?

  private var machine: ConnectionMachine
  private let slab = KeySlab()
  private var now = NIODeadline.uptimeNanoseconds(0)
  /// Whether the end of input came, or can no longer come.
  private(set) var hasSeenEnd = false
  /// Whether the stream has been closed here.
  private(set) var isClosed = false

  /// - Throws: a mismatch at `place` if the plan's secrets or settings cannot be used.
  init(_ plan: SidePlan, place: String) throws(VectorMismatch) {
    self.plan = plan
    do {
      let configuration = SharedConfiguration(try Self.configuration(plan))
      switch plan.role {
      case .client:
        machine = try ConnectionMachine(
          client: Self.clientSecurity(plan),
          configuration: configuration,
          slab: slab,
          now: now
        )
      case .server:
        machine = ConnectionMachine(
          server: try Self.serverSecurity(plan),
          configuration: configuration,
          slab: slab,
          now: now
        )
      }
    } catch {
      throw VectorMismatch(place: place, message: "the side cannot be set up: \(error)")
    }
  }

  private static func configuration(_ plan: SidePlan) throws -> MachineConfiguration {
    var configuration = MachineConfiguration()
    configuration.settings = try Settings(
      messageBytesMax: number("max-message", plan) ?? Settings.messageBytesDefault,
      requestsMax: number("max-requests", plan) ?? Settings.requestsDefault,
      partialBytesMax: number("max-partial", plan)
    )
    func limit(_ name: String) -> TimeAmount? {
      plan.limits[name]?.integer.map { .milliseconds(Int64($0)) }
    }
    if let time = limit("handshakeMs") { configuration.handshakeTimeout = time }
    if let time = limit("drainMs") { configuration.drainTimeout = time }
    configuration.keepaliveInterval = limit("keepaliveMs")
    configuration.keepaliveTimeout = limit("keepaliveTimeoutMs")
    return configuration
  }

  private static func number(_ name: String, _ plan: SidePlan) -> UInt32? {
    plan.settings[name]?.integer.flatMap { UInt32(exactly: $0) }
  }

  private static func clientSecurity(_ plan: SidePlan) throws -> ClientSecurity {
    guard plan.isSealed else { return .plain }
    return .sealed(
      userName: ByteBuffer(bytes: plan.user),
      userKey: try SecretBytes(copying: plan.userKey),
      sessionKey: try SecretBytes(copying: plan.sessionKey),
      ephemeral: try SecretBytes(copying: plan.ephemeral)
    )
  }

  private static func serverSecurity(_ plan: SidePlan) throws -> ServerSecurity {
    guard plan.isSealed else { return .plain }
    return .sealed(
      decoyKey: try SecretBytes(copying: plan.decoyKey),
      ephemeral: try SecretBytes(copying: plan.ephemeral)
    )
  }

  // MARK: Inputs

  /// What the side does before anything has come.
  func start() -> [SideOutput] {
    run()
  }

  func receive(_ bytes: [UInt8]) -> [SideOutput] {
    machine.receive(ByteBuffer(bytes: bytes), now: now)
    return run()
  }

  func receiveEnd() -> [SideOutput] {
    hasSeenEnd = true
    machine.receiveEnd(now: now)
    return run()
  }

  /// The clock goes on, and what is due is done.
  func wait(milliseconds: Int) -> [SideOutput] {
    now = now + .milliseconds(Int64(milliseconds))
    guard let deadline = machine.deadline, deadline <= now else { return [] }
    machine.timePassed(now: now)
    return run()
  }

  /// What the application asks for; the id or token that the machine gave is nil where it does not belong to the call.
  func perform(_ call: SideCall) -> (outcome: SideCall.Outcome, outputs: [SideOutput]) {
    var outcome = SideCall.Outcome.done
    switch call {
    case .request(let value):
      switch machine.request(value) {
      case .accepted(let id): outcome = .accepted(id)
      case .failed(let failure): outcome = .failed(SideReport.kind(of: failure))
      }
    case .cancel(let id): _ = machine.cancel(id)
    case .respond(let id, let answer): machine.respond(to: id, with: answer)
    case .ping(let token): _ = machine.ping(token)
    case .close(let code, let message): machine.close(code: code, message: message, now: now)
    case .abort: machine.abort(now: now)
    case .letIn: machine.letIn()
    case .turnDown(let code, let message): machine.turnDown(code: code, message: message, now: now)
    }
    return (outcome, run())
  }

  // MARK: Running

  private func run() -> [SideOutput] {
    var outputs: [SideOutput] = []
    while true {
      var isIdle = true
      while let action = machine.nextAction() {
        isIdle = false
        take(action, into: &outputs)
      }
      var sent: [UInt8] = []
      while !isClosed, let bytes = machine.takeOutput() {
        sent.append(contentsOf: bytes.readableBytesView)
      }
      if !sent.isEmpty {
        isIdle = false
        outputs.append(.sends(sent))
      }
      if machine.wantsWriteReport {
        isIdle = false
        machine.outputWritten(now: now)
      }
      if isIdle { return outputs }
    }
  }

  private func take(_ action: ConnectionAction, into outputs: inout [SideOutput]) {
    switch action {
    case .checkAdmission:
      machine.admit(busy: plan.isBusy)
    case .lookUpKey(let userName):
      outputs.append(.reports(SideReport.json(action)))
      machine.keysFound(keys(of: Array(userName.readableBytesView)))
    case .opened:
      outputs.append(.reports(SideReport.json(action)))
      if !plan.hasOpenHandler { machine.letIn() }
    case .ended(let ending):
      self.ending = ending
      outputs.append(.reports(SideReport.json(action)))
    case .shutDownOutput:
      outputs.append(.endsSending)
    case .closeStream:
      isClosed = true
      hasSeenEnd = true
      outputs.append(.closesStream)
    default:
      outputs.append(.reports(SideReport.json(action)))
    }
  }

  /// H-4: what is not a key of 32 bytes makes the user unknown.
  private func keys(of user: [UInt8]) -> [PresharedKey] {
    plan.users.filter { $0.name == user }.compactMap { try? PresharedKey(bytes: $0.key) }
  }
}
