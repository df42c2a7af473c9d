// A capsule of what has just been played.

extension Capsule {
  /// - Parameters:
  ///   - player: has played the case, and has not been abandoned yet.
  ///   - result: what came of it.
  ///   - start: when the play began.
  ///   - split: how what the kit sent was cut.
  ///   - comparedWith: what earlier connections had shown, where the verdict is about that.
  init(
    _ player: CasePlayer,
    _ result: CaseResult,
    implementation: String,
    declaration: Declaration,
    suiteDigest: String,
    checksContract: Bool,
    timing: Timing,
    start: ContinuousClock.Instant,
    split: Split,
    comparedWith: [SealedAudit.Sighting]
  ) {
    var timeline = Timeline(start: start)
    for (index, testee) in player.testees.enumerated() {
      timeline.add(testee, process: index + 1)
    }
    for (index, connection) in player.connections.enumerated() {
      let process = player.testees.firstIndex { $0 === connection.testee } ?? 0
      timeline.add(connection, number: index + 1, process: process + 1)
    }
    let meeting = player.meeting as? MeetingPoint
    for time in meeting?.waitingStreamTimes ?? [] { timeline.add(.strayConnection, at: time) }
    self.init(
      header: Header(
        implementation: implementation,
        suite: suiteDigest,
        declaration: declaration.json,
        subject: player.item.subject,
        item: player.item.source,
        configuration: player.configuration,
        split: split,
        timeLimitMilliseconds: timing.timeLimit.milliseconds,
        stretch: timing.stretch,
        entropy: player.entropy ?? KitEntropy(),
        checksContract: checksContract,
        earlierPublicKeys: meeting?.repeatedPublicKeys ?? [],
        comparedWith: comparedWith
      ),
      events: timeline.events,
      verdict: Verdict(result)
    )
  }
}

/// What happened in several places, brought into one order by the time.
private struct Timeline {
  let start: ContinuousClock.Instant
  private var entries: [(time: ContinuousClock.Instant, happening: Capsule.Happening)] = []

  init(start: ContinuousClock.Instant) {
    self.start = start
  }

  var events: [Capsule.Event] {
    // What happened at the same time stays in its order.
    let sorted = entries.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    return sorted.map { _, entry in
      let (seconds, attoseconds) = (entry.time - start).components
      let microseconds = Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
      return Capsule.Event(microseconds: max(0, microseconds), happening: entry.happening)
    }
  }

  mutating func add(_ happening: Capsule.Happening, at time: ContinuousClock.Instant) {
    entries.append((time, happening))
  }

  mutating func add(_ testee: any CaseTestee, process number: Int) {
    let process = testee as? TesteeProcess
    let commands = testee.log.lazy.filter(\.isSent).compactMap { try? JSON(parsing: $0.bytes) }
    let sequence = commands.first?["seq"]?.integer ?? process?.nextSequence ?? 1
    add(.begins(process: number, sequence: sequence), at: testee.log.first?.time ?? start)
    for line in testee.log {
      if !line.isSent {
        add(.answer(process: number, line.bytes), at: line.time)
      } else if let command = try? JSON(parsing: line.bytes) {
        add(.command(process: number, command), at: line.time)
      }
    }
    guard let process else { return }
    let last = process.endTime ?? testee.log.last?.time ?? start
    if !testee.errorText.isEmpty { add(.standardError(process: number, testee.errorText), at: last) }
    guard let time = process.endTime else { return }
    switch process.child.status {
    case .exited(let status)?: add(.dies(process: number, .exited(status)), at: time)
    case .signalled(let signal)?: add(.dies(process: number, .signalled(signal)), at: time)
    case nil: add(.dies(process: number, nil), at: time)
    }
  }

  mutating func add(_ connection: KitConnection, number: Int, process: Int) {
    let trace = connection.trace
    add(.opens(connection: number, name: connection.name, process: process), at: trace.start)
    if let userKey = connection.userKey {
      let secrets = connection.secrets
      add(
        .keys(
          connection: number,
          userKey: userKey,
          sessionKey: secrets.sessionKey,
          ephemeral: secrets.ephemeral
        ),
        at: trace.start
      )
    }
    for (time, entry) in trace.entries {
      switch entry {
      case .sent(let bytes): add(.bytes(connection: number, isFromKit: true, bytes), at: time)
      case .received(let bytes): add(.bytes(connection: number, isFromKit: false, bytes), at: time)
      case .remark(.inputEnded(let end, _)): add(.testeeEnds(connection: number, end), at: time)
      case .remark(.inputWaits): add(.testeeWaits(connection: number), at: time)
      case .remark(.kitEndsSending): add(.kitEnds(connection: number, .sending), at: time)
      case .remark(.kitResets): add(.kitEnds(connection: number, .reset), at: time)
      case .remark(.kitCloses): add(.kitEnds(connection: number, .close), at: time)
      case .remark(.kitCannotWrite): add(.kitCannotWrite(connection: number), at: time)
      case .remark(.repetitionsOmitted): break
      }
    }
  }
}
