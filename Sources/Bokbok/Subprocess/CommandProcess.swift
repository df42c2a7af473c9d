internal import Dispatch
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The command of one connection, from its start until it has been reaped.
final class CommandProcess: Sendable {
  private struct State {
    /// Signals may be sent: the number is the command's until it is reaped.
    var isRunning = true
    var status: CommandEnd.Status?
    var errorsHaveEnded = false
    var lines = CommandErrorLines()
    var end: CommandEnd?
    var waiters: [@Sendable (CommandEnd) -> Void] = []
  }

  private let process: pid_t
  private let options: CommandOptions
  private let state = NIOLockedValueBox(State())

  /// How long after the command has ended what it wrote to standard error is waited for: what it started may hold it.
  private static let errorsDelay = 0.2

  private static let running = NIOLockedValueBox<[ObjectIdentifier: CommandProcess]>([:])

  init(_ process: pid_t, options: CommandOptions) {
    self.process = process
    self.options = options
    Self.running.withLockedValue { $0[ObjectIdentifier(self)] = self }
    // A thread of its own: it blocks while the command runs.
    DispatchQueue(label: "bokbok.command").async { self.reap() }
  }

  // MARK: The end

  private func reap() {
    var information = siginfo_t()
    var result: CInt
    repeat {
      // Not reaped yet, so that no signal can go to another process with its number.
      result = waitid(P_PID, id_t(self.process), &information, WEXITED | WNOWAIT)
    } while result != 0 && errno == EINTR
    self.state.withLockedValue { state in
      var status: CInt = 0
      var reaped: pid_t
      repeat {
        reaped = waitpid(self.process, &status, 0)
      } while reaped < 0 && errno == EINTR
      state.isRunning = false
      let signal = status & 0x7F
      state.status = reaped < 0 ? .unknown : signal == 0 ? .exited(status >> 8 & 0xFF) : .signaled(signal)
    }
    _ = Self.running.withLockedValue { $0.removeValue(forKey: ObjectIdentifier(self)) }
    self.finish { $0.errorsHaveEnded }
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.errorsDelay) { self.finish { _ in true } }
  }

  /// Decides the end once it is known how the command ended and what it wrote.
  private func finish(_ mayFinish: (State) -> Bool) {
    let finished = self.state.withLockedValue { state -> (CommandEnd, [@Sendable (CommandEnd) -> Void])? in
      guard state.end == nil, let status = state.status, mayFinish(state) else { return nil }
      let end = CommandEnd(status: status, lastErrorLines: state.lines.last)
      state.end = end
      defer { state.waiters = [] }
      return (end, state.waiters)
    }
    guard let (end, waiters) = finished else { return }
    for waiter in waiters { waiter(end) }
  }

  /// How the command has ended; nil while it runs.
  var end: CommandEnd? { self.state.withLockedValue { $0.end } }

  /// Calls once when the command has ended and been reaped: at once if it has.
  func whenEnded(_ body: @escaping @Sendable (CommandEnd) -> Void) {
    let end = self.state.withLockedValue { state in
      if state.end == nil { state.waiters.append(body) }
      return state.end
    }
    if let end { body(end) }
  }

  func waitUntilEnded() async -> CommandEnd {
    await withUnsafeContinuation { continuation in
      self.whenEnded { continuation.resume(returning: $0) }
    }
  }

  /// Waits for the commands that run now.
  static func waitUntilAllEnded() async {
    for process in self.running.withLockedValue({ Array($0.values) }) { _ = await process.waitUntilEnded() }
  }

  /// The stream is closed, and with it the command's input: it has until the time limits to end.
  func streamClosed() {
    let queue = DispatchQueue.global()
    queue.asyncAfter(deadline: .now() + Self.seconds(self.options.terminateTimeout)) {
      guard self.signal(SIGTERM) else { return }
      queue.asyncAfter(deadline: .now() + Self.seconds(self.options.killTimeout)) { _ = self.signal(SIGKILL) }
    }
  }

  /// Whether it still ran.
  private func signal(_ number: CInt) -> Bool {
    self.state.withLockedValue { state in
      if state.isRunning { _ = kill(self.process, number) }
      return state.isRunning
    }
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(TimeAmount(clamping: duration).nanoseconds) / 1e9
  }

  // MARK: Standard error

  func receiveErrors(_ bytes: ByteBuffer, logger: Logger) {
    self.hand(self.state.withLockedValue { $0.lines.receive(bytes) }, logger: logger)
  }

  func errorsEnded(logger: Logger) {
    self.hand(self.state.withLockedValue { $0.lines.finish() }, logger: logger)
    self.state.withLockedValue { $0.errorsHaveEnded = true }
    self.finish { _ in true }
  }

  private func hand(_ lines: [String], logger: Logger) {
    for line in lines {
      if let errorLine = self.options.errorLine {
        errorLine(line)
      } else {
        logger.info("the command says", metadata: ["line": "\(String(displaying: line))"])
      }
    }
  }
}
