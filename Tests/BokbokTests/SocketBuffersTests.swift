import BokbokTestSupport
import NIOCore
import NIOPosix
import Testing

@testable import Bokbok

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What long messages leave of the system's buffers to the small ones beside them.
@Suite struct SocketBuffersTests {
  private struct Options: Equatable {
    var unsent: Int
    var receive: Int
  }

  /// A client's channel of the transport, and what its options are after the closure.
  private static func options(
    _ address: SocketAddress,
    after body: @escaping @Sendable (any Channel) -> Void
  ) async throws -> Options {
    let group = MultiThreadedEventLoopGroup.singleton
    let server = try await ServerBootstrap(group: group).bind(to: address).get()
    let client = try await ClientBootstrap(group: group).connect(to: try #require(server.localAddress)).get()
    let isTCP = address.ipAddress != nil
    let options = try await client.eventLoop.submit {
      body(client)
      let options = try #require(client.syncOptions)
      return Options(
        unsent: isTCP ? try options.getOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT))) : 0,
        receive: Int(try options.getOption(.socketOption(.so_rcvbuf)))
      )
    }.get()
    try await client.close()
    try await server.close()
    return options
  }

  @Test("Long output over TCP leaves little that is not sent in the system's buffer", .clauses("X-4.d"))
  func unsent() async throws {
    let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
    #expect(try await Self.options(address) { SocketBuffers.limitUnsent($0) }.unsent == 65_536)
    let before = try await Self.options(address) { _ in }
    #expect(before.unsent != 65_536)
  }

  @Test("Long input beside other exchanges limits what waits to be read within the machine", .clauses("X-4.d"))
  func receiveBuffer() async throws {
    let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
    // Linux doubles what is set.
    let limited = try await Self.options(address) { SocketBuffers.limitReceiveWindow($0) }
    #expect([131_072, 262_144].contains(limited.receive))
  }

  @Test("A UNIX socket is left as it is")
  func unixSocket() async throws {
    let path = TestTransport.newPath()
    let address = try SocketAddress(unixDomainSocketPath: path)
    let before = try await Self.options(address) { _ in }
    let other = try SocketAddress(unixDomainSocketPath: path + "2")
    let after = try await Self.options(other) {
      SocketBuffers.limitUnsent($0)
      SocketBuffers.limitReceiveWindow($0)
    }
    #expect(before == after)
  }

  @Test(
    arguments: [("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true)]
      + [("128.0.0.1", false), ("10.0.0.1", false), ("fe80::1", false), ("::2", false)]
  )
  func theMachinesOwnAddressesAreKnown(text: String, isLocal: Bool) throws {
    #expect(SocketBuffers.isLocal(try SocketAddress(ipAddress: text, port: 1)) == isLocal)
  }

  @Test(
    "Small requests are answered beside long ones each way over TCP",
    .clauses("X-4.c", "X-9.a"),
    arguments: TestProtection.allCases
  )
  func mixedLoad(_ protection: TestProtection) async throws {
    let link = TestLink(transport: .tcpVersion4, protection: protection)
    try await link.withPair(isHeavy: true) { _, connection in
      let large = Value(bytes: [UInt8](repeating: 0x61, count: 6 << 20))
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        for _ in 0..<2 {
          tasks.addTask {
            let answer = try await connection.request(large)
            #expect(answer == large)
          }
        }
        for number in 0..<8 {
          tasks.addTask {
            for step in 0..<200 {
              let value = Value(number * 1000 + step)
              let answer = try await connection.request(value)
              #expect(answer == value)
            }
          }
        }
        try await tasks.waitForAll()
      }
    }
  }
}
