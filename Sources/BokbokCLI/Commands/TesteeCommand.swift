internal import ArgumentParser
internal import BokbokConformance

/// `bokbok testee`: this implementation, driven by the conformance kit.
struct TesteeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "testee",
    _superCommandName: "bokbok",
    abstract: "Be the implementation under test of a conformance run.",
    discussion: """
      Reads one JSON object a line from standard input and writes replies and events to standard output, as the testee \
      contract says; logs go to standard error. Ends when standard input ends, or after the command quit.

      With --stdio it serves one connection on standard input and output instead. It then speaks the contract on the \
      socket whose descriptor the environment variable \(TesteeControl.variable) names, and ends when that ends; \
      without the variable it ends with the connection.
      """
  )

  @Flag(help: "Serve one connection on standard input and output.")
  var stdio = false

  @Option(
    help: ArgumentHelp("With --stdio: users and keys as the command listen has them, in JSON.", valueName: "file"),
    completion: .file()
  )
  var usersFile: String?

  @Option(help: ArgumentHelp("With --stdio: settings as the command listen has them.", valueName: "JSON"))
  var settings: String?

  @Option(help: ArgumentHelp("With --stdio: limits as the command listen has them.", valueName: "JSON"))
  var limits: String?

  @Option(help: LogLevel.help)
  var logLevel: LogLevel = .warning

  func validate() throws {
    guard stdio || (usersFile == nil && settings == nil && limits == nil) else {
      throw ValidationError("--users-file, --settings and --limits go with --stdio.")
    }
  }

  func run() async throws {
    let logger = logLevel.logger(label: "bokbok.testee")
    // Taken also where it is not used: no command that is started is to find it.
    let control = try TesteeControl.take()
    guard stdio else {
      let testee = Testee(output: TesteeOutput(descriptor: TesteeControl.standardOutput), logger: logger)
      return await testee.run(lines: InputLines.standardInput())
    }
    let testee = Testee(output: TesteeOutput(descriptor: control), logger: logger)
    let server: StandardStreamTestee
    do {
      server = try await StandardStreamTestee(testee, usersFile: usersFile, settings: settings, limits: limits)
    } catch let failure as TesteeFailure {
      throw CommandFailure(.dataError, "The testee cannot serve: \(failure.message).")
    } catch {
      throw CommandFailure(error, action: "Serving standard input and output")
    }
    if let control {
      await testee.run(lines: InputLines.of(control))
    } else {
      await server.waitUntilStopped()
    }
  }
}
