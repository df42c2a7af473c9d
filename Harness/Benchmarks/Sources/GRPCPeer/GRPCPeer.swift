import CBenchmark
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOPosix

/// gRPC over HTTP/2 without TLS, with the library's own defaults but for the size of messages: unary calls whose messages
/// are the bytes themselves, without Protocol Buffers. One event loop on each side, and handlers and callers in ordinary
/// tasks.
@main
struct GRPCPeer {
  static func main() async throws {
    var options = benchmark_options()
    benchmark_parse(CommandLine.argc, CommandLine.unsafeArgv, &options)
    if options.sealed { benchmark_fail("this peer is plain") }
    if String(cString: options.role) == "server" {
      try await runServer(options)
    } else {
      try await runClient(options)
    }
    exit(0)
  }

  static let method = MethodDescriptor(fullyQualifiedService: "benchmark.Echo", method: "Exchange")
  static let messageBytesMax = 1 << 30

  // MARK: Server

  static func runServer(_ options: benchmark_options) async throws {
    let host = String(cString: options.host)
    let transport = HTTP2ServerTransport.Posix(
      address: options.is_unix ? .unixDomainSocket(path: host) : .ipv4(host: host, port: Int(options.port)),
      transportSecurity: .plaintext,
      config: .defaults { $0.rpc.maxRequestPayloadSize = Self.messageBytesMax },
      eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1)
    )
    let server = GRPCServer(transport: transport, services: [EchoService()])
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await server.serve() }
      _ = try await transport.listeningAddress
      benchmark_server_is_ready()
      try await tasks.waitForAll()
    }
  }

  // MARK: Client

  typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

  static func client(_ options: benchmark_options, _ group: MultiThreadedEventLoopGroup) throws -> Client {
    let host = String(cString: options.host)
    let target: any ResolvableTarget =
      options.is_unix
      ? ResolvableTargets.UnixDomainSocket(address: .init(path: host), authority: "benchmark")
      : ResolvableTargets.IPv4(addresses: [.init(host: host, port: Int(options.port))])
    return GRPCClient(
      transport: try HTTP2ClientTransport.Posix(target: target, transportSecurity: .plaintext, eventLoopGroup: group)
    )
  }

  static func runClient(_ options: benchmark_options) async throws {
    let work = Work(options)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var clients: [Client] = []
    for _ in 0..<options.connections { clients.append(try self.client(options, group)) }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for client in clients {
        tasks.addTask { try await client.runConnections() }
        // The connection is there before the clock starts.
        _ = try await exchange(message(work.size, number: 1), over: client)
      }
      var options = options
      benchmark_begin(&options, work.recordsLatency)
      try await withThrowingTaskGroup(of: Void.self) { callers in
        for client in clients {
          for _ in 0..<work.underWay { callers.addTask { try await call(client, work) } }
        }
        try await callers.next()
        callers.cancelAll()
      }
      benchmark_report()
      exit(0)
    }
  }

  /// One request after the other, until the time is over.
  static func call(_ client: Client, _ work: Work) async throws {
    let expected = work.isSmall ? work.size : Int(BENCHMARK_ANSWER)
    let large = work.isSmall ? nil : message(work.size, number: 1)
    var number: UInt64 = 1
    while true {
      let request = large ?? message(work.size, number: number)
      let began = work.recordsLatency ? benchmark_nanoseconds() : 0
      let answer = try await exchange(request, over: client)
      guard check(answer, expected: expected) == number else { benchmark_fail("another's answer") }
      guard benchmark_completed(began) else { return }
      if work.isSmall { number += 1 }
    }
  }

  static func exchange(_ message: [UInt8], over client: Client) async throws -> [UInt8] {
    try await client.unary(
      request: ClientRequest(message: message),
      descriptor: Self.method,
      serializer: Plain(),
      deserializer: Plain(),
      options: .defaults,
      onResponse: { try $0.message }
    )
  }

  static func message(_ size: Int, number: UInt64) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
      benchmark_fill(bytes.baseAddress, size, number)
      count = size
    }
  }

  static func check(_ message: [UInt8], expected: Int) -> UInt64 {
    message.withUnsafeBytes { benchmark_check($0.baseAddress, $0.count, expected) }
  }
}

/// What a client has to do.
struct Work: Sendable {
  let recordsLatency: Bool
  let underWay: Int
  let size: Int

  init(_ options: benchmark_options) {
    self.recordsLatency = String(cString: options.work) == "latency"
    self.underWay = Int(options.under_way)
    self.size = options.size
  }

  var isSmall: Bool { self.size == Int(BENCHMARK_SMALL) }
}

/// Messages as they are.
struct Plain: MessageSerializer, MessageDeserializer {
  func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) -> Bytes { Bytes(message) }

  func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }
}

struct EchoService: RegistrableRPCService {
  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.registerHandler(forMethod: GRPCPeer.method, deserializer: Plain(), serializer: Plain()) { request, _ in
      let message = try await ServerRequest(stream: request).message
      let number = GRPCPeer.check(message, expected: message.count)
      let answer =
        message.count == Int(BENCHMARK_SMALL) ? message : withUnsafeBytes(of: number.littleEndian) { Array($0) }
      return StreamingServerResponse(single: ServerResponse(message: answer))
    }
  }
}
