internal import Bokbok
internal import BokbokConformance
internal import Logging
internal import NIOConcurrencyHelpers

/// The implementation under test: reads commands, carries them out with the library, and reports what happens.
///
/// Commands overlap. Each runs in a task, and all tasks on one executor, so that two commands on the same connection take
/// effect in their order; a reply comes when its command is done.
final class Testee: Sendable {
  /// The version of the contract that is spoken here.
  static let contractVersion = 1

  let output: TesteeOutput
  let registry = TesteeRegistry()
  let logger: Logger
  private let executor = TesteeExecutor()
  private let requests = NIOLockedValueBox<[Int: Task<Void, Never>]>([:])

  init(output: TesteeOutput, logger: Logger) {
    self.output = output
    self.logger = logger
  }

  /// Carries out commands until the lines end or one says `quit`; then drops all connections and removes the sockets.
  func run(lines: some AsyncSequence<[UInt8], Never>) async {
    // The runtime opens the descriptor of its timers when the first one is set, and keeps it: that must have happened
    // before the harness begins to count descriptors. A short timer may pass before it is set, so there is a long one
    // before it.
    let longTimer = Task { try await Task.sleep(for: .seconds(86_400)) }
    defer { longTimer.cancel() }
    try? await Task.sleep(for: .milliseconds(5))
    for await line in lines {
      let command: TesteeCommandLine
      do throws(TesteeCommandLine.Unreadable) {
        command = try TesteeCommandLine(line)
      } catch {
        let sequence = error.sequence.map { JSON.integer($0) } ?? .null
        output.write(["seq": sequence, "error": TesteeFailure(.malformed, error.message).json])
        continue
      }
      if command.name == "quit" {
        await end()
        output.write(Testee.reply(to: command, [:]))
        output.flush()
        return
      }
      start(command)
    }
    await end()
    output.flush()
  }

  /// Drops everything, after the commands that came before have begun.
  private func end() async {
    await Task(executorPreference: executor) { await self.registry.dropEverything() }.value
    // those of exec: end with their connections.
    await Connection.waitUntilCommandsEnded()
  }

  private func start(_ command: TesteeCommandLine) {
    requests.withLockedValue { requests in
      let task = Task(executorPreference: executor) {
        await self.carryOut(command)
        self.requests.withLockedValue { $0[command.sequence] = nil }
      }
      if command.name == "request" { requests[command.sequence] = task }
    }
  }

  private func carryOut(_ command: TesteeCommandLine) async {
    do {
      if command.name == "connect" {
        // Its reply and the events of the connection have to keep their order.
        try await connect(command)
      } else {
        output.write(Testee.reply(to: command, try await result(of: command)))
      }
    } catch {
      output.write(["seq": .integer(command.sequence), "error": TesteeFailure(error).json])
    }
  }

  /// The reply that says that a command is done.
  static func reply(to command: TesteeCommandLine, _ result: JSON) -> JSON {
    ["seq": .integer(command.sequence), "ok": result]
  }

  private func result(of command: TesteeCommandLine) async throws -> JSON {
    switch command.name {
    case "hello":
      return Testee.hello
    case "listen":
      return try await listen(command)
    case "request":
      let connection = try registry.connection(try command.string("connection"))
      let payload = try command.bytes("payload")
      let request: Value
      do {
        request = try Value(decoding: payload)
      } catch {
        throw TesteeFailure(.malformed, "the payload is not a value: \(error)")
      }
      return ["response": .string(try await connection.request(request).hexadecimal)]
    case "cancel":
      let sequence = try command.integer("request")
      // One that has just been answered is not there any more.
      requests.withLockedValue { $0[sequence] }?.cancel()
      return [:]
    case "ping":
      _ = try await registry.connection(try command.string("connection")).ping()
      return [:]
    case "close":
      return try await close(command)
    case "abort":
      let id = try command.string("connection")
      try registry.connection(id).abort()
      await registry.testeeConnection(id)?.waitUntilEndReported()
      return [:]
    case "stop":
      return try await stop(command)
    case "deriveKey":
      return try await TesteeCodec.deriveKey(command)
    case "decodeValue":
      return try TesteeCodec.decodeValue(command)
    case "encodeValue":
      return try TesteeCodec.encodeValue(command)
    default:
      throw TesteeFailure(.unsupported, "the command \"\(String(displaying: command.name))\" is not known")
    }
  }

  private static let hello: JSON = [
    "contract": .integer(contractVersion),
    "name": "bokbok-swift",
    "version": .string(Version.current),
    "roles": ["client", "server"],
    "transports": ["tcp", "unix", "stdio"],
    "security": ["plain", "sealed"],
    "features": ["derive-key", "value-codec", "keepalive", "exec", "control-fd"],
  ]
}
