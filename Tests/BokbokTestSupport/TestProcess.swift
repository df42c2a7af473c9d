public import Foundation

/// A process that a test starts, with the lines that it writes to standard error.
public final class TestProcess {
  private let process = Process()
  private let errors = Pipe()
  private var rest = Data()
  private let ending: Task<Int32, Never>

  /// Starts it; what it writes to standard output goes to the same lines.
  public init(
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
    // Not `waitUntilExit`: it keeps a thread busy, and where a process started beside it has inherited the descriptor
    // that tells its end, for as long as that one runs. Threads of the concurrency runtime are too few for that.
    let (ends, continuation) = AsyncStream.makeStream(of: Int32.self)
    self.process.terminationHandler = { process in
      continuation.yield(process.terminationStatus)
      continuation.finish()
    }
    self.ending = Task { await ends.first { _ in true } ?? -1 }
    try self.process.run()
    try self.errors.fileHandleForWriting.close()
  }

  deinit {
    // Not SIGTERM: the process has inherited the signals that the threads of the concurrency runtime block.
    if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) }
  }

  /// Waits for a line that holds the text, and returns it.
  @discardableResult
  public func line(containing text: String) async throws -> String {
    while let line = try await self.nextLine() {
      if line.contains(text) { return line }
    }
    throw MissingLine(text: text)
  }

  /// The next line; nil at the end.
  public func nextLine() async throws -> String? {
    while true {
      if let end = self.rest.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: self.rest[..<end], as: UTF8.self)
        self.rest = Data(self.rest[(end + 1)...])
        return line
      }
      let handle = self.errors.fileHandleForReading
      let bytes = try await Self.blocking { handle.availableData }
      guard !bytes.isEmpty else { return nil }
      self.rest.append(bytes)
    }
  }

  /// Waits for its end, and returns the exit status.
  public func waitForEnd() async -> Int32 {
    await self.ending.value
  }

  /// The process ended without the line.
  public struct MissingLine: Error {
    /// What was waited for.
    public let text: String
  }

  /// Runs what blocks on a thread of its own.
  private static func blocking<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: .init(catching: body)) }
    }
  }
}
