/// One play of a case that did not pass, with all that is needed to understand and to play it again without the
/// implementation: the case, what the kit's secrets were made of, all that passed over the contract and the streams, in
/// its order and with its times, and the verdict.
///
/// The form is described by `Harness/Capsules/FORMAT.md`.
package struct Capsule: Sendable, Equatable {
  /// The version of the form, which the header names.
  static let format = 1

  /// What was played, and how.
  struct Header: Sendable, Equatable {
    var implementation: String
    /// The digest of the suite of which the case is.
    var suite: String
    /// What the testee said of itself.
    var declaration: JSON
    var subject: String
    /// The case as it stands in its file.
    var item: JSON
    /// How it was played; its level is not always live.
    var configuration: Configuration
    /// How what the kit sent was cut when the implementation read it.
    var split: Split
    /// How long the kit waited in steps that name no time of their own.
    var timeLimitMilliseconds: Int
    /// The factor of all times, with which the kit met the load of the machine.
    var stretch: Double
    var entropy: KitEntropy
    /// Whether the messages of the contract were checked against its schema.
    var checksContract: Bool
    /// Ephemeral public keys of the testee that came in this play and had come before it.
    var earlierPublicKeys: [[UInt8]]
    /// What connections of earlier cases had shown, where the verdict is about that.
    var comparedWith: [SealedAudit.Sighting]
  }

  /// What happened, seen from the kit.
  enum Happening: Sendable, Equatable {
    /// The process is there; it gets its commands from this number on.
    case begins(process: Int, sequence: Int)
    case command(process: Int, JSON)
    /// A line of the testee's, without its end.
    case answer(process: Int, [UInt8])
    /// The process ended; nil where only its end of the contract's stream was seen.
    case dies(process: Int, ExitStatus?)
    case standardError(process: Int, [UInt8])
    /// A stream to this process stands; the name is the case's.
    case opens(connection: Int, name: String, process: Int)
    /// What the kit's side of a sealed handshake was made of.
    case keys(connection: Int, userKey: [UInt8], sessionKey: [UInt8], ephemeral: [UInt8])
    case bytes(connection: Int, isFromKit: Bool, [UInt8])
    /// The testee has sent something that the kit does not read yet.
    case testeeWaits(connection: Int)
    case testeeEnds(connection: Int, StreamEnd)
    case kitEnds(connection: Int, KitEnd)
    /// Writing has failed: the testee does not take any more.
    case kitCannotWrite(connection: Int)
    /// The testee has connected, and no step has taken the stream.
    case strayConnection
  }

  /// How long the kit waits.
  struct Timing: Sendable {
    /// In steps that name no time of their own, on an idle machine.
    var timeLimit: Duration
    /// The factor of that and of all times of the case.
    var stretch: Double
  }

  enum ExitStatus: Sendable, Equatable {
    case exited(Int32)
    case signalled(Int32)
  }

  /// How the kit ends its half of a stream, or both.
  enum KitEnd: String, Sendable {
    case sending
    case reset
    case close
  }

  struct Event: Sendable, Equatable {
    /// Since the play began.
    var microseconds: Int
    var happening: Happening
  }

  /// What the kit made of it.
  package struct Verdict: Sendable, Equatable {
    package var state: CaseResult.State
    package var moment: CaseResult.Problem.Moment
    package var clause: String?
    package var step: String?
    package var expected: String
    package var got: String
  }

  var header: Header
  /// In their order.
  var events: [Event]
  package var verdict: Verdict

  /// `F-1/unknown-kind/sealed/unix/server`.
  package var path: String { "\(header.item["id"]?.string ?? "")/\(header.configuration.path)" }
}

extension Capsule.Verdict {
  init(_ result: CaseResult) {
    let problem = result.problem
    self.init(
      state: result.state,
      moment: problem?.moment ?? .afterwards,
      clause: problem?.clause,
      step: problem?.step,
      expected: problem?.expected ?? "",
      got: problem?.got ?? ""
    )
  }

  /// For people, on one line.
  package var text: String {
    guard state != .pass else { return "pass" }
    var text = state.rawValue
    if let step { text += ", step \(step)" }
    if moment == .afterwards { text += ", after the last step" }
    if moment == .auditing { text += ", beside earlier connections" }
    if let clause { text += ", \(clause)" }
    return text + ": expected \(expected), got \(got)"
  }
}

extension Configuration {
  /// One by its path, such as `sealed/unix/server`; nil if there is none.
  init?(path: String) {
    guard let configuration = Self.everywhere.first(where: { $0.path == path }) else { return nil }
    self = configuration
  }
}
