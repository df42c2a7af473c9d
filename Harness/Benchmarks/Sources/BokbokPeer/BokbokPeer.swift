import Bokbok
import CBenchmark
import Foundation
import NIOCore
import NIOPosix

/// Bokbok, with the library's own defaults but for what is said here: one event loop on each side, messages of up to
/// 1 GiB, and as many requests under way as the work has.
@main
struct BokbokPeer {
  /// The main thread waits, and does not leave itself to Dispatch, whose way to end it valgrind does not take.
  static func main() {
    let options = Options()
    let isOver = DispatchSemaphore(value: 0)
    Task.detached {
      do {
        if options.role == "server" {
          try await runServer(options)
        } else {
          try await runClient(options)
        }
      } catch {
        benchmark_fail("\(error)")
      }
      isOver.signal()
    }
    isOver.wait()
  }

  static func configuration(_ options: Options) -> Configuration {
    var configuration = Configuration()
    configuration.messageBytesMax = 1 << 30
    configuration.requestsMax = 8192
    configuration.connectionsMax = 20_000
    configuration.openingStreamsMax = 20_000
    return configuration
  }

  static let key: PresharedKey = {
    do {
      return try PresharedKey(bytes: Array(repeating: 7, count: PresharedKey.byteCount))
    } catch {
      benchmark_fail("\(error)")
    }
  }()

  // MARK: Server

  static func runServer(_ options: Options) async throws {
    let request: RequestHandler =
      switch options.variant {
      case "synchronous": .synchronous { value, _ in try answer(value) }
      case "asynchronous": .asynchronous { value, _ in try answer(value) }
      default: benchmark_fail("--variant synchronous or asynchronous")
      }
    let server = try await Server.start(
      on: options.address,
      security: options.sealed ? .sealed(keys: [UserName("benchmark"): Self.key]) : .plain,
      configuration: Self.configuration(options),
      handlers: Handlers(request: request),
      eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1)
    )
    benchmark_server_is_ready()
    await server.waitUntilStopped()
  }

  static func answer(_ value: Value) throws -> Value {
    let message = try value.buffer
    let number = check(message, expected: message.readableBytes)
    if message.readableBytes == Int(BENCHMARK_SMALL) || number & (1 << 63) != 0 { return value }
    return .atom(ByteBuffer(integer: number, endianness: .little))
  }

  // MARK: Client

  static func connect(_ options: Options, _ group: any EventLoopGroup) async throws -> Connection {
    try await Connection.open(
      options.address,
      security: options.sealed ? .sealed(user: UserName("benchmark"), key: Self.key) : .plain,
      configuration: Self.configuration(options),
      eventLoopGroup: group
    )
  }

  static func runClient(_ options: Options) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    switch options.work {
    case "opening":
      let executor = options.caller == "loop" ? Connection.taskExecutor(on: group.next()) : nil
      try await withTaskExecutorPreference(executor) { try await open(options, group) }
    case "idle":
      var connections: [Connection] = []
      for _ in 0..<options.connections { connections.append(try await connect(options, group)) }
      benchmark_say("open")
      try await Task.sleep(for: .seconds(3600))
      print(connections.count)
    default:
      var connections: [Connection] = []
      for _ in 0..<options.connections { connections.append(try await connect(options, group)) }
      options.begin()
      if options.caller == "callback" {
        let isOver = group.next().makePromise(of: Void.self)
        for connection in connections {
          let calls = Calls(connection, recordsLatency: options.recordsLatency, isOver)
          connection.eventLoop.execute {
            for _ in 0..<options.underWay { calls.send(number: 1) }
          }
        }
        try await isOver.futureResult.get()
        benchmark_report()
        exit(0)
      }
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        for connection in connections {
          if options.work == "mixed" {
            tasks.addTask { try await exchangeLarge(connection) }
          }
          let executor = options.caller == "loop" ? connection.taskExecutor : nil
          for _ in 0..<options.underWay {
            tasks.addTask(executorPreference: executor) { try await exchange(connection, options) }
          }
        }
        try await tasks.next()
        tasks.cancelAll()
      }
      benchmark_report()
    }
    exit(0)
  }

  /// One request after the other, until the time is over.
  static func exchange(_ connection: Connection, _ options: Options) async throws {
    let recordsLatency = options.recordsLatency
    let isSmall = options.size == Int(BENCHMARK_SMALL)
    let expected = isSmall ? options.size : Int(BENCHMARK_ANSWER)
    var number: UInt64 = 1
    // One buffer serves all requests, as at the other peers: a request that has been taken keeps no part of it.
    var message = message(options.size, number: number)
    while true {
      let began = recordsLatency ? benchmark_nanoseconds() : 0
      let answer = try await connection.request(.atom(message))
      guard check(try answer.buffer, expected: expected) == number else { benchmark_fail("another's answer") }
      guard benchmark_completed(began) else { return }
      guard isSmall else { continue }
      number += 1
      message.withUnsafeMutableReadableBytes { benchmark_set_number($0.baseAddress, number) }
    }
  }

  /// The same without a task: each answer calls back, and the next request goes out from there. Small messages only.
  ///
  /// Sendable although it has mutable state: it is touched on the connection's event loop only.
  final class Calls: @unchecked Sendable {
    let connection: Connection
    let recordsLatency: Bool
    let isOver: EventLoopPromise<Void>
    /// One buffer serves all requests, as at the other peers.
    @exclusivity(unchecked) private var message = BokbokPeer.message(Int(BENCHMARK_SMALL), number: 1)

    init(_ connection: Connection, recordsLatency: Bool, _ isOver: EventLoopPromise<Void>) {
      self.connection = connection
      self.recordsLatency = recordsLatency
      self.isOver = isOver
    }

    func send(number: UInt64) {
      let size = Int(BENCHMARK_SMALL)
      self.message.withUnsafeMutableReadableBytes { benchmark_set_number($0.baseAddress, number) }
      let began = self.recordsLatency ? benchmark_nanoseconds() : 0
      self.connection.sendRequest(.atom(self.message)) { result in
        do {
          guard check(try result.get().buffer, expected: size) == number else { benchmark_fail("another's answer") }
        } catch {
          benchmark_fail("\(error)")
        }
        guard benchmark_completed(began) else { return self.isOver.succeed() }
        self.send(number: number + 1)
      }
    }
  }

  /// A large message each way, one after the other, until the task is cancelled.
  static func exchangeLarge(_ connection: Connection) async throws {
    let size = 16 << 20
    let large = message(size, number: 1 << 63)
    while !Task.isCancelled {
      let answer = try await connection.request(.atom(large))
      guard check(try answer.buffer, expected: size) == 1 << 63 else { benchmark_fail("another's answer") }
    }
  }

  static func open(_ options: Options, _ group: any EventLoopGroup) async throws {
    options.begin()
    var number: UInt64 = 0
    repeat {
      number += 1
      let connection = try await connect(options, group)
      let answer = try await connection.request(.atom(message(options.size, number: number)))
      guard check(try answer.buffer, expected: options.size) == number else { benchmark_fail("another's answer") }
      try await connection.close()
    } while benchmark_completed(0)
    benchmark_report()
  }

  // MARK: Messages

  static let template = {
    var bytes = ByteBuffer(repeating: 0, count: Int(BENCHMARK_SMALL))
    bytes.withUnsafeMutableReadableBytes { benchmark_fill($0.baseAddress, $0.count, 0) }
    return bytes
  }()

  static func message(_ size: Int, number: UInt64) -> ByteBuffer {
    var bytes = size == Int(BENCHMARK_SMALL) ? template : ByteBuffer(repeating: 0, count: size)
    bytes.withUnsafeMutableReadableBytes { memory in
      if size == Int(BENCHMARK_SMALL) {
        benchmark_set_number(memory.baseAddress, number)
      } else {
        benchmark_fill(memory.baseAddress, size, number)
      }
    }
    return bytes
  }

  static func check(_ message: ByteBuffer, expected: Int) -> UInt64 {
    message.withUnsafeReadableBytes { benchmark_check($0.baseAddress, $0.count, expected) }
  }
}
