internal import ArgumentParser
internal import BokbokConformance

/// `bokbok conformance relay`: what a testee that is the client starts as an `exec:` address.
struct RelayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay",
    abstract: "Join standard input and output to a conformance run that waits at a UNIX socket.",
    shouldDisplay: false
  )

  @Argument(help: "The path of the socket.")
  var path: String

  func run() async throws {
    let status = await Relay.run(socketPath: path)
    if status != 0 { throw ExitCode(status) }
  }
}
