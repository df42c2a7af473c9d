internal import ArgumentParser
internal import Bokbok
internal import Logging

/// How a client connects: the address, the user and the time limit.
struct ConnectionOptions: ParsableArguments {
  @Argument(help: "Where the server listens: tcp:HOST:PORT, unix:PATH or exec:COMMAND; see bokbok --help.")
  var address: String

  @Option(help: "The name to connect with, over a sealed connection. Without it the connection is plain.")
  var user: String?

  @Option(help: ArgumentHelp("The file with the user's key, mode 0600.", valueName: "file"))
  var keyFile: String?

  @Option(help: ArgumentHelp("How long it may take in all; 0.001 to 1000000 seconds.", valueName: "seconds"))
  var timeout: Double = 30

  func validate() throws {
    if let user { try UserArgument.check(user) }
    guard (user == nil) == (keyFile == nil) else {
      throw ValidationError(
        "--user NAME and --key-file FILE go together: both for a sealed connection, neither for a plain one."
      )
    }
    guard (0.001...1_000_000).contains(timeout) else {
      throw ValidationError("--timeout is a number of seconds from 0.001 to 1000000, but \(timeout) was given.")
    }
  }

  /// Opens the connection.
  func open() async throws -> Connection {
    var configuration = Configuration()
    configuration.connectTimeout = .seconds(timeout)
    configuration.handshakeTimeout = .seconds(timeout)
    // Nothing that matters is under way when a command closes.
    configuration.drainTimeout = .seconds(1)
    // whoever gives the address runs commands anyway.
    var commands = CommandOptions()
    commands.errorLine = { StandardStream.error.writeOrIgnore("\(String(displaying: $0))\n") }
    configuration.commands = commands
    return try await Connection.open(
      try Address(address),
      security: try security(),
      configuration: configuration,
      logger: Logger(label: "bokbok") { _ in SwiftLogNoOpLogHandler() }
    )
  }

  /// When the time limit has passed, for what began now.
  func deadline() -> ContinuousClock.Instant { .now + .seconds(timeout) }

  private func security() throws -> ClientSecurity {
    guard let user, let keyFile else { return .plain }
    return .sealed(user: try UserName(user), key: try KeyFile.read(keyFile))
  }
}
