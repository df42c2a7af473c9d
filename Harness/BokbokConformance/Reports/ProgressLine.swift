internal import Foundation

/// One line on a terminal that says how far a run is; nothing where standard error is not a terminal.
final class ProgressLine: @unchecked Sendable {
  // Sendable is safe: the counts are behind the lock.
  private let lock = NSLock()
  private let isShown = isatty(STDERR_FILENO) == 1
  private let totalCount: Int
  private var doneCount = 0
  private var failureCount = 0

  init(totalCount: Int) {
    self.totalCount = totalCount
  }

  func note(_ result: CaseResult) {
    lock.lock()
    defer { lock.unlock() }
    doneCount += 1
    if result.state != .pass { failureCount += 1 }
    let failures = failureCount == 0 ? "" : ", \(failureCount) did not pass"
    write("\r\u{1B}[K\(doneCount)/\(totalCount)\(failures)  \(result.path.prefix(60))")
  }

  func clear() {
    write("\r\u{1B}[K")
  }

  private func write(_ text: String) {
    guard isShown else { return }
    FileHandle.standardError.write(Data(text.utf8))
  }
}
