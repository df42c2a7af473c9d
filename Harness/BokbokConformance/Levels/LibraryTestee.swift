internal import Bokbok
internal import Foundation
internal import NIOCore

/// The library as an implementation under test: its servers and connections, over channels in memory and by the clock of
/// the case. All of it runs on the case's thread.
final class LibraryTestee: VirtualTestee {
  let loop: VirtualEventLoop
  private let executor: VirtualTaskExecutor
  private let meeting: VirtualMeeting
  private var servers: [String: (server: ChannelServer, address: String)] = [:]
  private var connections: [String: LibraryConnection] = [:]
  private var connectionIDs: [ObjectIdentifier: String] = [:]
  private var requests: [Int: Task<Void, Never>] = [:]
  private var channels: [MemoryChannel] = []
  private var connectionCount = 0
  private var serverCount = 0

  /// A connection, as the contract names it.
  private struct LibraryConnection {
    let connection: Connection
    /// What came before the reply to the command that opened it; nil once that has gone.
    var heldEvents: [(name: String, members: JSON.Object)]?
    var hasEnded = false
    /// Commands that are answered with the end.
    var endWaiters: [Int] = []
  }

  init(clock: VirtualClock, meeting: VirtualMeeting) {
    self.loop = VirtualEventLoop(clock: clock)
    self.executor = VirtualTaskExecutor(loop: loop)
    self.meeting = meeting
    super.init(clock: clock)
    clock.add(loop)
  }

  /// What `hello` declares.
  static let declaration = declaration(named: "bokbok-swift, in memory")

  override func release() {
    // What still runs is brought to its end, so that no task waits for ever.
    for channel in channels { channel.close(promise: nil) }
    for task in requests.values { task.cancel() }
    var turnsLeft = 100_000
    while turnsLeft > 0, loop.act() { turnsLeft -= 1 }
    loop.dropEverything()
    clock.remove(loop)
    servers = [:]
    connections = [:]
    connectionIDs = [:]
    requests = [:]
    channels = []
    super.release()
  }

  override func carryOut(_ command: Command) throws -> JSON? {
    switch command.name {
    case "hello": return Self.declaration
    case "listen": return try listen(command)
    case "connect": try connect(command)
    case "request": try request(command)
    case "cancel":
      if let request = command.members["request"]?.integer { requests[request]?.cancel() }
      return [:]
    case "ping":
      let connection = try connection(of: command).connection
      run(command) {
        try await connection.ping()
        return [:]
      }
    case "close":
      let connection = try connection(of: command).connection
      let code = command.members["code"]?.string ?? "normal"
      let message = command.members["message"]?.string ?? ""
      runThenWaitForEnd(command) { try await connection.close(code: code, message: message) }
    case "abort":
      let connection = try connection(of: command).connection
      runThenWaitForEnd(command) { connection.abort() }
    case "stop": try stop(command)
    default: return try super.carryOut(command)
    }
    return nil
  }

  private func connection(of command: Command) throws -> LibraryConnection {
    try connection(of: command, among: connections)
  }

  // MARK: Tasks

  /// Does something that takes time, and answers the command with its outcome.
  @discardableResult
  private func run(_ command: Command, _ body: @escaping @Sendable () async throws -> JSON) -> Task<Void, Never> {
    let bound = NIOLoopBound(self, eventLoop: loop)
    return Task(executorPreference: executor) {
      do {
        let result = try await body()
        bound.value.reply(to: command.sequence, ok: result)
      } catch {
        bound.value.reply(to: command.sequence, error: LibraryWords.json(error))
      }
      bound.value.requests[command.sequence] = nil
    }
  }

  /// The reply comes right after the report of the end.
  private func runThenWaitForEnd(_ command: Command, _ body: @escaping @Sendable () async throws -> Void) {
    let id = command.members["connection"]?.string ?? ""
    let bound = NIOLoopBound(self, eventLoop: loop)
    _ = Task(executorPreference: executor) {
      do {
        try await body()
        bound.value.answer(command.sequence, withEndOf: id)
      } catch {
        bound.value.reply(to: command.sequence, error: LibraryWords.json(error))
      }
    }
  }

  private func answer(_ sequence: Int, withEndOf id: String) {
    guard connections[id]?.hasEnded == false else { return reply(to: sequence, ok: [:]) }
    connections[id]?.endWaiters.append(sequence)
  }

  private func request(_ command: Command) throws {
    let connection = try connection(of: command).connection
    guard let bytes = command.members["payload"]?.string.flatMap({ Hexadecimal.bytes($0) }),
      let value = try? WireValues.decode(bytes)
    else { throw Refusal(kind: "malformed", message: "the payload is not a value") }
    requests[command.sequence] = run(command) {
      ["response": .string(try await connection.request(value).hexadecimal)]
    }
  }

  // MARK: Servers and clients

  private func newConnectionID() -> String {
    connectionCount += 1
    return "connection-\(connectionCount)"
  }

  private func makeChannel(_ stream: VirtualStream) -> MemoryChannel {
    let channel = MemoryChannel(stream: stream, loop: loop, clock: clock)
    channels.append(channel)
    return channel
  }

  private func listen(_ command: Command) throws -> JSON {
    serverCount += 1
    let id = "server-\(serverCount)"
    let address = command.members["address"]?.string ?? ""
    let bound = NIOLoopBound(self, eventLoop: loop)
    let service = LibraryService(loop: loop) { observation, context in
      bound.value.note(observation, on: context.connection)
    }
    let server = try ChannelServer(
      address: Address(address),
      security: LibraryWords.serverSecurity(users: command.members["users"]?.object),
      configuration: LibraryWords.configuration(command),
      handlers: Handlers(
        open: { connection in
          bound.value.opened(connection, server: id)
          return .letIn
        },
        request: service.handler,
        close: { connection, end in bound.value.closed(connection, end) }
      )
    )
    servers[id] = (server, address)
    return ["server": .string(id), "address": .string(address)]
  }

  override func accept(_ stream: VirtualStream, _ address: SocketAddress) -> Bool {
    guard let server = servers.values.first(where: { $0.address == address.text })?.server else { return false }
    do {
      try server.accept(makeChannel(stream))
    } catch {
      stream.closePeer()
    }
    return true
  }

  private func opened(_ connection: Connection, server: String) {
    let id = newConnectionID()
    connections[id] = LibraryConnection(connection: connection)
    connectionIDs[ObjectIdentifier(connection)] = id
    report(
      "opened",
      JSON.Object([
        ("connection", .string(id)), ("server", .string(server)),
        ("user", connection.user.map { .string($0.text) } ?? .null),
      ])
    )
  }

  private func connect(_ command: Command) throws {
    let id = newConnectionID()
    let bound = NIOLoopBound(self, eventLoop: loop)
    let channel = makeChannel(meeting.connectToKit())
    let service = LibraryService(loop: loop) { observation, context in
      bound.value.connected(context.connection, id)
      bound.value.note(observation, on: context.connection)
    }
    let security = try LibraryWords.clientSecurity(command)
    let configuration = try LibraryWords.configuration(command)
    let address = try Address(command.members["address"]?.string ?? "")
    run(command) {
      let connection = try await Connection.open(
        over: channel,
        address: address,
        security: security,
        configuration: configuration,
        handlers: Handlers(
          request: service.handler,
          close: { connection, end in
            bound.value.connected(connection, id)
            bound.value.closed(connection, end)
          }
        )
      )
      bound.value.connected(connection, id)
      bound.value.releaseEvents(of: id)
      return ["connection": .string(id)]
    }
  }

  /// A client's connection is there; its events wait for the reply to the command.
  private func connected(_ connection: Connection, _ id: String) {
    guard connections[id] == nil else { return }
    connections[id] = LibraryConnection(connection: connection, heldEvents: [])
    connectionIDs[ObjectIdentifier(connection)] = id
  }

  /// Right before the reply: the clock lets nobody look between the two.
  private func releaseEvents(of id: String) {
    let held = connections[id]?.heldEvents ?? []
    connections[id]?.heldEvents = nil
    for event in held { report(event.name, event.members) }
  }

  private func stop(_ command: Command) throws {
    guard let server = servers.removeValue(forKey: command.members["server"]?.string ?? "")?.server else {
      throw Refusal(kind: "other", message: "there is no such server")
    }
    let isGraceful = command.members["graceful"]?.bool ?? true
    run(command) {
      await server.stop(isGraceful ? .graceful : .immediate)
      return [:]
    }
  }

  // MARK: Events

  private func note(_ observation: LibraryService.Observation, on connection: Connection) {
    switch observation {
    case .called(let request): report("request", [("payload", .string(request.hexadecimal))], of: connection)
    case .cancelled(let request): report("cancelled", [("payload", .string(request.hexadecimal))], of: connection)
    }
  }

  private func closed(_ connection: Connection, _ end: ConnectionEnd) {
    var members = [("reason", JSON.string(end.reason.rawValue))]
    if let code = end.code { members += [("code", .string(code)), ("message", .string(end.message))] }
    report("closed", members, of: connection)
    guard let id = connectionIDs[ObjectIdentifier(connection)] else { return }
    connections[id]?.hasEnded = true
    for sequence in connections[id]?.endWaiters ?? [] { reply(to: sequence, ok: [:]) }
    connections[id]?.endWaiters = []
  }

  private func report(_ name: String, _ members: [(String, JSON)], of connection: Connection) {
    guard let id = connectionIDs[ObjectIdentifier(connection)] else { return }
    let members = JSON.Object([("connection", .string(id))] + members)
    if connections[id]?.heldEvents == nil {
      report(name, members)
    } else {
      connections[id]?.heldEvents?.append((name, members))
    }
  }
}
