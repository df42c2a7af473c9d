internal import ArgumentParser

/// `bokbok testee`: this implementation, driven by the conformance kit.
struct TesteeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "testee",
    abstract: "Be the implementation under test of a conformance run.",
    discussion: """
      Reads one JSON object a line from standard input and writes replies and events to standard output, as the testee \
      contract says; logs go to standard error. Ends when standard input ends, or after the command quit.
      """
  )

  @Option(help: LogLevel.help)
  var logLevel: LogLevel = .warning

  func run() async throws {
    await Testee(logger: logLevel.logger(label: "bokbok.testee")).run(lines: InputLines.standardInput())
  }
}
