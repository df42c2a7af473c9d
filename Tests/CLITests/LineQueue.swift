import Foundation
import NIOConcurrencyHelpers

/// What a process writes, for a test that waits for it. One task waits at a time.
final class LineQueue: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    var hasEnded = false
    var changeCount = 0
    var waiter: CheckedContinuation<Void, Never>?

    /// Takes the first line, or after the end what is left.
    mutating func takeLine() -> String? {
      if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
        defer { bytes.removeFirst(end + 1) }
        return String(decoding: bytes[..<end], as: UTF8.self)
      }
      guard hasEnded, !bytes.isEmpty else { return nil }
      defer { bytes.removeAll() }
      return String(decoding: bytes, as: UTF8.self)
    }

    /// Takes everything up to the text and the text itself, if it is there.
    mutating func take(upTo text: String) -> Bool {
      guard let range = bytes.firstRange(of: Array(text.utf8)) else { return false }
      bytes.removeFirst(range.upperBound)
      return true
    }
  }

  private let state = NIOLockedValueBox(State())

  /// Reads from the file on a thread of its own, to its end.
  init(reading file: FileHandle) {
    DispatchQueue(label: "bokbok.tests.lines").async { self.read(file) }
  }

  /// Makes a named pipe and reads from it, whoever writes, and never ends.
  init(readingPipe path: String) throws {
    guard mkfifo(path, 0o600) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    // Open for writing as well, so that it has no end between two writers.
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    DispatchQueue(label: "bokbok.tests.pipe").async { self.read(file) }
  }

  /// The next line; nil after the last, and once the task was cancelled.
  func next() async -> String? {
    await take { $0.takeLine() }
  }

  /// Takes what comes up to this text, also in the middle of a line; false if it never comes.
  func take(upTo text: String) async -> Bool {
    await take { $0.take(upTo: text) ? () : nil } != nil
  }

  /// All lines that are left, once the process has closed its end.
  func rest() async -> [String] {
    var lines: [String] = []
    while let line = await next() { lines.append(line) }
    return lines
  }

  /// Waits until there is what the closure takes; nil if it never comes.
  private func take<Taken: Sendable>(_ take: (inout State) -> Taken?) async -> Taken? {
    while true {
      let (taken, changeCount, hasEnded) = state.withLockedValue { (take(&$0), $0.changeCount, $0.hasEnded) }
      if taken != nil || hasEnded { return taken }
      await waitForChange(after: changeCount)
    }
  }

  private func waitForChange(after changeCount: Int) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let hasChanged = state.withLockedValue { state in
          if state.changeCount == changeCount { state.waiter = continuation }
          return state.changeCount != changeCount
        }
        if hasChanged { continuation.resume() }
      }
    } onCancel: {
      add([], isEnd: true)
    }
  }

  private func read(_ file: FileHandle) {
    while true {
      let chunk = file.availableData
      add(Array(chunk), isEnd: chunk.isEmpty)
      if chunk.isEmpty { return }
    }
  }

  private func add(_ bytes: [UInt8], isEnd: Bool) {
    let waiter = state.withLockedValue { state in
      state.bytes.append(contentsOf: bytes)
      state.hasEnded = state.hasEnded || isEnd
      state.changeCount += 1
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }
}
