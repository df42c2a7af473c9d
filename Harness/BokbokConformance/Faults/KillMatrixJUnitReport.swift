/// The kill matrix in the XML that continuous integration knows: a suite for each role of the testee, a test for each
/// trial. A fault that is not killed fails its test; one that is badly written or not decided is an error, and so is a run
/// that is not complete.
enum KillMatrixJUnitReport {
  static func text(_ document: KillMatrixDocument) -> String {
    var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#, #"<testsuites name="kill matrix">"#]
    lines += testeeFailures(document)
    for role in [Configuration.Role.server, .client] {
      let trials = document.trials.filter { $0.role == role }
      guard !trials.isEmpty else { continue }
      let failureCount = trials.count { element(of: $0.outcome) == "failure" }
      let errorCount = trials.count { element(of: $0.outcome) == "error" }
      lines.append(
        "  <testsuite name=\"testee as \(role.rawValue)\" tests=\"\(trials.count)\" failures=\"\(failureCount)\""
          + " errors=\"\(errorCount)\" skipped=\"0\" time=\"\(seconds(trials.map(\.milliseconds).reduce(0, +)))\">"
      )
      lines += trials.flatMap(test)
      lines.append("  </testsuite>")
    }
    lines += JUnitReport.incompleteness(document.ending, document.incompleteness)
    return (lines + ["</testsuites>"]).joined(separator: "\n") + "\n"
  }

  /// The testee without a fault has to pass before any fault can be told from it.
  private static func testeeFailures(_ document: KillMatrixDocument) -> [String] {
    let count = document.testeeFailures.count
    guard count > 0 else { return [] }
    let tests = document.testeeFailures.flatMap { failure in
      let message = JUnitReport.escape("expected \(failure.expected), got \(failure.got)")
      return [
        "    <testcase classname=\"testee without a fault\" name=\"\(JUnitReport.escape(failure.path))\" time=\"0.000\">",
        "      <failure type=\"\(JUnitReport.escape(failure.state))\" message=\"\(message)\"/>",
        "    </testcase>",
      ]
    }
    let head =
      "  <testsuite name=\"testee without a fault\" tests=\"\(count)\" failures=\"\(count)\" errors=\"0\""
      + " skipped=\"0\" time=\"0.000\">"
    return [head] + tests + ["  </testsuite>"]
  }

  private static func element(of outcome: FaultTrial.Outcome) -> String? {
    switch outcome {
    case .killed: nil
    case .survived, .survivalOnly: "failure"
    case .broken, .trouble: "error"
    }
  }

  private static func test(_ trial: KillMatrixDocument.Trial) -> [String] {
    let head =
      "    <testcase classname=\"\(JUnitReport.escape(trial.clause))\" name=\"\(JUnitReport.escape(trial.name))\""
      + " time=\"\(seconds(trial.milliseconds))\""
    guard let element = element(of: trial.outcome) else { return [head + "/>"] }
    var details = trial.played.map { "played \($0)" }
    if trial.caseCount == 0 { details.append("no case of the level must covers \(trial.clause) in this role") }
    if let killer = trial.killer {
      details.append("\(killer): expected \(trial.expected ?? "nothing"), got \(trial.got ?? "nothing")")
    }
    if !trial.standardError.isEmpty { details.append(trial.standardError) }
    let message = JUnitReport.escape("\(trial.outcome.name): \(trial.why)")
    let text = JUnitReport.escape(details.joined(separator: "\n"))
    return [
      head + ">", "      <\(element) type=\"\(trial.outcome.rawValue)\" message=\"\(message)\">\(text)</\(element)>",
      "    </testcase>",
    ]
  }

  private static func seconds(_ milliseconds: Int) -> String { JUnitReport.seconds(.milliseconds(milliseconds)) }
}
