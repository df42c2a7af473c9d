import Foundation
import Synchronization

/// Lines that a process writes, for a test that waits for them.
final class LineQueue: Sendable {
  private struct State {
    var lines: [String] = []
    var hasEnded = false
    var waiter: CheckedContinuation<String?, Never>?
  }

  private let state = Mutex(State())

  /// Reads lines from the file on a thread of its own, to its end.
  init(reading file: FileHandle) {
    DispatchQueue(label: "bokbok.tests.lines").async {
      self.read(file)
      self.end()
    }
  }

  /// Makes a named pipe and reads lines from it, whoever writes them, and never ends.
  init(readingPipe path: String) throws {
    guard mkfifo(path, 0o600) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    // Open for writing as well, so that it has no end between two writers.
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    DispatchQueue(label: "bokbok.tests.pipe").async {
      self.read(file)
      self.end()
    }
  }

  private func read(_ file: FileHandle) {
    var bytes = Data()
    while true {
      let chunk = file.availableData
      if chunk.isEmpty { break }
      bytes.append(chunk)
      while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
        add(String(decoding: bytes[bytes.startIndex..<end], as: UTF8.self))
        bytes = Data(bytes[bytes.index(after: end)...])
      }
    }
    if !bytes.isEmpty { add(String(decoding: bytes, as: UTF8.self)) }
  }

  /// The next line; nil after the last, and for ever once the task was cancelled. One task waits at a time.
  func next() async -> String? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let line: String?? = state.withLock { state in
          if !state.lines.isEmpty { return .some(state.lines.removeFirst()) }
          if state.hasEnded { return .some(nil) }
          state.waiter = continuation
          return nil
        }
        if let line { continuation.resume(returning: line) }
      }
    } onCancel: {
      end()
    }
  }

  /// All lines that are left, once the process has closed its end.
  func rest() async -> [String] {
    var lines: [String] = []
    while let line = await next() { lines.append(line) }
    return lines
  }

  private func add(_ line: String) {
    let waiter = state.withLock { state in
      if state.waiter == nil { state.lines.append(line) }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: line)
  }

  private func end() {
    let waiter = state.withLock { state in
      state.hasEnded = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: nil)
  }
}
