extension CasePlayer {
  /// Plays the steps of a `repeat` again and again. What one repetition has named, the next may name anew.
  func play(_ repetition: RepeatStep, of step: Step) throws {
    let labels = Set(commands.keys)
    let captures = Set(ids.keys)
    func playOnce() throws {
      commands = commands.filter { labels.contains($0.key) || $0.key.hasPrefix("connect:") }
      ids = ids.filter { captures.contains($0.key) }
      try play(repetition.steps)
    }
    if let limit = repetition.memory {
      try repeatWithinMemory(repetition.times, limit, of: step, playOnce)
    } else {
      for _ in 0..<repetition.times { try playOnce() }
    }
  }

  /// How often the memory is looked at in the first repetitions, and in as many as all before them after that.
  private static let sampleCount = 16

  /// Repeats until the memory of the testee has stopped to grow. A collector lets it grow for a while: so each further
  /// round has as many repetitions as all before it together, and only the last one counts.
  ///
  /// What is played back has no memory: then the first round is all.
  private func repeatWithinMemory(
    _ times: Int,
    _ limit: MemoryLimit,
    of step: Step,
    _ playOnce: () throws -> Void
  ) throws {
    var growth = MemoryGrowth()
    // A testee that collects its garbage when it is asked something does so as often in each round.
    let batch = max(1, times / Self.sampleCount)
    var repetition = 0
    var target = times
    var bookmark: Bookmark?
    while true {
      // What is judged: the later half of all repetitions.
      let start = target / 2
      let interval = max(1, (target - repetition) / Self.sampleCount)
      let base = repetition
      while repetition < target {
        try playOnce()
        repetition += 1
        if let bookmark { forget(since: bookmark) }
        let looks = (repetition - base).isMultiple(of: interval)
        guard looks || repetition.isMultiple(of: batch) else { continue }
        currentStep = step
        // Its reply comes behind all that the testee did before.
        _ = try success(of: give("hello", to: currentTestee()))
        if looks, let byteCount = testees.last?.memoryByteCount() { growth.note(byteCount, after: repetition) }
      }
      let slope = growth.slope(from: start)
      guard slope > Double(limit.bytesPerRepetitionMax) else { return }
      guard repetition < limit.timesMax else {
        throw CaseFailure(
          expected: "no repetition leaves more than \(limit.bytesPerRepetitionMax) bytes in the testee's memory",
          got: "\(Self.memoryVerdict) \(Int(slope.rounded())) bytes there: \(growth.text(from: start))",
          dependsOnTime: true
        )
      }
      target = min(2 * target, limit.timesMax)
      if bookmark == nil { bookmark = makeBookmark() }
    }
  }

  /// How the verdict on a testee that keeps memory begins, by which a replay knows it.
  static let memoryVerdict = "each repetition leaves"

  // MARK: What is kept

  /// Where the traces stand: what follows is kept for one repetition only, so that a thousand of them fit into memory and
  /// reports.
  private struct Bookmark {
    let connections: [(connection: KitConnection, bookmark: KitConnection.Bookmark)]
    let logs: [(testee: any CaseTestee, count: Int)]
  }

  private func makeBookmark() -> Bookmark {
    Bookmark(
      connections: connections.map { ($0, $0.makeBookmark()) },
      logs: testees.map { ($0, $0.log.count) }
    )
  }

  private func forget(since bookmark: Bookmark) {
    for (connection, mark) in bookmark.connections { connection.forget(since: mark) }
    for (testee, count) in bookmark.logs { testee.forgetLog(from: count) }
    dropConnections(from: bookmark.connections.count) { connection in
      !connection.stream.isOpen && (!connection.wasOpened || connection.isClosedReported)
    }
  }
}
