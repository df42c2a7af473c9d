internal import Dispatch
internal import NIOConcurrencyHelpers

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// One run of a handler command, from its start until it has ended and what it wrote has been read.
final class HandlerProcess: Sendable {
  struct Outcome: Sendable {
    /// The exit status; for a signal 128 and its number, as shells have it.
    let status: Int
    /// Standard output, of one that is too long a little more than the limit.
    let output: [UInt8]
    /// The end of standard error, for people.
    let errorTail: String

    /// The last line of standard error that says something.
    var lastErrorLine: String? {
      errorTail.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }.map(String.init)
    }
  }

  private enum Phase {
    case idle
    case running(pid_t)
    case ended
  }

  private static let errorBytesMax = 8192

  private let words: [String]
  private let environment: [String: String]
  private let outputBytesMax: Int
  private let killDelaySeconds: Double
  private let state = NIOLockedValueBox((phase: Phase.idle, isTerminated: false))

  /// - Parameters:
  ///   - words: the command and its arguments.
  ///   - environment: all of its variables.
  ///   - outputBytesMax: how much it may write to standard output; more ends it.
  ///   - killDelaySeconds: from SIGTERM to SIGKILL.
  init(words: [String], environment: [String: String], outputBytesMax: Int, killDelaySeconds: Double) {
    self.words = words
    self.environment = environment
    self.outputBytesMax = outputBytesMax
    self.killDelaySeconds = killDelaySeconds
  }

  /// Starts the command, gives it the input and waits until it has ended.
  ///
  /// When the task is cancelled the command and what it started are terminated; this returns when it has ended.
  ///
  /// - Throws: `POSIXFile.Failure` if the command cannot be started, `CancellationError` if the task was cancelled before.
  func run(input: [UInt8]) async throws -> Outcome {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // A thread of its own: it blocks while the command runs.
        DispatchQueue(label: "bokbok.handler").async {
          continuation.resume(with: Result { try self.runBlocking(input: input) })
        }
      }
    } onCancel: {
      terminate()
    }
  }

  /// Tells the command and what it started to end, and makes it after a while.
  private func terminate() {
    state.withLockedValue { $0.isTerminated = true }
    signal(SIGTERM)
    DispatchQueue.global().asyncAfter(deadline: .now() + killDelaySeconds) { self.signal(SIGKILL) }
  }

  private func signal(_ number: Int32) {
    state.withLockedValue { state in
      // The process group is the command's until the command is reaped.
      if case .running(let process) = state.phase { kill(-process, number) }
    }
  }

  private func runBlocking(input: [UInt8]) throws -> Outcome {
    let pipes = try HandlerSpawn.lock.withLockedValue { _ in try HandlerPipes() }
    defer { pipes.closeAll() }
    let process = try state.withLockedValue { state throws -> pid_t in
      guard !state.isTerminated else { throw CancellationError() }
      let process = try HandlerSpawn.start(words: words, environment: environment, pipes: pipes)
      state.phase = .running(process)
      return process
    }
    pipes.closeChildEnds()
    let ended = DispatchQueue(label: "bokbok.handler.wait")
    ended.async { [wake = pipes.exitWriter] in
      var information = siginfo_t()
      // Not reaped yet, so that the process group cannot become another's.
      while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
      _ = POSIXFile.writeAll([0], to: wake)
    }
    var transfer = HandlerTransfer(
      pipes: pipes,
      input: input,
      outputBytesMax: outputBytesMax,
      errorBytesMax: HandlerProcess.errorBytesMax
    )
    transfer.run(onOverflow: { terminate() })
    // The waiting thread uses the pipe until then.
    ended.sync {}
    var status: Int32 = 0
    state.withLockedValue { state in
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      state.phase = .ended
    }
    return Outcome(
      status: HandlerProcess.exitStatus(status),
      output: transfer.output,
      errorTail: String(decoding: transfer.errorTail, as: UTF8.self)
    )
  }

  /// What `waitpid` gives, as shells show it.
  private static func exitStatus(_ status: Int32) -> Int {
    let signal = status & 0x7F
    return signal == 0 ? Int(status >> 8 & 0xFF) : 128 + Int(signal)
  }
}
