import Foundation
import NIOConcurrencyHelpers
import Testing

/// The built `bokbok`, running as a process of its own.
final class RunningCommand: Sendable {
  let output: LineQueue
  let errors: LineQueue
  private let process: NIOLockedValueBox<Process>
  private let input: FileHandle?
  private let ending: Task<Int32, Never>
  let identifier: pid_t

  /// Starts the command; its standard input is the one given, or a pipe that stays open until ``closeInput()``.
  ///
  /// - Parameters:
  ///   - directory: the folder that it starts in; nil for the tests' own.
  ///   - variables: what its environment has other than the tests'.
  init(
    _ arguments: [String],
    executable: URL? = nil,
    input givenInput: FileHandle? = nil,
    directory: String? = nil,
    variables: [String: String] = [:]
  ) throws {
    let process = Process()
    process.executableURL = try executable ?? RunningCommand.executable()
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    if !variables.isEmpty {
      process.environment = ProcessInfo.processInfo.environment.merging(variables) { _, new in new }
    }
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    process.standardInput = givenInput ?? input
    process.standardOutput = output
    process.standardError = errors
    let (ends, continuation) = AsyncStream.makeStream(of: Int32.self)
    process.terminationHandler = { process in
      let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
      continuation.yield(status)
      continuation.finish()
    }
    try process.run()
    self.identifier = process.processIdentifier
    self.input = givenInput == nil ? input.fileHandleForWriting : nil
    self.output = LineQueue(reading: output.fileHandleForReading)
    self.errors = LineQueue(reading: errors.fileHandleForReading)
    self.process = NIOLockedValueBox(process)
    self.ending = Task {
      for await status in ends { return status }
      return -1
    }
  }

  /// Ends the process if it still runs, so that a test leaves nothing behind.
  func end() {
    process.withLockedValue { process in
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
  }

  /// Writes a line to standard input.
  func send(_ line: String) throws {
    try input?.write(contentsOf: Data((line + "\n").utf8))
  }

  func closeInput() throws {
    try input?.close()
  }

  func signal(_ number: Int32) {
    kill(identifier, number)
  }

  /// The next line of standard output; a failure of the test if there is none.
  func nextLine() async throws -> String {
    try #require(await output.next(), "standard output ended")
  }

  /// Takes lines of standard error up to one that holds the text.
  @discardableResult
  func errorLine(containing text: String) async throws -> String {
    while let line = await errors.next() {
      if line.contains(text) { return line }
    }
    throw MissingLine(text: text)
  }

  struct MissingLine: Error {
    let text: String
  }

  /// The exit status, 128 and the number for a signal.
  func waitForEnd() async -> Int32 {
    await withTaskCancellationHandler {
      await ending.value
    } onCancel: {
      end()
    }
  }

  /// The command, which is built beside the tests.
  static func executable() throws -> URL {
    // The tests are an executable on Linux, and a bundle on macOS.
    let tests = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
    let beside = tests ?? URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    let command = beside.deletingLastPathComponent().appendingPathComponent("bokbok")
    try #require(FileManager.default.isExecutableFile(atPath: command.path), "\(command.path) is not there")
    return command
  }
}

/// What a command has done that has ended.
struct CommandResult {
  let status: Int32
  let output: String
  let errors: String
}

/// Runs the command to its end.
func run(_ arguments: String..., input: String = "") async throws -> CommandResult {
  let command = try RunningCommand(arguments)
  defer { command.end() }
  if !input.isEmpty { try command.send(input) }
  try command.closeInput()
  async let output = command.output.rest()
  async let errors = command.errors.rest()
  let texts = await (output.joined(separator: "\n"), errors.joined(separator: "\n"))
  return CommandResult(status: await command.waitForEnd(), output: texts.0, errors: texts.1)
}

/// The permissions of a file.
func mode(of path: String) throws -> Int {
  let attributes = try FileManager.default.attributesOfItem(atPath: path)
  return try #require(attributes[.posixPermissions] as? Int)
}
