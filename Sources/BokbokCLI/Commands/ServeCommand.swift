internal import ArgumentParser
internal import Bokbok
internal import Logging

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// `bokbok serve`: a server that answers by itself or runs a command for each request.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Listen, and answer requests.",
    discussion: """
      Prints the address on standard output once it listens, with the port that the system chose for port 0; logs go to \
      standard error. On stdio: it prints nothing, serves one connection on standard input and output, and ends with it.

      Requests: \(EchoService.help). With --handler a command answers them. \(HandlerCommand.help)

      A users file has a line for each user: the name, blanks and the key of 64 hexadecimal digits. Empty lines and \
      those that begin with # are skipped, and a # after the key begins a comment. A name is written as it is, or, where \
      it has blanks or control characters or begins with # or a quote, as a string in double quotes with the escapes \
      \\" \\\\ \\n \\t \\xHH. Several lines for one name, at most \(UsersFile.keysForUserMax), give it several keys, each \
      good, to change keys one side at a time. The file has mode 0600. bokbok key --users-line prints such lines.

      SIGHUP reads the users file again; a bad one is not taken over. SIGTERM or SIGINT ends the server once what is \
      under way is done, at most after the drain time limit; a second one ends it at once.
      """
  )

  @Argument(help: "Where to listen: tcp:HOST:PORT, port 0 for any, unix:PATH or stdio:; see bokbok --help.")
  var address: String?

  @Flag(help: "Serve on the socket that systemd passes (LISTEN_FDS) in place of an address.")
  var activated = false

  @Option(
    help: ArgumentHelp("With --activated: the socket of this FileDescriptorName.", valueName: "name")
  )
  var activatedName: String?

  @Flag(help: "Take plain connections: neither encrypted nor authenticated.")
  var plain = false

  @Option(help: ArgumentHelp("Take sealed connections of the users in this file.", valueName: "file"))
  var users: String?

  @Option(help: ArgumentHelp("Run this command for each request.", valueName: "command"))
  var handler: String?

  @Option(help: "How many handler commands run at once, 1 to 256.")
  var handlerProcesses = 16

  @Option(
    help: ArgumentHelp("From SIGTERM to SIGKILL for a command that is to end, 0 to 86400.", valueName: "seconds")
  )
  var handlerKillDelay = 2.0

  @OptionGroup(title: "Limits") var limits: ServeLimits

  @Option(help: LogLevel.help)
  var logLevel: LogLevel = .info

  func validate() throws {
    guard (address == nil) == activated else {
      throw ValidationError(
        activated
          ? "With --activated there is no address: the server takes the socket that systemd passes."
          : "Say where to listen: an address, such as tcp:127.0.0.1:4711, or --activated for a socket of systemd."
      )
    }
    guard activatedName == nil || activated else {
      throw ValidationError("--activated-name says which socket --activated takes: give both.")
    }
    guard plain == (users == nil) else {
      throw ValidationError(
        plain
          ? "--plain and --users exclude each other: a server takes either plain or sealed connections."
          : "Say which connections to take: --users FILE for sealed ones, or --plain for unprotected ones."
      )
    }
    try checkHandlerOptions()
  }

  private func checkHandlerOptions() throws {
    guard (1...256).contains(handlerProcesses) else {
      throw ValidationError("--handler-processes is a number from 1 to 256, but \(handlerProcesses) was given.")
    }
    guard (0...86_400).contains(handlerKillDelay) else {
      throw ValidationError("--handler-kill-delay is from 0 to 86400 seconds, but \(handlerKillDelay) was given.")
    }
  }

  func run() async throws {
    let logger = logLevel.logger(label: "bokbok.serve")
    // A handler command that does not read its input, or a reader that is gone, is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    let reloading = try users.map { (path) throws(CommandFailure) in try UsersReloading(path: path) }
    let requestHandler = try makeHandler()
    let signals = ProcessSignals([SIGTERM, SIGINT, SIGHUP])
    let server = try await start(security: reloading?.security ?? .plain, handler: requestHandler, logger: logger)
    // A-2.d: on stdio: standard output is the protocol's.
    if server.address != .standardIO { try StandardStream.output.write("\(server.address)\n") }

    let obeying = Task {
      await ServeCommand.obey(signals, server: server, reloading: reloading, logger: logger)
    }
    await server.waitUntilStopped()
    obeying.cancel()
    await obeying.value
    logger.notice("Stopped")
  }

  private func makeHandler() throws(CommandFailure) -> RequestHandler {
    guard let handler else { return EchoService.handler }
    return try HandlerCommand(
      handler,
      outputBytesMax: 4 * Configuration().messageBytesMax,
      killDelaySeconds: handlerKillDelay,
      processesMax: handlerProcesses
    ).handler
  }

  private func start(
    security: ServerSecurity,
    handler: RequestHandler,
    logger: Logger
  ) async throws(CommandFailure) -> Server {
    let handlers = Handlers(request: handler)
    do {
      guard let address else {
        return try await Server.start(
          on: try ActivationSocket.take().only(named: activatedName),
          security: security,
          configuration: limits.configuration,
          handlers: handlers,
          logger: logger
        )
      }
      return try await Server.start(
        on: try Address(address),
        security: security,
        configuration: limits.configuration,
        handlers: handlers,
        logger: logger
      )
    } catch {
      throw CommandFailure(error, action: "Starting the server")
    }
  }

  private static func obey(
    _ signals: ProcessSignals,
    server: Server,
    reloading: UsersReloading?,
    logger: Logger
  ) async {
    await withTaskGroup(of: Void.self) { group in
      var isStopping = false
      for await signal in signals.received {
        switch signal {
        case SIGHUP:
          if let reloading {
            reloading.reload(logger: logger)
          } else {
            logger.notice("SIGHUP: there is no users file to read again")
          }
        case _ where isStopping:
          logger.notice("Stopping at once")
          group.addTask { await server.stop(.immediate) }
        default:
          isStopping = true
          logger.notice("Stopping once what is under way is done; a second signal stops at once")
          group.addTask { await server.stop(.graceful) }
        }
      }
    }
  }
}
