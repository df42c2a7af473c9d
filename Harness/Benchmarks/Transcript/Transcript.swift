import Allocations
import Bokbok
import BokbokCore
import Dispatch
import Foundation
import NIOCore
import NIOEmbedded

/// Fixed exchanges of 64-byte echoes, for counting what does not depend on the machine's speed: instructions, allocations
/// and system calls.
///
///     bokbok-transcript (core|core-sealed|handler-synchronous|handler-asynchronous) BATCH ROUNDS
///     bokbok-transcript server ADDRESS
///     bokbok-transcript client ADDRESS ROUNDS
///
/// The first form stays in memory: in each round so many requests come at once, and their answers are taken at once. It
/// prints the allocations of all rounds, without those of the opening. `server` echoes until it is ended, `client` sends
/// one request after the other.
///
/// With `BOKBOK_TRANSCRIPT_WASTE` in the environment each request costs more than it has to, which the limits must find.
@main
struct Transcript {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3 else { fail("see the comment in Transcript.swift") }
    switch arguments[1] {
    case "server":
      try run { try await serve(Address(arguments[2])) }
    case "client":
      guard arguments.count == 4, let rounds = Int(arguments[3]) else { fail("client ADDRESS ROUNDS") }
      try run { try await request(Address(arguments[2]), rounds: rounds) }
    case let name:
      guard arguments.count == 4, let batch = Int(arguments[2]), let rounds = Int(arguments[3]), batch > 0 else {
        fail("TRANSCRIPT BATCH ROUNDS")
      }
      try measure(name, batch: batch, rounds: rounds)
    }
  }

  static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("bokbok-transcript: \(message)\n".utf8))
    exit(1)
  }

  static let message = Value(bytes: (0..<64).map { UInt8($0) })

  private static let isWasteful = ProcessInfo.processInfo.environment["BOKBOK_TRANSCRIPT_WASTE"] != nil

  /// A needless encoding and decoding, as a slip in the library might do them for each message.
  private static func waste() throws {
    guard try Value(decoding: self.message.encoded()) == self.message else { fail("a value has changed") }
  }

  private static func measure(_ name: String, batch: Int, rounds: Int) throws {
    let round: () throws -> Void
    switch name {
    case "core": round = try CorePair(isSealed: false, batch: batch).round
    case "core-sealed": round = try CorePair(isSealed: true, batch: batch).round
    case "handler-synchronous":
      round = try HandlerTranscript(.synchronous { value, _ in value }, batch: batch).round
    case "handler-asynchronous":
      round = try HandlerTranscript(.asynchronous { value, _ in value }, batch: batch).round
    default: fail("no transcript \(name)")
    }
    for _ in 0..<8 { try round() }
    let before = allocations_count()
    for _ in 0..<rounds {
      try round()
      if self.isWasteful { for _ in 0..<batch { try self.waste() } }
    }
    print(allocations_count() - before)
  }

  // MARK: Over sockets

  /// Runs a task while the main thread waits.
  private static func run(_ body: @escaping @Sendable () async throws -> Void) throws {
    let isOver = DispatchSemaphore(value: 0)
    Task.detached {
      do {
        try await body()
      } catch {
        fail("\(error)")
      }
      isOver.signal()
    }
    isOver.wait()
  }

  private static func serve(_ address: Address) async throws {
    let server = try await Server.start(
      on: address,
      security: .plain,
      handlers: Handlers(request: .asynchronous { value, _ in value })
    )
    FileHandle.standardOutput.write(Data("ready\n".utf8))
    await server.waitUntilStopped()
  }

  private static func request(_ address: Address, rounds: Int) async throws {
    try await Connection.withConnection(address, security: .plain) { connection in
      try await withTaskExecutorPreference(connection.taskExecutor) {
        for _ in 0..<rounds {
          guard try await connection.request(message) == message else { fail("another answer than the request") }
          if isWasteful { try await connection.ping() }
        }
      }
    }
  }
}
