internal import Foundation

/// Plays one case against one testee, in one configuration.
///
/// Everything happens on the thread of the group: each wait serves all streams and the testee's pipes.
final class CasePlayer {
  let item: Case
  let configuration: Configuration
  let source: TesteeSource
  let clock: any CaseClock
  let meeting: any MeetingPlace
  let timeLimit: Duration
  /// What the kit's secrets are made of; nil: what the meeting place gives.
  let entropy: KitEntropy?

  /// The processes of the case, in the order in which they were started.
  private(set) var testees: [any CaseTestee] = []
  /// The connections of the case, in the order in which they were made.
  private(set) var connections: [KitConnection] = []
  /// How many connections were made, with those that are kept no longer.
  private(set) var connectionCount = 0
  var ids: [String: UInt32] = [:]
  var bodies: [String: [UInt8]] = [:]
  /// The commands that were given under a label, by label.
  var commands: [String: GivenCommand] = [:]
  /// Replies that were looked at before a step asked for them.
  var heldReplies: [String: JSON] = [:]
  /// Why a client's command to connect failed, by connection.
  var connectFailures: [String: JSON] = [:]
  /// What the relays of connections report, by connection.
  var relays: [String: RelayReports] = [:]
  /// The server that the testee runs for this case, where one process is for all connections.
  var server: (id: String, address: SocketAddress)?
  var serverOptions = TesteeOptions()
  var isServerStopped = false
  /// The step that is being played, for the report.
  var currentStep: Step?
  /// When the step before the current one began; nil for the first.
  private var previousStepStart: ContinuousClock.Instant?
  /// Whether all steps have been played.
  private(set) var isFinishing = false
  /// Set once a connection has ended in another way than an orderly close: then the testee must prove that it lives on.
  var needsSurvivalProof = false

  init(
    _ item: Case,
    configuration: Configuration,
    testee: TesteeSource,
    clock: any CaseClock,
    meeting: any MeetingPlace,
    timeLimit: Duration,
    entropy: KitEntropy? = nil
  ) {
    self.item = item
    self.configuration = configuration
    self.source = testee
    self.clock = clock
    self.meeting = meeting
    self.timeLimit = timeLimit
    self.entropy = entropy
  }

  /// Plays the case from its beginning to the clean state after it. Returns if it passes, else throws.
  func play(checksDescriptors: Bool = true) throws {
    var descriptorsBefore: OpenDescriptors?
    if case .running(let testee) = source {
      testees = [testee]
      testee.beginCase()
      // A new process still opens what it keeps, and to repeat all of such a case for that would cost much.
      descriptorsBefore = checksDescriptors && !item.boundsMemory ? testee.openDescriptors() : nil
    }
    // What a testee does for a second only has to be looked at in time.
    clock.heartbeat = item.steps.contains(where: \.looksInTime) ? .milliseconds(20) : nil
    try startServerIfNeeded()
    if item.start != .none {
      let first = ConnectStep(
        name: "a",
        start: item.start,
        opening: item.opening,
        receiveBufferByteCount: item.receiveBufferByteCount
      )
      try connect(first)
    }
    try play(item.steps)
    currentStep = nil
    isFinishing = true
    try finish(descriptorsBefore: descriptorsBefore)
  }

  /// Closes everything that is open, without judging.
  func abandon() {
    for connection in connections { connection.stream.close() }
    if case .forEachConnection = source {
      for testee in testees { testee.release() }
    }
    for reports in relays.values { reports.killRelay() }
    meeting.dropWaitingStreams()
  }

  func play(_ steps: [Step]) throws {
    for step in steps where step.applies(to: configuration) {
      currentStep = step
      if case .repeat(let repetition) = step.action {
        try play(repetition, of: step)
      } else {
        let start = clock.now
        try play(step)
        try checkNotBefore(step)
        previousStepStart = start
      }
    }
  }

  /// The time from the start of the step before is never less than what the testee has waited since that step's bytes
  /// came: a slow machine makes it longer.
  private func checkNotBefore(_ step: Step) throws {
    guard let least = step.notBefore, let previousStepStart else { return }
    let time = clock.now - previousStepStart
    guard time < least else { return }
    throw CaseFailure(
      expected: "the frame \(least.milliseconds) ms after the step before began, or later",
      got: "it after \(time.milliseconds) ms"
    )
  }

  // MARK: Connections

  func add(_ connection: KitConnection) {
    connections.append(connection)
    connectionCount += 1
  }

  /// Forgets those from this one on of which nothing more is wanted.
  func dropConnections(from index: Int, where isOver: (KitConnection) -> Bool) {
    connections = connections[..<index] + connections[index...].filter { !isOver($0) }
  }

  func add(_ testee: any CaseTestee) {
    testees.append(testee)
  }

  /// The process that commands about no connection go to: the only one, or the one that was started last.
  func currentTestee() throws -> any CaseTestee {
    guard let testee = testees.last else { throw CaseDataProblem(description: "no process of the testee runs") }
    return testee
  }

  /// The first of the processes that has died or broken the contract.
  var failedTestee: (any CaseTestee)? { testees.first { $0.failure != nil } }

  func connection(_ name: String) throws -> KitConnection {
    guard let connection = connections.last(where: { $0.name == name }) else {
      throw CaseDataProblem(description: "there is no connection \(name)")
    }
    return connection
  }

  // MARK: Waiting

  func limit(_ step: Step?) -> Duration { step?.timeLimit ?? timeLimit }

  /// Waits until the condition gives a value. Throws ``TimedOut``, or the testee's failure as soon as there is one.
  @discardableResult
  func wait<Result>(
    for waitedFor: @autoclosure () -> String,
    limit: Duration? = nil,
    _ condition: () throws -> Result?
  ) throws -> Result {
    let limit = limit ?? self.limit(currentStep)
    let result = try clock.wait(until: clock.now + limit) { () throws -> Result? in
      // Before the condition: it may look at what a message says.
      try noteMessages()
      if let result = try condition() { return result }
      if let failure = failedTestee?.failure { throw failure }
      return nil
    }
    guard let result else { throw TimedOut(waitedFor: waitedFor(), limit: limit) }
    return result
  }
}

/// Where the processes of a case come from.
enum TesteeSource {
  /// One process is for all connections, and for the cases after this one.
  case running(any CaseTestee)
  /// Each connection has a process of its own, which this starts with the options of its server: its standard input and
  /// output are the connection.
  case forEachConnection((TesteeOptions, StreamTrace) throws -> (testee: any CaseTestee, stream: any CaseStream))
}

/// A command to which a step may want the reply.
struct GivenCommand {
  let testee: any CaseTestee
  let sequence: Int
  let name: String

  /// The reply, once it has come; it is given once.
  func takeReply() -> JSON? { testee.takeReply(to: sequence) }
}

extension Step {
  /// Whether it is about what the testee does for a short time only (F-3).
  var looksInTime: Bool {
    if case .discards = action { return true }
    return false
  }

  /// Whether the step is played in a configuration.
  func applies(to configuration: Configuration) -> Bool {
    let words = configuration.path.split(separator: "/").map(String.init)
    return only.allSatisfy { words.contains($0) }
  }
}

extension CasePlayer: TemplateContext {
  var isSealed: Bool { configuration.security == .sealed }

  func capturedBytes(_ name: String) throws -> [UInt8] {
    guard let bytes = bodies[name] else { throw CaseDataProblem(description: "nothing was captured as \(name)") }
    return bytes
  }

  func capturedID(_ name: String) throws -> UInt32 {
    guard let id = ids[name] else { throw CaseDataProblem(description: "no exchange id was captured as \(name)") }
    return id
  }

  func traffic(of name: String?, record: Int?, isSent: Bool) throws -> [UInt8] {
    let connection = try connection(name ?? currentStep?.connection ?? "a")
    guard let record else { return connection.trace.bytes(sent: isSent) }
    let records = isSent ? connection.sentRecords : connection.receivedRecords
    let index = record < 0 ? records.count + record : record
    guard records.indices.contains(index) else {
      throw CaseDataProblem(description: "there is no record \(record) on connection \(connection.name)")
    }
    return records[index]
  }
}
