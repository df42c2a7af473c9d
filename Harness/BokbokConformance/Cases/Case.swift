/// A live case: what the kit sends, what it expects, and why that is right. Written as data in `Harness/Cases`.
package struct Case: Sendable {
  /// Whether a failure fails the run (`must`) or is a warning (`should`).
  package enum Level: String, Sendable {
    case must
    case should
  }

  /// How far the first connection is opened before the first step.
  enum Start: String, Sendable {
    case none
    case stream
    case flight
    case keys
    case open
  }

  /// The requirement it tests, a slash, and a name: `F-1/unknown-kind`.
  package let id: String
  /// The name of the file's subject.
  package let subject: String
  package let title: String
  /// The clauses of the specification that it proves.
  package let clauses: [String]
  package let level: Level
  /// The roles of the testee in which it runs.
  package let roles: [Configuration.Role]
  package let security: [Configuration.Security]
  package let transports: [Configuration.Transport]
  /// Features that the testee must have declared.
  package let needs: [String]
  /// Why the expected outcome is right.
  package let why: String
  let start: Start
  let opening: OpeningStep
  let receiveBufferByteCount: Int?
  var testee: TesteeOptions
  /// Whether a connection that is open after the last step is closed in order.
  let closesAtEnd: Bool
  var steps: [Step]
  /// SHA-256 over what is played and demanded, in hexadecimal: two cases that demand the same have the same.
  package var digest = ""
  /// The case as it stands in its file; null for one that stands in none.
  var source = JSON.null

  /// The requirement, such as `F-1`.
  package var requirement: String { String(id.prefix { $0 != "/" }) }

  /// The letters of the requirement, such as `F`: the section that a table counts by.
  package var section: String { String(id.prefix { $0 != "-" }) }

  /// Whether it judges how much memory the testee's process keeps.
  package var boundsMemory: Bool { steps.contains(where: \.boundsMemory) }

  /// Whether the case runs in a configuration.
  func applies(to configuration: Configuration) -> Bool {
    guard roles.contains(configuration.role), security.contains(configuration.security) else { return false }
    // Nothing is transported on the other levels; what is about a transport is not applicable there, with the reason.
    guard configuration.level == .live else { return true }
    guard transports.contains(configuration.transport) else { return false }
    // A process that serves its standard input and output has one connection: there is nothing to count.
    return !(configuration.isProcessForEachConnection && testee.countsConnections)
  }
}

/// What a case asks of the testee's `listen` or `connect`.
struct TesteeOptions: Sendable, Equatable {
  /// Members for the command, ready to send: `settings`, `limits`.
  var settings: JSON?
  var limits: JSON?
  /// Users of a sealed server, by name, keys in hexadecimal; nil for the usual one.
  var users: JSON?
  /// The user and key of a sealed client; nil for the usual ones.
  var user: String?
  var key: String?
  /// What a testee that connects over standard input and output starts; nil for a relay that only relays.
  var relay: RelayOptions?
  /// What the standard input and output of a testee that serves them are.
  var standardStreams = StandardStreams.pipes

  /// What connects a process that is started with `--stdio` to the kit.
  enum StandardStreams: String, Sendable {
    case pipes
    /// A socket for each.
    case sockets
    /// One socket that is both, as inetd and systemd pass it.
    case socket
  }

  /// Whether the server is to bound how many connections it has, or how many are opening.
  var countsConnections: Bool { limits?["maxConnections"] != nil || limits?["maxOpening"] != nil }
}

/// What the relay does besides relaying, and with which words it is started.
struct RelayOptions: Sendable, Equatable {
  /// It does not end with its connection, but waits for a signal.
  var lingers = false
  /// It outlives SIGTERM.
  var ignoresTermination = false
  /// The end of the address, as it stands there: further words, quoted as in a shell.
  var arguments = ""
}

/// One way in which the kit and a testee meet.
package struct Configuration: Sendable, Hashable {
  /// What the testee is.
  package enum Role: String, Sendable, CaseIterable {
    case server
    case client
  }

  package enum Security: String, Sendable, CaseIterable {
    case plain
    case sealed
  }

  package enum Transport: String, Sendable, CaseIterable {
    case tcp
    case unix
    case stdio
  }

  /// What is played with, and by whose time.
  package enum Level: String, Sendable, CaseIterable {
    /// The library's core alone: bytes and calls, a clock that jumps, no I/O.
    case core
    /// The library, over channels in memory, with a clock that jumps.
    case memory
    /// A testee of its own, over real streams.
    case live
  }

  package let security: Security
  package let transport: Transport
  package let role: Role
  package let level: Level

  package init(security: Security, transport: Transport, role: Role, level: Level = .live) {
    self.security = security
    self.transport = transport
    self.role = role
    self.level = level
  }

  /// The path that stands behind a case's id: `sealed/unix/server`, or `sealed/core/server` where nothing is transported.
  package var path: String {
    "\(security.rawValue)/\(level == .live ? transport.rawValue : level.rawValue)/\(role.rawValue)"
  }

  /// Whether each connection is to a process of its own, which the kit starts with `--stdio`.
  var isProcessForEachConnection: Bool { transport == .stdio && role == .server }

  /// All that this kit can play on a level, in the order of the tables.
  package static func all(on level: Level) -> [Configuration] {
    guard level != .live else { return all }
    return Security.allCases.flatMap { security in
      Role.allCases.map { Configuration(security: security, transport: .unix, role: $0, level: level) }
    }
  }

  /// All on all levels.
  package static let everywhere = Level.allCases.flatMap { all(on: $0) }

  /// All that this kit can play live, in the order of the tables.
  package static let all: [Configuration] = Security.allCases.flatMap { security in
    Transport.allCases.flatMap { transport in
      Role.allCases.map { Configuration(security: security, transport: transport, role: $0) }
    }
  }
}
