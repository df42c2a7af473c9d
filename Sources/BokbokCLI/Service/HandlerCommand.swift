internal import Bokbok
internal import Logging

#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif
#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// A command that answers requests: started anew for each, with the request on its standard input.
struct HandlerCommand: Sendable {
  /// The command and its arguments.
  let words: [String]
  /// How long an output is read: the notation of the largest answer is not longer than four times its bytes.
  let outputBytesMax: Int
  /// How long a command that is to end has to do so by itself, in seconds.
  let killDelaySeconds: Double
  /// How many run at once; further requests wait for their turn.
  let slots: HandlerSlots

  /// For `--help`.
  static let help = """
    For each request the command is started, directly and not by a shell; its words are split as a POSIX shell splits \
    them, with quotes and backslashes, but nothing is expanded, and what would need a shell, such as a pipe, is an \
    error outside of quotes: write sh -c '…' for it. It gets the request in advanced notation on standard \
    input, and in its environment BOKBOK_USER, the user's name (not set on a plain connection), and BOKBOK_PEER, the \
    address of the other side.

    Exit status 0: the answer is the value in advanced notation on its standard output. Any other status, or a signal \
    (128 and its number): the error command-failed with the last line of its standard error as message and the status \
    as detail. An output that is no value is the error invalid-output. A request that is cancelled, or whose \
    connection ends, terminates the command and what it started: SIGTERM, and SIGKILL after
    --handler-kill-delay.
    """

  /// Splits a command line and looks for the command.
  ///
  /// - Throws: a failure if the line cannot be split or there is no such command.
  init(
    _ line: String,
    outputBytesMax: Int,
    killDelaySeconds: Double,
    processesMax: Int
  ) throws(CommandFailure) {
    let address: Address
    do {
      // The same rules as for an address that names a command, so that there is one way to write commands.
      address = try Address("exec:" + line)
    } catch {
      throw CommandFailure(.usage, "--handler cannot be used: \(error.message).")
    }
    guard case .command(let words) = address.kind, let program = words.first else {
      throw CommandFailure(.usage, "--handler names no command.")
    }
    self.words = words
    self.outputBytesMax = outputBytesMax
    self.killDelaySeconds = killDelaySeconds
    slots = HandlerSlots(count: processesMax)
    guard HandlerCommand.isExecutable(program) else {
      throw CommandFailure(
        .usage,
        "There is no command \"\(String(displaying: program))\" for --handler: give its path, or a name that is in PATH."
      )
    }
  }

  var handler: RequestHandler {
    // Not on the event loop: the notation of a large value takes its time.
    .asynchronous(execution: .globalPool) { request, context in
      try await slots.acquire()
      defer { slots.release() }
      return try await answer(to: request, context: context)
    }
  }

  private func answer(to request: Value, context: RequestContext) async throws -> Value {
    let process = HandlerProcess(
      words: words,
      environment: environment(for: context),
      outputBytesMax: outputBytesMax,
      killDelaySeconds: killDelaySeconds
    )
    let outcome: HandlerProcess.Outcome
    do {
      outcome = try await process.run(input: Array((request.notation + "\n").utf8))
    } catch let error as POSIXFile.Failure {
      context.logger.error("The handler command cannot be started: \(error)")
      throw RemoteError(code: "command-failed", message: "the command cannot be started")
    }
    if !outcome.errorTail.isEmpty {
      context.logger.notice(
        "The handler command wrote to standard error: \(String(displaying: outcome.errorTail, charactersMax: 1024))"
      )
    }
    guard outcome.status == 0 else {
      let message = outcome.lastErrorLine ?? "the command ended with the status \(outcome.status)"
      throw RemoteError(code: "command-failed", message: message, details: [Value(outcome.status)])
    }
    guard outcome.output.count <= outputBytesMax else {
      throw RemoteError(code: "invalid-output", message: "the command wrote more than \(outputBytesMax) bytes")
    }
    guard let text = String(validating: outcome.output, as: UTF8.self) else {
      throw RemoteError(code: "invalid-output", message: "the output of the command is not UTF-8")
    }
    do {
      return try Value(notation: text)
    } catch {
      throw RemoteError(code: "invalid-output", message: "the output of the command is not a value: \(error)")
    }
  }

  private func environment(for context: RequestContext) -> [String: String] {
    var environment = ProcessInfo.processInfo.environment
    environment["BOKBOK_PEER"] = "\(context.peerAddress)"
    // A NUL byte ends a variable: such a name is not handed on in part.
    environment["BOKBOK_USER"] = context.user.flatMap { $0.bytes.contains(0) ? nil : $0.text }
    return environment
  }

  private static func isExecutable(_ command: String) -> Bool {
    if command.contains("/") { return access(command, X_OK) == 0 }
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return path.split(separator: ":", omittingEmptySubsequences: false).contains { directory in
      access("\(directory.isEmpty ? "." : directory)/\(command)", X_OK) == 0
    }
  }
}
