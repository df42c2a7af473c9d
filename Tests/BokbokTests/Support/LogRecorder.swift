import Logging

/// Collects what is logged, each entry as one text with its metadata.
final class LogRecorder: Sendable {
  private let entries = Recorder<String>()

  var lines: [String] { self.entries.elements }

  /// Waits until something with this text has been logged.
  func wait(for text: String) async {
    var lines = self.lines
    while !lines.contains(where: { $0.contains(text) }) {
      lines = await self.entries.wait(count: lines.count + 1)
    }
  }

  func logger() -> Logger {
    var logger = Logger(label: "test") { _ in Handler(recorder: self) }
    logger.logLevel = .trace
    return logger
  }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(recorder: LogRecorder) {
      self.recorder = recorder
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { self.metadata[key] }
      set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let metadata = self.metadata.merging(event.metadata ?? [:]) { $1 }
      let text = metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
      self.recorder.entries.record("\(event.level): \(event.message) \(text)")
    }
  }
}
