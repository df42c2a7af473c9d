internal import Foundation

/// How many cases of a configuration have run out of time one after the other: a testee that answers nothing would hold
/// up a run for hours.
///
/// All threads of a run share one.
final class Patience: @unchecked Sendable {
  // Sendable is safe: everything that changes is behind the lock.

  /// After so many in a row the rest of the configuration is not played.
  static let timeOutCountMax = 16

  private let lock = NSLock()
  private var timeOutCounts: [Configuration: Int] = [:]

  /// Notes how a case ended.
  func note(_ result: CaseResult) {
    lock.lock()
    defer { lock.unlock() }
    let isTimeOut = result.problem?.isTimeOut == true
    // What is over stays so: no later result begins anew.
    guard timeOutCounts[result.configuration, default: 0] < Self.timeOutCountMax else { return }
    timeOutCounts[result.configuration] = isTimeOut ? timeOutCounts[result.configuration, default: 0] + 1 : 0
  }

  /// Whether no more cases of the configuration are to be played.
  func isOver(for configuration: Configuration) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    return timeOutCounts[configuration, default: 0] >= Self.timeOutCountMax
  }
}
