internal import ArgumentParser

/// The `bokbok` command.
@main
struct BokbokCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bokbok",
    abstract: "Serve and call APIs over the Bokbok protocol, manage its keys and check implementations of it.",
    discussion: """
      An ADDRESS is one of:
        tcp:HOST:PORT, HOST:PORT     TCP; IPv6 in brackets, as in tcp:[::1]:4711
        unix:PATH, or a path with /  UNIX socket
        stdio:                       standard input and output (serve only)
        exec:COMMAND ARG …           a command's standard input and output (call and ping only)

      Values are written in the advanced notation of RFC 9804: (ping "12345"), #68ff#, |aGk=|.

      \(ExitStatus.help)

      To complete commands and options in a shell, install what this prints for it:
        bokbok --generate-completion-script bash|zsh|fish
      """,
    version: "bokbok \(Version.current)",
    subcommands: [
      ServeCommand.self, CallCommand.self, PingCommand.self, KeyCommand.self, RecordCommand.self, DecodeCommand.self,
      ConformanceCommand.self, VectorsCommand.self, TesteeCommand.self,
    ]
  )

  static func main() async {
    do {
      var command: any ParsableCommand
      if let common = commonCommand() { command = common } else { command = try await asyncParseAsRoot() }
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let failure as CommandFailure {
      failure.endProcess()
    } catch {
      if usesKitStatuses, exitCode(for: error) == .validationFailure {
        StandardStream.error.writeOrIgnore(fullMessage(for: error) + "\n")
        exit(withError: ExitCode(2))
      }
      exit(withError: error)
    }
  }

  /// What is started again and again and ends soon: each is parsed by itself. A third of its time would go into parsing
  /// the commands above it first, and looking for a request of a completion script, for which the parser does not look
  /// where a command names the one above it.
  private static let commonCommands: [(words: [String], type: any ParsableCommand.Type)] = [
    (["testee"], TesteeCommand.self),
    (["call"], CallCommand.self),
    (["ping"], PingCommand.self),
    (["conformance", "relay"], RelayCommand.self),
  ]

  /// One of these, where the arguments are right. Messages, help and completion are the root's business: nil.
  private static func commonCommand() -> (any ParsableCommand)? {
    let arguments = CommandLine.arguments.dropFirst()
    guard let (words, type) = commonCommands.first(where: { arguments.starts(with: $0.words) }),
      let command = try? type.parseAsRoot(Array(arguments.dropFirst(words.count))),
      Swift.type(of: command) == type
    else { return nil }
    return command
  }

  /// Whether the subcommand is one of the kit's, where wrong usage is the status 2.
  private static var usesKitStatuses: Bool {
    CommandLine.arguments.dropFirst().first.map { ["conformance", "vectors"].contains($0) } ?? false
  }
}

/// The version of this command, as `--version` and the testee's `hello` say it.
enum Version {
  static let current = "0.1.0"
}
