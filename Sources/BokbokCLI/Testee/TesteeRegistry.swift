internal import Bokbok
internal import NIOConcurrencyHelpers

/// The servers and connections of a testee, by their ids in the contract.
final class TesteeRegistry: Sendable {
  /// How many connections that have ended are remembered: a request on one gets the kind of its end.
  private static let endedConnectionsMax = 64

  private struct Entry {
    let connection: Connection
    let testeeConnection: TesteeConnection
    var hasEnded = false
  }

  private struct State {
    var serverCount = 0
    var connectionCount = 0
    var servers: [String: Server] = [:]
    var entries: [String: Entry] = [:]
    var ids: [ObjectIdentifier: String] = [:]
    /// Those that have ended, the oldest first.
    var endedIDs: [String] = []
  }

  private let state = NIOLockedValueBox(State())

  func newServerID() -> String {
    state.withLockedValue { state in
      state.serverCount += 1
      return "server-\(state.serverCount)"
    }
  }

  func newConnectionID() -> String {
    state.withLockedValue { state in
      state.connectionCount += 1
      return "connection-\(state.connectionCount)"
    }
  }

  func add(_ server: Server, as id: String) {
    state.withLockedValue { $0.servers[id] = server }
  }

  /// Forgets a server and returns it.
  func removeServer(_ id: String) -> Server? {
    state.withLockedValue { $0.servers.removeValue(forKey: id) }
  }

  func add(_ connection: Connection, as testeeConnection: TesteeConnection) {
    state.withLockedValue { state in
      state.entries[testeeConnection.id] = Entry(connection: connection, testeeConnection: testeeConnection)
      state.ids[ObjectIdentifier(connection)] = testeeConnection.id
    }
  }

  /// The connection of an id.
  ///
  /// - Throws: a failure if there is none.
  func connection(_ id: String) throws(TesteeFailure) -> Connection {
    guard let entry = state.withLockedValue({ $0.entries[id] }) else {
      throw TesteeFailure(.other, "there is no connection \"\(String(displaying: id))\"")
    }
    return entry.connection
  }

  func testeeConnection(_ id: String) -> TesteeConnection? {
    state.withLockedValue { $0.entries[id] }?.testeeConnection
  }

  func testeeConnection(of connection: Connection) -> TesteeConnection? {
    state.withLockedValue { state in state.ids[ObjectIdentifier(connection)].flatMap { state.entries[$0] } }?
      .testeeConnection
  }

  func connections(of server: String) -> [TesteeConnection] {
    state.withLockedValue { $0.entries.values.map(\.testeeConnection) }.filter { $0.server == server }
  }

  /// Remembers that a connection has ended, and forgets the one that ended longest ago if those are too many.
  func markEnded(_ connection: Connection) {
    state.withLockedValue { state in
      guard let id = state.ids[ObjectIdentifier(connection)], state.entries[id]?.hasEnded == false else { return }
      state.entries[id]?.hasEnded = true
      state.endedIDs.append(id)
      guard state.endedIDs.count > TesteeRegistry.endedConnectionsMax else { return }
      if let entry = state.entries.removeValue(forKey: state.endedIDs.removeFirst()) {
        state.ids[ObjectIdentifier(entry.connection)] = nil
      }
    }
  }

  /// Stops all servers at once, which removes their sockets, and aborts all connections.
  func dropEverything() async {
    let (servers, connections) = state.withLockedValue { state in
      (Array(state.servers.values), state.entries.values.map(\.connection))
    }
    for connection in connections { connection.abort() }
    for server in servers { await server.stop(.immediate) }
  }
}
