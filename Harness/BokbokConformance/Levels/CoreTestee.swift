internal import BokbokCore
internal import NIOCore

/// The library's core as an implementation under test: the commands of the testee contract become calls of its connection
/// machines, without any I/O.
///
/// What is above the core is as small as it can be: admission by counting, keys from a table, the conformance service.
final class CoreTestee: VirtualTestee {
  let entropy: VirtualEntropy
  /// Where the machines' traffic keys lie.
  let slab = KeySlab()
  private let meeting: VirtualMeeting
  private var servers: [String: CoreServer] = [:]
  private var connections: [String: CoreConnection] = [:]
  private var connectionCount = 0
  private var serverCount = 0
  /// Own requests under way, by the command that made them.
  var requests: [Int: (connection: CoreConnection, exchange: ExchangeID)] = [:]
  /// Commands that are answered once all connections of a server are gone.
  private var stopping: [(server: CoreServer, sequence: Int)] = []

  init(clock: VirtualClock, entropy: VirtualEntropy, meeting: VirtualMeeting) {
    self.entropy = entropy
    self.meeting = meeting
    super.init(clock: clock)
  }

  /// What `hello` declares.
  static let declaration = declaration(named: "bokbok-swift, its core")

  override func release() {
    for connection in connections.values {
      clock.remove(connection)
      connection.release()
    }
    connections = [:]
    servers = [:]
    requests = [:]
    stopping = []
    super.release()
  }

  override func carryOut(_ command: Command) throws -> JSON? {
    switch command.name {
    case "hello": return Self.declaration
    case "listen": return try listen(command)
    case "connect": try connect(command)
    case "request": try connection(of: command).request(command)
    case "cancel":
      if let request = command.members["request"]?.integer, let (connection, exchange) = requests[request] {
        connection.cancelRequest(exchange)
      }
      return [:]
    case "ping": try connection(of: command).ping(command)
    case "close": try connection(of: command).close(command)
    case "abort": try connection(of: command).abort(command)
    case "stop": try stop(command)
    default: return try super.carryOut(command)
    }
    return nil
  }

  private func connection(of command: Command) throws -> CoreConnection {
    try connection(of: command, among: connections)
  }

  // MARK: Servers and clients

  private func listen(_ command: Command) throws -> JSON {
    let address = command.members["address"]?.string ?? ""
    serverCount += 1
    let server = try CoreServer(id: "server-\(serverCount)", address: address, command)
    servers[server.id] = server
    return ["server": .string(server.id), "address": .string(address)]
  }

  override func accept(_ stream: VirtualStream, _ address: SocketAddress) -> Bool {
    guard let server = servers.values.first(where: { $0.address == address.text }) else { return false }
    do {
      add(try CoreConnection(server: server, id: newConnectionID(), stream: stream, testee: self))
    } catch {
      // No memory for secrets: as if nobody listened.
      return false
    }
    return true
  }

  private func connect(_ command: Command) throws {
    let connection = try CoreConnection(
      client: command,
      id: newConnectionID(),
      stream: meeting.connectToKit(),
      testee: self
    )
    add(connection)
  }

  private func newConnectionID() -> String {
    connectionCount += 1
    return "connection-\(connectionCount)"
  }

  private func add(_ connection: CoreConnection) {
    connections[connection.id] = connection
    clock.add(connection)
  }

  private func stop(_ command: Command) throws {
    guard let server = servers.removeValue(forKey: command.members["server"]?.string ?? "") else {
      throw Refusal(kind: "other", message: "there is no such server")
    }
    let isGraceful = command.members["graceful"]?.bool ?? true
    for connection in connections.values.filter({ $0.server === server }).sorted(by: { $0.id < $1.id }) {
      connection.stop(isGraceful: isGraceful)
    }
    stopping.append((server, command.sequence))
    answerStops()
  }

  /// A connection has closed its stream.
  func hasClosed(_ connection: CoreConnection) {
    clock.remove(connection)
    answerStops()
  }

  private func answerStops() {
    for (server, sequence) in stopping {
      guard connections.values.allSatisfy({ $0.server !== server || $0.isClosed }) else { continue }
      stopping.removeAll { $0.sequence == sequence }
      reply(to: sequence, ok: [:])
    }
  }
}

/// What a server of the core's testee has.
final class CoreServer {
  let id: String
  let address: String
  let configuration: MachineConfiguration
  let isSealed: Bool
  let connectionsMax: Int
  /// Connections that are open and have not ended.
  var openCount = 0
  private let keys: [[UInt8]: [UInt8]]

  init(id: String, address: String, _ command: VirtualTestee.Command) throws {
    self.id = id
    self.address = address
    self.configuration = try MachineConfiguration(command)
    let users = command.members["users"]?.object
    self.isSealed = users != nil
    self.connectionsMax = command.members["limits"]?["maxConnections"]?.integer ?? .max
    var keys: [[UInt8]: [UInt8]] = [:]
    for (name, digits) in users?.members ?? [] {
      keys[Array(name.utf8)] = Hexadecimal.bytes(digits.string ?? "")
    }
    self.keys = keys
  }

  /// H-4: what is not a key of 32 bytes makes the user unknown.
  func keys(of user: ByteBuffer) -> [PresharedKey] {
    keys[Array(user.readableBytesView)].flatMap { try? PresharedKey(bytes: $0) }.map { [$0] } ?? []
  }
}

extension MachineConfiguration {
  /// The limits that a command of the contract asks for.
  init(_ command: VirtualTestee.Command) throws {
    self.init()
    let settings = command.members["settings"]
    func number(_ name: String) throws -> UInt32? {
      guard let value = settings?[name] else { return nil }
      guard let number = value.integer.flatMap({ UInt32(exactly: $0) }) else {
        throw VirtualTestee.Refusal(kind: "other", message: "\(name) cannot be \(value.encodedText)")
      }
      return number
    }
    self.settings = try Settings(
      messageBytesMax: number("max-message") ?? Settings.messageBytesDefault,
      requestsMax: number("max-requests") ?? Settings.requestsDefault,
      partialBytesMax: number("max-partial")
    )
    let limits = command.members["limits"]
    func time(_ name: String) -> TimeAmount? { limits?[name]?.integer.map { .milliseconds(Int64($0)) } }
    if let time = time("handshakeMs") { handshakeTimeout = time }
    if let time = time("drainMs") { drainTimeout = time }
    if let time = time("endMs") { endTimeout = time }
    if let time = time("keepaliveMs"), time > .zero { keepaliveInterval = time }
    keepaliveTimeout = time("keepaliveTimeoutMs")
  }
}
