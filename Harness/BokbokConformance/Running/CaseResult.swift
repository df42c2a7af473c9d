/// How one case ended in one configuration.
package struct CaseResult: Sendable {
  package enum State: String, Sendable, CaseIterable {
    case pass
    case fail
    /// It needs what the testee did not declare.
    case notDeclared = "not-declared"
    /// It makes no sense on the level that is played.
    case notApplicable = "not-applicable"
    /// The testee declared it and then said that it cannot.
    case unsupported
    /// The testee died.
    case crashed
    /// A time limit of the kit ran out, and nothing proves a fault.
    case inconclusive
    /// The kit's own trouble.
    case error

    /// Whether the case was played at all.
    package var isPlayed: Bool { self != .notDeclared && self != .notApplicable }
  }

  /// What went wrong, for people and reports.
  package struct Problem: Sendable {
    /// When something went wrong.
    package enum Moment: String, Sendable {
      /// The testee did not even start.
      case starting
      /// In a step, or in opening the first connection.
      case playing
      /// After the last step: in closing, in the proof of survival, in the count of descriptors.
      case afterwards
      /// In the comparison of its sealed connections with earlier ones (``SealedAudit``).
      case auditing
    }

    package var moment = Moment.starting
    /// The clause that is broken, if it is known to be another than those of the case.
    package var clause: String?
    /// The step in which it showed, such as `3`, and as it stands in the file; nil after the last one.
    package var step: String?
    package var stepSource: String?
    /// Whether another machine, or the same one at another time, might have shown something else.
    package var dependsOnTime = false
    /// Whether a time limit of the kit ran out.
    package var isTimeOut = false
    package var expected: String
    package var got: String
    /// What went over the streams and the contract, with times.
    package var trace = CaseTrace()
    /// What the testee wrote to standard error.
    package var errorText = ""
    /// The file that holds the whole play, for `bokbok conformance replay`; nil if none was asked for.
    package var capsulePath: String?
  }

  package let item: Case
  package let configuration: Configuration
  package var state: State
  package var problem: Problem?
  package var duration: Duration
  /// How the first attempt ended, where the case was run again, alone and with longer time limits.
  package var firstAttempt: Problem?
  /// Why a failure is expected, where the manifest says so.
  package var excuse: String?

  /// Whether the first attempt proves nothing, since more time might have changed it: it is run again, alone.
  var isToBeRepeated: Bool {
    guard wasPlayed else { return false }
    return state == .inconclusive || (state == .fail && problem?.dependsOnTime == true)
  }

  /// False where earlier cases have shown that it would only run out of time too.
  var wasPlayed = true

  /// `F-1/unknown-kind/sealed/unix/server`.
  package var path: String { "\(item.id)/\(configuration.path)" }

  /// What the result means for the run.
  package enum Weight: Sendable {
    case good
    case warning
    case failure
    case trouble
  }

  package func weight(isStrict: Bool) -> Weight {
    if excuse != nil { return state == .pass ? .failure : .good }
    switch state {
    case .pass, .notDeclared, .notApplicable: return .good
    case .inconclusive, .error: return .trouble
    case .fail, .unsupported, .crashed: return item.level == .should && !isStrict ? .warning : .failure
    }
  }
}
