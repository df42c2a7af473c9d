import Foundation
import Testing

/// A program of the system that starts servers or joins streams, for tests with real supervisors.
enum Supervisor: String {
  case inetd
  case socketActivate = "systemd-socket-activate"
  case socat

  /// Where it is installed; nil if it is not.
  var path: String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin", "/usr/bin"]
    return folders.map { "\($0)/\(self.rawValue)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Whether tests with it run: a missing one skips them, unless `BOKBOK_REQUIRE` says that nothing may be missing.
  var isUsable: Bool {
    self.path != nil || !(ProcessInfo.processInfo.environment["BOKBOK_REQUIRE"] ?? "").isEmpty
  }

  /// Why its tests are skipped.
  var missing: Comment {
    let package =
      switch self {
      case .inetd: "openbsd-inetd"
      case .socketActivate: "systemd"
      case .socat: "socat"
      }
    return "\(self.rawValue) is not installed: it is in Debian's package \(package)"
  }
}

/// A process that a test starts, with the lines that it writes to standard error.
final class TestProcess {
  private let process = Process()
  private let errors = Pipe()
  private var rest = Data()

  /// Starts it; what it writes to standard output goes to the same lines.
  init(
    _ path: String,
    _ arguments: [String],
    environment: [String: String] = [:],
    input: FileHandle = .nullDevice,
    output: FileHandle? = nil,
    errors: FileHandle? = nil
  ) throws {
    self.process.executableURL = URL(fileURLWithPath: path)
    self.process.arguments = arguments
    self.process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    self.process.standardInput = input
    self.process.standardOutput = output ?? self.errors
    self.process.standardError = errors ?? self.errors
    try self.process.run()
    try self.errors.fileHandleForWriting.close()
  }

  deinit {
    // Not SIGTERM: the process has inherited the signals that the threads of the concurrency runtime block.
    if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) }
    self.process.waitUntilExit()
  }

  /// Waits for a line that holds the text, and returns it.
  @discardableResult
  func line(containing text: String) async throws -> String {
    while let line = try await self.nextLine() {
      if line.contains(text) { return line }
    }
    throw MissingLine(text: text)
  }

  /// The next line; nil at the end.
  func nextLine() async throws -> String? {
    while true {
      if let end = self.rest.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: self.rest[..<end], as: UTF8.self)
        self.rest = Data(self.rest[(end + 1)...])
        return line
      }
      let handle = self.errors.fileHandleForReading
      let bytes = try await RawStream.blocking { handle.availableData }
      guard !bytes.isEmpty else { return nil }
      self.rest.append(bytes)
    }
  }

  /// Waits for its end, and returns the exit status.
  func waitForEnd() async throws -> Int32 {
    let process = UncheckedProcess(process: self.process)
    return try await RawStream.blocking {
      process.process.waitUntilExit()
      return process.process.terminationStatus
    }
  }

  /// Foundation's processes may be waited for on any thread.
  private struct UncheckedProcess: @unchecked Sendable {
    let process: Process
  }

  struct MissingLine: Error {
    let text: String
  }
}
