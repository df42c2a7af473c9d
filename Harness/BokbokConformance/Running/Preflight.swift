/// What is asked of a testee before any case: that it speaks the contract, what it can do, and that it admits what it
/// cannot.
enum Preflight {
  /// How often the time of a reply is measured before the first case.
  private static let measurementCount = 5

  /// Starts a testee, learns what it declares and how fast it answers, tries the canary and ends it.
  ///
  /// Throws ``PreflightFailure`` for a testee that is none or where `stop` asks the run to end, and ``SystemCallError`` if
  /// it cannot be started.
  static func run(
    _ implementation: Implementation,
    contract: TesteeContract?,
    pace: Pace = Pace(),
    stop: RunStop? = nil
  ) throws -> Declaration {
    let poller = Poller(stop: stop)
    let start = ContinuousClock.now
    let testee = try TesteeProcess(
      command: implementation.command,
      directory: implementation.directory,
      poller: poller,
      contract: contract
    )
    defer { testee.release() }
    do {
      let declaration = try hello(testee, poller: poller)
      pace.noteStart(.now - start)
      try canary(testee, poller: poller)
      for _ in 0..<measurementCount {
        let start = ContinuousClock.now
        _ = try hello(testee, poller: poller)
        pace.note(.now - start)
      }
      try end(testee)
      return declaration
    } catch {
      throw PreflightFailure(cause: error, errorText: String(decoding: testee.errorText, as: UTF8.self))
    }
  }

  static func hello(
    _ testee: TesteeProcess,
    poller: Poller,
    limit: Duration = GroupRunner.startLimit
  ) throws -> Declaration {
    let reply = try reply(to: "hello", testee, poller, limit: limit)
    return try Declaration(reply: reply)
  }

  /// A command that no contract has: a testee that claims to do it would claim anything.
  private static func canary(_ testee: TesteeProcess, poller: Poller) throws {
    let reply = try reply(to: "canary-that-sings", testee, poller, limit: GroupRunner.startLimit)
    guard reply["error"]?["kind"] == "unsupported" else {
      throw CaseFailure(
        expected: "an error of the kind unsupported for a command that does not exist",
        got: reply.encodedText
      )
    }
  }

  private static func end(_ testee: TesteeProcess) throws {
    guard let status = try testee.end(within: GroupRunner.endLimit) else {
      throw CaseFailure(expected: "the testee ends after quit", got: "it still runs after \(GroupRunner.endLimit)")
    }
    guard status == .exited(0) else { throw CaseFailure(expected: "exit status 0 after quit", got: "it \(status)") }
  }

  private static func reply(
    to command: String,
    _ testee: TesteeProcess,
    _ poller: Poller,
    limit: Duration
  ) throws -> JSON {
    let sequence = testee.send(command)
    let reply = try poller.wait(until: poller.now + limit) { () throws -> JSON? in
      if let reply = testee.takeReply(to: sequence) { return reply }
      if let failure = testee.failure { throw failure }
      return nil
    }
    guard let reply else { throw TimedOut(waitedFor: "the reply to \(command)", limit: limit) }
    return reply
  }
}

/// Why a testee cannot be tested at all.
struct PreflightFailure: Error, CustomStringConvertible {
  let cause: any Error
  let errorText: String

  var description: String {
    switch cause {
    case let failure as CaseFailure: "expected \(failure.expected), got \(failure.got)"
    case let timeOut as TimedOut: "\(timeOut.waitedFor) did not come within \(timeOut.limit)"
    default: "\(cause)"
    }
  }
}
