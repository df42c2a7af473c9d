extension CasePlayer {
  /// Plays a step about the command that the testee has started for a connection.
  func play(_ step: RelayStep, on name: String) throws {
    guard let reports = relays[name] else {
      throw CaseDataProblem(description: "the connection \(name) has no relay")
    }
    switch step {
    case .started(let words, let descriptors):
      let report = try nextReport(.started, reports)
      if let words, report.words != words {
        throw CaseFailure(expected: "the words \(words)", got: "the words \(report.words)")
      }
      if let descriptors, report.descriptors != descriptors {
        let expected = descriptors.isEmpty ? "no descriptors" : "the descriptors \(descriptors)"
        throw CaseFailure(expected: "\(expected) besides 0, 1 and 2", got: "\(report.descriptors)")
      }
    case .inputEnded: try nextReport(.inputEnded, reports)
    case .terminated(let least): try checkTime(of: nextReport(.terminated, reports), after: .inputEnded, least, reports)
    case .killed(let least): try checkTime(of: nextReport(.killed, reports), after: .terminated, least, reports)
    case .ended: try nextReport(.ended, reports)
    case .reaped:
      // No descriptor tells of it.
      let heartbeat = clock.heartbeat
      clock.heartbeat = .milliseconds(5)
      defer { clock.heartbeat = heartbeat }
      try wait(for: "the command to be reaped") { reports.isReaped ? true : nil }
    case .kill:
      needsSurvivalProof = true
      guard reports.killRelay() else { throw CaseDataProblem(description: "the relay of \(name) does not run") }
    }
  }

  /// The next thing that the relay reports, which has to be this one.
  @discardableResult
  private func nextReport(_ kind: RelayReports.Kind, _ reports: RelayReports) throws -> RelayReports.Report {
    // What a testee starts has reported that before anything else, and not every case is about it.
    if kind != .started, reports.pending.first?.kind == .started { reports.takeReport() }
    let report = try wait(for: kind.description) { () -> RelayReports.Report? in
      if kind != .started, reports.pending.first?.kind == .started { reports.takeReport() }
      return reports.takeReport()
    }
    guard report.kind == kind else { throw CaseFailure(expected: kind.description, got: report.kind.description) }
    return report
  }

  private func checkTime(
    of report: RelayReports.Report,
    after earlier: RelayReports.Kind,
    _ least: Duration,
    _ reports: RelayReports
  ) throws {
    guard least > .zero else { return }
    guard let time = reports.time(of: earlier) else {
      throw CaseFailure(expected: "first: \(earlier.description)", got: report.kind.description)
    }
    guard report.time - time >= least else {
      let got = "\((report.time - time).milliseconds) ms"
      throw CaseFailure(expected: "\(report.kind.description), \(least.milliseconds) ms later at least", got: got)
    }
  }
}
