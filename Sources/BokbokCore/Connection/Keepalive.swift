import NIOCore

/// When to ask whether the peer is still there, and when to give it up (P-3).
struct Keepalive {
  private let interval: TimeAmount
  private let timeout: TimeAmount
  private var lastRecord: NIODeadline
  private var asked: NIODeadline?

  /// Nil when keepalive is off. The interval begins when the connection opens.
  init?(_ configuration: MachineConfiguration, now: NIODeadline) {
    guard let interval = configuration.keepaliveInterval else { return nil }
    self.interval = interval
    timeout = configuration.keepaliveTimeout ?? interval
    lastRecord = now
  }

  var deadline: NIODeadline {
    asked.map { $0 + timeout } ?? lastRecord + interval
  }

  mutating func recordCame(now: NIODeadline) {
    lastRecord = now
    asked = nil
  }

  enum Step {
    case nothing
    case ping
    case lost
  }

  mutating func timePassed(now: NIODeadline) -> Step {
    guard now >= deadline else { return .nothing }
    guard asked == nil else { return .lost }
    asked = now
    return .ping
  }
}
