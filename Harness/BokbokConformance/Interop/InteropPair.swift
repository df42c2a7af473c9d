internal import Foundation

/// Two testees that talk to each other, driven over the contract from one thread. Over `stdio:` only the client is driven:
/// it starts the server itself, and the server's own view stays unseen.
final class InteropPair {
  enum Side: CaseIterable {
    case client
    case server
  }

  /// One connection, as each side calls it. The server's name is nil where the server is not driven.
  struct Link {
    let client: String
    let server: String?

    func id(on side: Side) -> String? { side == .client ? client : server }
  }

  /// Some user names are not ASCII.
  static let user = "zoë"
  static let key = String(repeating: "5b", count: 32)

  private(set) var configuration: InteropConfiguration
  private let poller: Poller
  /// A folder for sockets, with a short path.
  private let directory: String
  private let limit: Duration
  private var testees: [Side: TesteeProcess] = [:]
  private(set) var serverID = ""
  private(set) var address = ""

  /// - Parameter stop: what asks the run to end, which ends each wait; nil where nothing does.
  init(_ configuration: InteropConfiguration, directory: String, limit: Duration, stop: RunStop?) {
    self.configuration = configuration
    self.directory = directory
    self.limit = limit
    self.poller = Poller(stop: stop)
  }

  var isSealed: Bool { configuration.security == .sealed }
  var isServerDriven: Bool { configuration.transport != .stdio }
  /// The sides that can be told to send requests.
  var drivenSides: [Side] { isServerDriven ? [.client, .server] : [.client] }
  private var users: JSON { [Self.user: .string(Self.key)] }
  /// Where the servers that the client has started in this scenario leave their processes' numbers, the last one last.
  private var processIDPath: String { "\(directory)/server.pid" }

  // MARK: Processes

  /// From now on the two meet over another way: the server of the former one is stopped.
  func move(to configuration: InteropConfiguration) throws {
    guard configuration.way != self.configuration.way else { return }
    if isServerDriven, testees[.server] != nil, !address.isEmpty {
      let members = JSON.Object([("server", .string(serverID)), ("graceful", .bool(false))])
      try success(.server, send(.server, "stop", members), "stop")
    }
    self.configuration = configuration
    serverID = ""
    address = ""
  }

  /// Starts what does not run, and the server.
  func start() throws {
    if testees[.client] == nil { try startTestee(.client) }
    if isServerDriven {
      let isNew = testees[.server] == nil
      if isNew { try startTestee(.server) }
      if isNew || address.isEmpty { try listen() }
    } else if !isServerDriven, address.isEmpty {
      address = "exec:\(try makeLauncher())"
    }
  }

  private func startTestee(_ side: Side) throws {
    let implementation = (side == .client ? configuration.client : configuration.server).implementation
    let testee = try TesteeProcess(
      command: implementation.command,
      directory: implementation.directory,
      poller: poller,
      contract: nil
    )
    testees[side] = testee
    _ = try Preflight.hello(testee, poller: poller)
  }

  /// Tells the server's testee to listen, for a UNIX socket always at the same path.
  func listen() throws {
    let place: SocketAddress =
      configuration.transport == .unix ? .unix(path: "\(directory)/server") : .tcpLoopback()
    var members = JSON.Object([("address", .string(place.text))])
    if isSealed { members["users"] = users }
    let result = try success(.server, send(.server, "listen", members), "listen")
    guard let id = result["server"]?.string, let address = result["address"]?.string else {
      throw CaseFailure(expected: "a server and its address in the reply to listen", got: result.encodedText)
    }
    self.serverID = id
    self.address = address
  }

  /// A program that becomes the server on its standard input and output, and leaves its process's number in a file.
  private func makeLauncher() throws -> String {
    let implementation = configuration.server.implementation
    var words = implementation.command + ["--stdio"]
    if isSealed {
      let path = "\(directory)/users.json"
      try Data(users.encodedText.utf8).write(to: URL(fileURLWithPath: path))
      words += ["--users-file", path]
    }
    var lines = ["#!/bin/sh", "echo $$ >> \(Self.quoted(processIDPath))"]
    if let folder = implementation.directory {
      let absolute = URL(fileURLWithPath: folder).standardizedFileURL.path
      lines.append("cd \(Self.quoted(absolute)) || exit 126")
    }
    lines.append("exec " + words.map(Self.quoted).joined(separator: " "))
    let path = "\(directory)/serve"
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o700)
    return path
  }

  private static func quoted(_ word: String) -> String {
    "'" + word.replacingOccurrences(of: "'", with: #"'\''"#) + "'"
  }

  /// Kills a side's process without a warning; ``start()`` replaces it.
  func kill(_ side: Side) throws {
    if side == .client || isServerDriven {
      testees.removeValue(forKey: side)?.release()
    } else {
      guard let number = startedServers.last else {
        throw CaseFailure(expected: "the client to have started the server", got: "no process's number")
      }
      Foundation.kill(number, SIGKILL)
    }
  }

  /// The processes of the servers that the client has started in this scenario.
  private var startedServers: [pid_t] {
    let text = (try? String(contentsOfFile: processIDPath, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { pid_t($0) }.filter { $0 > 1 }
  }

  /// Ends both processes, in order or at once.
  func end(atOnce: Bool) {
    for testee in testees.values {
      if atOnce || testee.failure != nil {
        testee.release()
      } else {
        do { _ = try testee.end(within: GroupRunner.endLimit) } catch { testee.release() }
      }
    }
    testees = [:]
    // A server that the client has started may be in no process group of this one, and need not see that the client is gone.
    if atOnce {
      for server in startedServers { Foundation.kill(getpgid(server) == server ? -server : server, SIGKILL) }
    }
  }

  func beginScenario() {
    // What an earlier scenario has started has ended, and its numbers may be other processes' by now.
    unlink(processIDPath)
    for testee in testees.values { testee.beginCase() }
  }

  /// What both were told and said, in the order of time, and what they wrote to standard error.
  var trace: [String] {
    let entries = testees.flatMap { side, testee in
      testee.log.map { (time: $0.time, line: "\(side) \($0.isSent ? "<" : ">") \($0.shown(300))") }
    }
    let errors = testees.flatMap { side, testee in
      String(decoding: testee.errorText, as: UTF8.self).split(separator: "\n").suffix(20).map { "\(side) ! \($0)" }
    }
    return entries.sorted { $0.time < $1.time }.suffix(60).map(\.line) + errors
  }

  // MARK: Commands

  func send(_ side: Side, _ command: String, _ members: JSON.Object = JSON.Object()) -> Int {
    testees[side]?.send(command, members) ?? 0
  }

  /// What a command's reply holds, once it has succeeded.
  @discardableResult
  func success(_ side: Side, _ sequence: Int, _ what: String) throws -> JSON {
    let reply = try reply(side, sequence, what)
    guard let result = reply["ok"] else {
      throw CaseFailure(expected: "\(what) to succeed at the \(side)", got: reply.encodedText)
    }
    return result
  }

  /// The error of a command that has to fail, of one of these kinds; without any, of whatever kind.
  @discardableResult
  func failure(_ side: Side, _ sequence: Int, _ what: String, kinds: [String]) throws -> JSON {
    let reply = try reply(side, sequence, what)
    let kind = reply["error"]?["kind"]?.string
    guard let error = reply["error"], let kind, kinds.isEmpty || kinds.contains(kind) else {
      let expected = kinds.isEmpty ? "an error" : "an error of the kind \(kinds.joined(separator: " or "))"
      throw CaseFailure(expected: "\(expected) for \(what) at the \(side)", got: reply.encodedText)
    }
    return error
  }

  /// The reply to a command of which either end may come.
  func outcome(_ side: Side, _ sequence: Int, _ what: String) throws -> JSON {
    try reply(side, sequence, what)
  }

  private func reply(_ side: Side, _ sequence: Int, _ what: String) throws -> JSON {
    try wait("the \(side)'s reply to \(what)") { testees[side]?.takeReply(to: sequence) }
  }

  /// Takes the first event of a side that fits.
  @discardableResult
  func event(_ side: Side, _ name: String, _ connection: String? = nil) throws -> JSON {
    try wait("the event \(name) at the \(side)") {
      guard let testee = testees[side] else { return nil }
      let index = testee.events.firstIndex { event in
        event["event"]?.string == name && (connection == nil || event["connection"]?.string == connection)
      }
      return index.map { testee.events.remove(at: $0) }
    }
  }

  private func wait<Result>(_ what: String, for condition: () throws -> Result?) throws -> Result {
    let result = try poller.wait(until: .now + limit) { () throws -> Result? in
      if let result = try condition() { return result }
      for testee in testees.values {
        if let failure = testee.failure { throw failure }
      }
      return nil
    }
    guard let result else { throw TimedOut(waitedFor: what, limit: limit) }
    return result
  }

  // MARK: Connections

  /// Opens a connection with the right user and key, and with these settings of the client.
  func connect(settings: JSON? = nil) throws -> Link {
    let result = try success(.client, sendConnect(settings: settings), "connect")
    guard let client = result["connection"]?.string else {
      throw CaseFailure(expected: "a connection in the reply to connect", got: result.encodedText)
    }
    guard isServerDriven else { return Link(client: client, server: nil) }
    let opened = try event(.server, "opened")
    guard opened["user"] == (isSealed ? .string(Self.user) : .null) else {
      throw CaseFailure(expected: "the event opened to name the user", got: opened.encodedText)
    }
    return Link(client: client, server: opened["connection"]?.string)
  }

  func sendConnect(
    user: String = InteropPair.user,
    key: String = InteropPair.key,
    sealed: Bool? = nil,
    settings: JSON? = nil
  ) -> Int {
    var members = JSON.Object([("address", .string(address))])
    members["settings"] = settings
    if sealed ?? isSealed {
      members["user"] = .string(user)
      members["key"] = .string(key)
    }
    return send(.client, "connect", members)
  }

  func request(_ side: Side, _ link: Link, _ payload: InteropPayload) -> Int {
    var members = members(side, link)
    members["payload"] = .string(payload.hex)
    return send(side, "request", members)
  }

  /// Checks the answer to a request.
  func expect(_ side: Side, _ sequence: Int, _ answer: InteropPayload) throws {
    let result = try success(side, sequence, "request")
    guard let response = result["response"]?.string, response == answer.hex else {
      let got = result["response"]?.string.map { InteropPayload(hex: $0).shown } ?? result.encodedText
      throw CaseFailure(expected: "the \(side) to be answered \(answer.shown)", got: got)
    }
  }

  /// The members of a command about a connection.
  func members(_ side: Side, _ link: Link) -> JSON.Object {
    JSON.Object([("connection", .string(link.id(on: side) ?? ""))])
  }

  func ping(_ side: Side, _ link: Link) throws {
    try success(side, send(side, "ping", members(side, link)), "ping")
  }

  /// Closes a connection from the client, and sees it end well on both sides.
  func close(_ link: Link) throws {
    try success(.client, send(.client, "close", members(.client, link)), "close")
    try expectClosed(link, reason: "clean", code: "normal")
  }

  /// Sees the end of a connection on every driven side.
  func expectClosed(_ link: Link, reason: String, code: String?) throws {
    for side in drivenSides where testees[side] != nil {
      let closed = try event(side, "closed", link.id(on: side))
      guard closed["reason"]?.string == reason, code == nil || closed["code"]?.string == code else {
        let expected = "the \(side)'s connection to end \(reason)" + (code.map { " with the code \($0)" } ?? "")
        throw CaseFailure(expected: expected, got: closed.encodedText)
      }
    }
  }
}
