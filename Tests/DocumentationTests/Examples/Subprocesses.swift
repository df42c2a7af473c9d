import Bokbok
import BokbokTestSupport
import Foundation
import Testing

/// The code of the guide to subprocesses.
@Suite struct SubprocessExamples {
  private let program = "\(Project.productsFolder)/BokbokExampleServer"

  @Test func clientStartsServer() async throws {
    var configuration = Configuration()
    configuration.commands = CommandOptions()
    configuration.commands?.environment = ["PATH": "/usr/bin:/bin"]
    configuration.commands?.errorLine = { line in print("server: \(String(displaying: line))") }
    let connection = try await Connection.open(
      .command([program, "--verbose"]),
      security: .plain,
      configuration: configuration
    )
    let sum = try await connection.request(["add", 1, 2, 3])
    try await connection.close()
    let end = await connection.waitUntilCommandEnded()
    #expect(sum == 6)
    #expect(end?.status == .exited(0))
  }

  @Test func commandThatDiesIsTheCause() async throws {
    var configuration = Configuration()
    configuration.commands = CommandOptions()
    let dying = ["serve", "stdio:", "--plain", "--handler", "sh -c 'echo out of memory >&2; kill -9 $PPID'"]
    let connection = try await Connection.open(
      .command([Project.command] + dying),
      security: .plain,
      configuration: configuration
    )
    var status: CommandEnd.Status?
    do {
      _ = try await connection.request(["add", 1, 2, 3])
    } catch let error as BokbokError where error.code == .lost {
      status = (error.cause as? CommandEnd)?.status  // .signaled(9), for example
    }
    #expect(status == .signaled(9))
  }

  /// Nothing was passed to the process of the tests, and that is said.
  @Test func noSocketIsAnError() async throws {
    let security = ServerSecurity.plain
    await #expect(throws: BokbokError(.listen, "")) {
      let socket = try ActivationSocket.take().only(named: "bokbok.socket")
      let server = try await Server.start(on: socket, security: security)
      await server.stop()
    }
  }
}
