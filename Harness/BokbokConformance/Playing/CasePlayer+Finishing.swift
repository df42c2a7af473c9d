extension CasePlayer {
  /// After the last step: what is open is closed in order, the testee proves that it lives, and its descriptors are back
  /// to where they were.
  func finish(descriptorsBefore: OpenDescriptors?) throws {
    for connection in connections { try finish(connection) }
    // A process that has served its one connection is not needed any more: that new ones serve, the next case shows.
    if needsSurvivalProof, !configuration.isProcessForEachConnection { try proveSurvival() }
    try stopServer()
    try checkReports()
    if case .forEachConnection = source { try endTestees() }
    if let descriptorsBefore { try checkDescriptors(descriptorsBefore) }
  }

  private func finish(_ connection: KitConnection) throws {
    let stream = connection.stream
    if stream.isOpen, item.closesAtEnd, connection.stage == .open, stream.inputEnd == nil {
      stream.isReadingPaused = false
      try close(CloseStep(code: "normal", message: "", allowsAnswers: false), on: connection)
    } else if stream.isOpen {
      // The kit reads to the end before it closes, so that it resets nothing.
      needsSurvivalProof = true
      stream.isReadingPaused = false
      stream.shutDownOutput()
      _ = try wait(for: "the end of the stream after the kit has ended its half") { stream.inputEnd }
      stream.close()
    }
    guard connection.wasOpened, !connection.isClosedReported else { return }
    let pattern = EventPattern(
      name: "closed",
      payload: nil,
      payloadBytes: nil,
      reasons: nil,
      codes: nil,
      message: nil,
      user: nil,
      isOfAnyConnection: false
    )
    try expectEvent(pattern, on: connection.name)
  }

  private func stopServer() throws {
    guard let server, !isServerStopped else { return }
    var members = JSON.Object()
    members["server"] = .string(server.id)
    members["graceful"] = false
    _ = try success(of: give("stop", members, to: currentTestee()))
    isServerStopped = true
  }

  /// Each process ends when it is told to, and says that all was well.
  private func endTestees() throws {
    for testee in testees {
      let status = try testee.end(within: GroupRunner.endLimit)
      guard status == .exited(0) else {
        let got = status.map { "it \($0)" } ?? "it still runs after \(GroupRunner.endLimit)"
        throw CaseFailure(
          expected: "the process of the connection ends with exit status 0 after quit",
          got: got,
          dependsOnTime: status == nil
        )
      }
    }
  }

  /// The testee answers a good request on a new connection.
  private func proveSurvival() throws {
    if configuration.role == .server {
      let knowsUsualUser = item.testee.users == nil
      if isServerStopped || !knowsUsualUser {
        try stopServer()
        try listenAsUsual()
      }
    }
    try playGoodConnection()
  }

  /// Another connection by the book: opened, one request, closed.
  func playGoodConnection() throws {
    let name = "good-\(connectionCount)"
    let step = ConnectStep(name: name, start: .open, opening: OpeningStep(), receiveBufferByteCount: nil)
    try connect(step, options: configuration.role == .client ? TesteeOptions() : serverOptions)
    let connection = try connection(name)
    try roundTrip(nil, id: nil, on: connection)
    try close(CloseStep(code: "normal", message: "", allowsAnswers: false), on: connection)
  }

  /// Each open connection was reported as closed exactly once, and nothing else was.
  private func checkReports() throws {
    try noteMessages()
    if let event = testees.flatMap(\.events).first(where: { $0["event"] == "closed" }) {
      let expected = "one event closed for each connection that was open"
      throw CaseFailure(clause: "C-8.a", expected: expected, got: "another one: \(event.encodedText)")
    }
  }

  private func checkDescriptors(_ before: OpenDescriptors) throws {
    let testee = try currentTestee()
    // Streams linger for a second at most (F-3).
    let deadline = clock.now + .seconds(2)
    // Looking costs the machine more than waiting: less and less often.
    var pause = 4
    while true {
      guard let now = testee.openDescriptors() else { return }
      if now.count <= before.count { return }
      guard clock.now < deadline else {
        throw DescriptorGrowth(countBefore: before.count, additions: now.additions(to: before))
      }
      try clock.serve(for: .milliseconds(pause))
      pause = min(2 * pause, 64)
      if let failure = testee.failure { throw failure }
    }
  }
}
