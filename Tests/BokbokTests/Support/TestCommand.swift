import Bokbok
import BokbokTestSupport
import NIOPosix
import Testing

/// Connections to commands that a test starts.
enum TestCommand {
  /// The built test server: see `Tests/BokbokTestServer`.
  static var server: String { "\(Project.productsFolder)/BokbokTestServer" }

  /// A configuration that allows commands, and hands what they say on standard error to the recorder.
  static func configuration(
    lines: Recorder<String>? = nil,
    _ change: (inout CommandOptions) -> Void = { _ in }
  ) -> Configuration {
    var configuration = Configuration.patient
    var options = CommandOptions()
    // No working test reaches these.
    options.terminateTimeout = .seconds(600)
    options.killTimeout = .seconds(600)
    options.errorLine = { line in lines?.record(line) }
    change(&options)
    configuration.commands = options
    return configuration
  }

  /// Connects to the test server.
  static func open(
    _ protection: TestProtection = .plain,
    configuration: Configuration = TestCommand.configuration(),
    handlers: Handlers = Handlers(request: .echo)
  ) async throws -> Connection {
    try await Connection.open(
      try .command([self.server, protection.rawValue]),
      security: try protection.client(),
      configuration: configuration,
      handlers: handlers
    )
  }

  /// Connects to a shell script, which finds the path of the test server in `$0`.
  static func open(
    script: String,
    configuration: Configuration = TestCommand.configuration()
  ) async throws -> Connection {
    try await Connection.open(
      try .command(["sh", "-c", script, self.server]),
      security: .plain,
      configuration: configuration
    )
  }
}
