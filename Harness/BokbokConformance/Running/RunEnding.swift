internal import Foundation

/// How a run came to its end.
enum RunEnding: Sendable, Equatable {
  /// Every run that was planned has its result.
  case complete
  /// A signal with this number ended it.
  case interrupted(signal: Int32)
  /// It could not begin, for this reason, and the command ends with this status.
  case stopped(reason: String, exitStatus: Int32)

  /// The word of the reports.
  var word: String {
    switch self {
    case .complete: "complete"
    case .interrupted: "interrupted"
    case .stopped: "stopped"
    }
  }

  /// The signal's name, such as `SIGINT`; nil where no signal ended the run.
  var signalName: String? {
    guard case .interrupted(let number) = self else { return nil }
    return Self.signalNames[number] ?? "signal \(number)"
  }

  /// The signals that end a run, by their numbers.
  private static let signalNames = [SIGINT: "SIGINT", SIGTERM: "SIGTERM"]

  /// Why it is not complete, for people; nil if it is.
  ///
  /// - Parameters:
  ///   - unmadeCount: how much of what was planned has no result.
  ///   - things: what that is, one and several, and what was not done with it.
  func incompleteness(unmadeCount: Int, of things: Things = .runs) -> String? {
    let unmade = "\(unmadeCount) \(unmadeCount == 1 ? things.one : things.several)"
    return switch self {
    case .complete: nil
    case .interrupted: "interrupted by \(signalName ?? "a signal"): \(unmade)"
    case .stopped(let reason, _): "stopped before the first case: \(reason): \(unmade)"
    }
  }

  /// What a run is made of, and was not done where it is not complete.
  enum Things {
    /// Cases, each in a configuration.
    case runs
    /// Scenarios of two implementations.
    case scenarios
    /// Planted faults, each with the testee in a role.
    case trials
    /// What a first look at a testee tries, one after the other.
    case stages

    fileprivate var one: String {
      switch self {
      case .runs: "run was not made"
      case .scenarios: "scenario was not played"
      case .trials: "trial was not made"
      case .stages: "thing was not tried"
      }
    }

    fileprivate var several: String {
      switch self {
      case .runs: "runs were not made"
      case .scenarios: "scenarios were not played"
      case .trials: "trials were not made"
      case .stages: "things were not tried"
      }
    }
  }
}

// MARK: - Reports for programs

extension RunEnding {
  /// The members of a report that tell it.
  ///
  /// - Parameter unmadeCount: how much of what was planned has no result.
  func json(unmadeCount: Int) -> JSON {
    var object = JSON.Object([("ended", .string(word))])
    object["signal"] = signalName.map { .string($0) }
    if case .stopped(let reason, _) = self { object["reason"] = .string(reason) }
    object["notRun"] = .integer(unmadeCount)
    return .object(object)
  }

  /// What a report tells, of which the form has been checked.
  init(_ report: JSON) {
    switch report["ended"]?.string {
    case "interrupted": self = .interrupted(signal: report["signal"]?.string == "SIGTERM" ? SIGTERM : SIGINT)
    case "stopped":
      let status = Int32(clamping: report["exitStatus"]?.integer ?? 1)
      self = .stopped(reason: report["reason"]?.string ?? "", exitStatus: status)
    default: self = .complete
    }
  }
}
