internal import Foundation

/// An implementation under test in the same process: the commands of the testee contract are carried out at the time of a
/// ``VirtualClock``, one at a time. What they mean is the subclass's business.
class VirtualTestee: CaseTestee, VirtualActor {
  final var events: [JSON] = []
  final var failure: TesteeProcess.Failure? { nil }
  final var errorText: [UInt8] { [] }
  private(set) final var log: [ContractLine] = []

  let clock: VirtualClock
  private var replies: [Int: JSON] = [:]
  private var nextSequence = 1
  private var waitingCommands: [Command] = []

  /// A command of the contract.
  struct Command: Sendable {
    let sequence: Int
    let name: String
    let members: JSON.Object
  }

  /// Why a command cannot be carried out.
  struct Refusal: Error {
    let kind: String
    let message: String

    var json: JSON { ["kind": .string(kind), "message": .string(message)] }
  }

  init(clock: VirtualClock) {
    self.clock = clock
    clock.add(self)
  }

  /// Takes a stream of the kit to the server that listens at the address; false if none does.
  func accept(_ stream: VirtualStream, _ address: SocketAddress) -> Bool { false }

  /// The result of a command, or nil where the reply comes later.
  func carryOut(_ command: Command) throws -> JSON? {
    switch command.name {
    case "deriveKey", "decodeValue", "encodeValue": return try CoreCodec.result(of: command)
    case "quit": return [:]
    default: throw Refusal(kind: "unsupported", message: "the command \(command.name) is not known")
    }
  }

  /// What `hello` declares: everything but transports, of which there are none in memory.
  static func declaration(named name: String) -> JSON {
    [
      "contract": .integer(Declaration.contractVersion),
      "name": .string(name),
      "version": "",
      "roles": ["client", "server"],
      "transports": [],
      "security": ["plain", "sealed"],
      "features": ["derive-key", "value-codec", "keepalive"],
    ]
  }

  /// The connection that a command names.
  final func connection<Connection>(
    of command: Command,
    among connections: [String: Connection]
  ) throws -> Connection {
    let id = command.members["connection"]?.string ?? ""
    guard let connection = connections[id] else {
      throw Refusal(kind: "other", message: "there is no connection \(id)")
    }
    return connection
  }

  /// Nothing goes on any more.
  func release() { clock.remove(self) }

  // MARK: The contract

  final func send(_ command: String, _ members: JSON.Object) -> Int {
    defer { nextSequence += 1 }
    var object = JSON.Object([("seq", .integer(nextSequence)), ("command", .string(command))])
    for (name, value) in members.members { object[name] = value }
    note(.object(object), isSent: true)
    waitingCommands.append(Command(sequence: nextSequence, name: command, members: members))
    return nextSequence
  }

  final func takeReply(to sequence: Int) -> JSON? { replies.removeValue(forKey: sequence) }

  final func beginCase() {}

  final func openDescriptors() -> OpenDescriptors? { nil }

  final func memoryByteCount() -> Int? { nil }

  final func forgetLog(from index: Int) { log.removeSubrange(min(index, log.count)...) }

  final func end(within duration: Duration) -> ChildProcess.ExitStatus? {
    release()
    return .exited(0)
  }

  final func reply(to sequence: Int, ok result: JSON) { reply(to: sequence, "ok", result) }

  final func reply(to sequence: Int, error: JSON) { reply(to: sequence, "error", error) }

  private func reply(to sequence: Int, _ name: String, _ value: JSON) {
    let reply: JSON = .object(JSON.Object([("seq", .integer(sequence)), (name, value)]))
    note(reply, isSent: false)
    replies[sequence] = reply
  }

  final func report(_ event: String, _ members: JSON.Object) {
    var object = JSON.Object([("event", .string(event))])
    for (name, value) in members.members { object[name] = value }
    note(.object(object), isSent: false)
    events.append(.object(object))
  }

  private func note(_ message: JSON, isSent: Bool) {
    log.append(ContractLine(time: clock.timestamp, isSent: isSent, bytes: message.encodedBytes))
  }

  // MARK: Going on

  final var deadline: ContinuousClock.Instant? { nil }

  final func act() -> Bool {
    guard !waitingCommands.isEmpty else { return false }
    let command = waitingCommands.removeFirst()
    do {
      if let result = try carryOut(command) { reply(to: command.sequence, ok: result) }
    } catch let refusal as Refusal {
      reply(to: command.sequence, error: refusal.json)
    } catch {
      reply(to: command.sequence, error: Refusal(kind: "other", message: "\(error)").json)
    }
    return true
  }
}
