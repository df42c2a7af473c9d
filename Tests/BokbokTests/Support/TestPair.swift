import Bokbok
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The streams that the tests run over.
enum TestTransport: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case tcpVersion4
  case tcpVersion6
  case unix

  var testDescription: String { self.rawValue }

  private static let pathCount = Atomic<Int>(0)

  /// A path for a socket that no other test has.
  static func newPath() -> String {
    let number = self.pathCount.add(1, ordering: .relaxed).newValue
    return "/tmp/bokbok-test-\(getpid())-\(number)"
  }

  /// An address for a new server.
  func newAddress() throws -> Address {
    switch self {
    case .tcpVersion4: try .tcp(host: "127.0.0.1", port: 0)
    case .tcpVersion6: try .tcp(host: "::1", port: 0)
    case .unix: try .unix(path: Self.newPath())
    }
  }
}

/// Plain or sealed.
enum TestProtection: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case plain
  case sealed

  var testDescription: String { self.rawValue }

  static func user() throws -> UserName { try UserName("alice") }
  static func key() throws -> PresharedKey { try PresharedKey(bytes: Array(repeating: 7, count: 32)) }

  func server() throws -> ServerSecurity {
    switch self {
    case .plain: .plain
    case .sealed: .sealed(keys: [try Self.user(): try Self.key()])
    }
  }

  func client() throws -> ClientSecurity {
    switch self {
    case .plain: .plain
    case .sealed: .sealed(user: try Self.user(), key: try Self.key())
    }
  }
}

/// One way to connect.
struct TestLink: Sendable, CustomTestStringConvertible {
  var transport: TestTransport
  var protection: TestProtection

  var testDescription: String { "\(self.transport.rawValue)/\(self.protection.rawValue)" }

  /// Every transport, plain and sealed.
  static let all = TestTransport.allCases.flatMap { transport in
    TestProtection.allCases.map { TestLink(transport: transport, protection: $0) }
  }

  /// Runs the closure with a server and a client that is connected to it; ends both.
  ///
  /// - Parameter isHeavy: Whether both get event loops of their own, so that other tests are not held up.
  func withPair(
    serverConfiguration: Configuration = .patient,
    serverHandlers: Handlers = Handlers(request: .echo),
    clientConfiguration: Configuration = .patient,
    clientHandlers: Handlers = Handlers(request: .echo),
    logger: Logger? = nil,
    isHeavy: Bool = false,
    _ body: (Server, Connection) async throws -> Void
  ) async throws {
    let group = isHeavy ? MultiThreadedEventLoopGroup(numberOfThreads: 2) : nil
    let server = try await Server.start(
      on: try self.transport.newAddress(),
      security: try self.protection.server(),
      configuration: serverConfiguration,
      handlers: serverHandlers,
      logger: logger,
      eventLoopGroup: group
    )
    do {
      let connection = try await Connection.open(
        server.address,
        security: try self.protection.client(),
        configuration: clientConfiguration,
        handlers: clientHandlers,
        logger: logger,
        eventLoopGroup: group
      )
      // The client is open a moment before the server.
      try await connection.ping()
      try await body(server, connection)
      connection.abort()
      _ = try await connection.waitUntilClosed()
    } catch {
      await server.stop(.immediate)
      throw error
    }
    await server.stop(.immediate)
    try await group?.shutdownGracefully()
  }
}

extension Configuration {
  /// Time limits that no working test reaches, also where many tests share few cores.
  static let patient: Configuration = {
    var configuration = Configuration()
    configuration.handshakeTimeout = .seconds(600)
    configuration.connectTimeout = .seconds(600)
    configuration.requestTimeout = .seconds(600)
    configuration.drainTimeout = .seconds(60)
    configuration.endTimeout = .seconds(30)
    return configuration
  }()
}

extension RequestHandler {
  /// Answers with the request.
  static let echo = RequestHandler.synchronous { value, _ in value }
}
