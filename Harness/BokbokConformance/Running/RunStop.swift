internal import Foundation

/// Asks a run to end early, from any thread, while it goes on: no new case is begun, what plays is given up with its
/// processes, and the reports are written with what has been judged.
///
/// One run has one; a request cannot be taken back.
public final class RunStop: @unchecked Sendable {
  // Sendable is safe: the number is behind the lock, and the descriptors never change.
  private let lock = NSLock()
  private var number: Int32?
  /// Becomes readable with the request and stays so, so that whoever waits for descriptors is woken.
  let wakeDescriptor: Int32
  private let writingEnd: Int32

  /// A run's means to be asked. Throws if the system gives no pipe for it.
  public init() throws {
    (wakeDescriptor, writingEnd) = try SystemCalls.pipe()
  }

  deinit {
    close(wakeDescriptor)
    close(writingEnd)
  }

  /// Asks the run to end, because of a signal. Does not wait for it.
  ///
  /// - Parameter signal: its number, which the reports name and of which the exit status is made, 128 + `signal`.
  /// - Returns: whether this is the first request; a later one changes nothing.
  public func request(signal: Int32) -> Bool {
    let isFirst = lock.withLock {
      defer { number = number ?? signal }
      return number == nil
    }
    var byte: UInt8 = 0
    if isFirst { _ = write(writingEnd, &byte, 1) }
    return isFirst
  }

  /// Ends this process at once, without reports, and leaves no testee that any run in it has started.
  ///
  /// - Parameter signal: the number of the signal that asks for it; the exit status is 128 + `signal`.
  public static func endAtOnce(signal: Int32) -> Never {
    ChildProcess.killAll(thenExit: 128 + signal)
  }

  /// The signal of the request; nil while there is none.
  var signal: Int32? { lock.withLock { number } }

  /// How a run has ended, once nothing more of it goes on.
  var ending: RunEnding { signal.map(RunEnding.interrupted) ?? .complete }

  /// Whether the run is to end.
  var isRequested: Bool { signal != nil }
}

/// A wait was given up, since the run is to end: what comes of it is no verdict.
struct RunStopped: Error, CustomStringConvertible {
  var description: String { "the run was asked to end" }
}
