internal import Foundation

/// What one relay reports of itself: with which words it was started, which ends and signals came, and when.
final class RelayReports: PollSource {
  enum Kind: Equatable, CustomStringConvertible {
    case started
    case inputEnded
    case outputClosed
    case terminated
    case signal(Int)
    /// It ended by itself.
    case ended
    /// It ended without another word.
    case killed

    var description: String {
      switch self {
      case .started: "the testee starts the command"
      case .inputEnded: "the command's standard input ends"
      case .outputClosed: "nobody reads the command's standard output any more"
      case .terminated: "the command gets SIGTERM"
      case .signal(let number): "the command gets signal \(number)"
      case .ended: "the command ends by itself, without a signal"
      case .killed: "the command is killed"
      }
    }
  }

  struct Report {
    let kind: Kind
    /// When, since the relay started.
    let time: Duration
    var words: [String] = []
    var descriptors: [Int] = []
  }

  /// What has come and no step has taken.
  private(set) var pending: [Report] = []
  private var all: [Report] = []
  private var process: pid_t?
  private var startTime = ContinuousClock.now
  private var hasEnded = false
  private let listener: Listener
  private let poller: Poller
  private var descriptor: Int32 = -1
  private var input: [UInt8] = []

  /// Waits at a UNIX socket for the relay's connection.
  init(path: String, poller: Poller) throws {
    self.listener = try Listener(.unix(path: path), poller: poller)
    self.poller = poller
    poller.add(self)
  }

  func close() {
    poller.remove(self)
    hasEnded = true
    listener.close()
    if descriptor >= 0 { Foundation.close(descriptor) }
    descriptor = -1
  }

  /// Whether the relay has ended and nothing more can come.
  var isOver: Bool { hasEnded }

  @discardableResult
  func takeReport() -> Report? {
    pending.isEmpty ? nil : pending.removeFirst()
  }

  /// When something was reported, since the relay started.
  func time(of kind: Kind) -> Duration? { all.first { $0.kind == kind }?.time }

  /// Whether no process has its number any more: it has ended, and the testee has taken its status.
  var isReaped: Bool {
    guard let process else { return false }
    return Foundation.kill(process, 0) != 0 && errno == ESRCH
  }

  /// Kills the relay; false if it does not run.
  @discardableResult
  func killRelay() -> Bool {
    // Once it has ended, its number may be another's.
    guard let process, !hasEnded else { return false }
    return Foundation.kill(process, SIGKILL) == 0
  }

  // MARK: Polling

  var interests: [(descriptor: Int32, events: Int16)] {
    if descriptor < 0, !hasEnded, let stream = listener.takeAccepted() { descriptor = stream }
    return descriptor < 0 ? [] : [(descriptor, Int16(POLLIN))]
  }

  func handle(_ descriptor: Int32, _ events: Int16) {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    if count > 0 {
      input += buffer[..<count]
      while let end = input.firstIndex(of: 0x0A) {
        noteLine(Array(input[..<end]))
        input.removeFirst(end + 1)
      }
    } else if count == 0 || errno != EINTR {
      Foundation.close(descriptor)
      self.descriptor = -1
      hasEnded = true
      guard all.last?.kind != .ended else { return }
      note(Report(kind: .killed, time: .now - startTime))
    }
  }

  private func noteLine(_ line: [UInt8]) {
    guard let message = try? JSON(parsing: line), let name = message["report"]?.string else { return }
    let kind: Kind? =
      switch name {
      case "started": .started
      case "input-ended": .inputEnded
      case "output-closed": .outputClosed
      case "signal-\(SIGTERM)": .terminated
      case "ended": .ended
      default: Int(name.dropFirst("signal-".count)).map { .signal($0) }
      }
    guard let kind else { return }
    if kind == .started {
      process = message["process"]?.integer.map { pid_t($0) }
      startTime = .now
    }
    var report = Report(kind: kind, time: .milliseconds(message["ms"]?.integer ?? 0))
    report.words = (message["words"]?.strings ?? []).map { digits in
      String(decoding: Hexadecimal.bytes(digits) ?? [], as: UTF8.self)
    }
    report.descriptors = (message["descriptors"]?.array ?? []).compactMap(\.integer)
    note(report)
  }

  private func note(_ report: Report) {
    all.append(report)
    // That the stream is over one way is no news when it is over the other way; which of them shows first is chance.
    if report.kind != .outputClosed { pending.append(report) }
  }
}
