internal import ArgumentParser
internal import BokbokConformance

/// `bokbok conformance relay`: what a testee that is the client starts as an `exec:` address, where the executable
/// `bokbok-relay` has not been installed beside this one.
struct RelayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay",
    _superCommandName: "bokbok conformance",
    abstract: "Join standard input and output to a conformance run that waits at a UNIX socket.",
    shouldDisplay: false
  )

  @Argument(parsing: .captureForPassthrough, help: "The path of the socket, and options that only the kit gives.")
  var words: [String]

  func run() throws {
    let status = Relay.run(words)
    if status != 0 { throw ExitCode(status) }
  }
}
