import Bokbok
import BokbokTestSupport
import Logging
import ServiceLifecycle
import Testing
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct ServiceTests {
  /// Runs a server in a service group, has it stop while a request is under way, and checks that it drains.
  private static func drains(
    signals: [UnixSignal],
    stopping: @escaping @Sendable (ServiceGroup) async -> Void
  ) async throws {
    let gate = Gate()
    let begun = Event()
    let started = Recorder<Server>()
    let handlers = Handlers(
      request: .asynchronous { value, _ in
        begun.happen()
        await gate.pass()
        return value
      }
    )
    let service = ServerService(
      on: try TestTransport.unix.newAddress(),
      security: try TestProtection.sealed.server(),
      configuration: .patient,
      handlers: handlers,
      started: { started.record($0) }
    )
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
        gracefulShutdownSignals: signals,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      )
    )
    let run = Task { try await group.run() }
    let server = try #require(await started.wait().first)
    let connection = try await Connection.open(
      server.address,
      security: TestProtection.sealed.client(),
      configuration: .patient
    )
    let answer = Task { try await connection.request("under way") }
    await begun.wait()
    await stopping(group)
    while true {
      do {
        _ = try await connection.request("late", timeout: .milliseconds(10))
      } catch let error as BokbokError where error.code == .closing {
        break
      } catch {}
    }
    gate.open()
    try #require(try await answer.value == "under way")
    try #require(try await connection.waitUntilClosed().code == "shutdown")
    try await run.value
  }

  @Test("A service drains on a graceful shutdown")
  func gracefulShutdown() async throws {
    try await Self.drains(signals: []) { await $0.triggerGracefulShutdown() }
  }

  @Test("A service drains on SIGTERM")
  func signal() async {
    await #expect(processExitsWith: .success) {
      try await Self.drains(signals: [.sigterm]) { _ in kill(getpid(), SIGTERM) }
    }
  }

  @Test("A service whose task is cancelled ends at once")
  func cancelled() async throws {
    let started = Recorder<Server>()
    let service = ServerService(
      on: try TestTransport.unix.newAddress(),
      security: .plain,
      configuration: .patient,
      started: { started.record($0) }
    )
    let run = Task { try await service.run() }
    let server = try #require(await started.wait().first)
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    try await connection.ping()
    run.cancel()
    try await run.value
    #expect(try await connection.waitUntilClosed().reason == .lost)
  }

  @Test("A service that cannot start throws")
  func cannotStart() async throws {
    let service = ServerService(on: try .command(["true"]), security: .plain)
    let error = await #expect(throws: BokbokError.self) { try await service.run() }
    #expect(error?.code == .unsupported)
  }
}
