import Bokbok
import Foundation
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Starts servers with `exec:`, asks them and closes, again and again, and says what that has left behind. It has a
/// process of its own, so that every descriptor and child in it comes from that.
enum TestCycles {
  struct Failure: Error {
    let text: String
  }

  /// Prints a line with the numbers of descriptors before and after, of the children that are left, and the time.
  static func run(count: Int) async throws {
    // What is made once and stays, such as the timers' descriptors.
    try await self.cycles(4)
    let before = try self.descriptors()
    let began = ContinuousClock.now
    try await self.cycles(count)
    let duration = ContinuousClock.now - began
    let after = try self.descriptors()
    var status: CInt = 0
    let child = waitpid(-1, &status, WNOHANG)
    let children = child == -1 && errno == ECHILD ? "none" : "\(child)"
    print("cycles \(count), descriptors \(before) and \(after), children \(children), \(duration)")
  }

  private static func cycles(_ count: Int) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    try await withThrowingTaskGroup { tasks in
      for lane in 0..<4 {
        tasks.addTask {
          for _ in stride(from: lane, to: count, by: 4) { try await self.cycle(group) }
        }
      }
      try await tasks.waitForAll()
    }
    try await group.shutdownGracefully()
  }

  private static func cycle(_ group: MultiThreadedEventLoopGroup) async throws {
    var configuration = Configuration()
    configuration.connectTimeout = .seconds(600)
    configuration.handshakeTimeout = .seconds(600)
    configuration.requestTimeout = .seconds(600)
    configuration.drainTimeout = .seconds(600)
    var commands = CommandOptions()
    commands.terminateTimeout = .seconds(600)
    configuration.commands = commands
    let connection = try await Connection.open(
      try .command([CommandLine.arguments[0], "plain"]),
      security: .plain,
      configuration: configuration,
      eventLoopGroup: group
    )
    let answer = try await connection.request(["echo", "x"])
    let end = try await connection.close()
    let command = await connection.waitUntilCommandEnded()
    guard answer == ["echo", "x"], end.reason == .clean, command?.status == .exited(0) else {
      throw Failure(text: "\(answer) \(end) \(command.map { "\($0)" } ?? "no command")")
    }
  }

  private static func descriptors() throws -> Int {
    // One of them is that of the folder itself.
    try FileManager.default.contentsOfDirectory(atPath: "/dev/fd").count
  }
}
