/// The report for programs: one JSON object a line, first a header, then one line for each case and configuration, last a
/// footer. A report without a footer is not a report.
enum JSONLinesReport {
  static let version = 1

  static func lines(_ summary: RunSummary) -> [String] {
    [header(summary).encodedText] + summary.results.map { line($0, summary).encodedText } + [
      footer(summary).encodedText
    ]
  }

  private static func header(_ summary: RunSummary) -> JSON {
    return [
      "type": "header",
      "report": .integer(version),
      "suite": .string(summary.suiteDigest),
      "suiteVersion": version(summary),
      "suiteCases": .integer(summary.suiteCaseCount),
      "level": .string(summary.level.rawValue),
      "split": .string(summary.splitting.rawValue),
      "implementation": .string(summary.implementation),
      "testee": summary.declaration.map(testee) ?? .null,
    ]
  }

  private static func testee(_ declaration: Declaration) -> JSON {
    [
      "name": .string(declaration.name),
      "version": .string(declaration.version),
      "roles": .array(declaration.roles.map { .string($0) }),
      "transports": .array(declaration.transports.map { .string($0) }),
      "security": .array(declaration.security.map { .string($0) }),
      "features": .array(declaration.features.map { .string($0) }),
    ]
  }

  /// The number of the suite's version, with the day of its publication; null where the cases have no ledger.
  private static func version(_ summary: RunSummary) -> JSON {
    guard let version = summary.suiteVersion else { return .null }
    return ["number": .integer(version.number), "published": version.published.map { .string($0) } ?? .null]
  }

  private static func line(_ result: CaseResult, _ summary: RunSummary) -> JSON {
    var object = JSON.Object([
      ("type", "case"),
      ("path", .string(result.path)),
      ("case", .string(result.item.id)),
      ("configuration", .string(result.configuration.path)),
      ("title", .string(result.item.title)),
      ("clauses", .array(result.item.clauses.map { .string($0) })),
      ("level", .string(result.item.level.rawValue)),
      ("state", .string(result.state.rawValue)),
      ("red", .bool(result.weight(isStrict: summary.isStrict) == .failure)),
      ("milliseconds", .integer(result.duration.milliseconds)),
    ])
    if let problem = result.problem { object["problem"] = self.problem(problem) }
    if let attempt = result.firstAttempt { object["firstAttempt"] = self.problem(attempt) }
    if let excuse = result.excuse { object["excuse"] = .string(excuse) }
    return .object(object)
  }

  private static func problem(_ problem: CaseResult.Problem) -> JSON {
    var object = JSON.Object([("expected", .string(problem.expected)), ("got", .string(problem.got))])
    object["clause"] = problem.clause.map { .string($0) }
    object["step"] = problem.step.map { .string($0) }
    object["stepSource"] = problem.stepSource.map { .string($0) }
    object["capsule"] = problem.capsulePath.map { .string($0) }
    if !problem.trace.isEmpty { object["trace"] = .array(problem.trace.lines.map { .string($0) }) }
    if !problem.errorText.isEmpty { object["standardError"] = .string(problem.errorText) }
    return .object(object)
  }

  private static func footer(_ summary: RunSummary) -> JSON {
    var counts = JSON.Object()
    for state in CaseResult.State.allCases { counts[state.rawValue] = .integer(summary.count(state)) }
    let end: JSON = ["type": "footer", "suiteVersion": version(summary)]
    return end.merging(summary.ending.json(unmadeCount: summary.unmadeCount)).merging([
      "states": .object(counts),
      "failures": .integer(summary.results(weighing: .failure).count),
      "warnings": .integer(summary.results(weighing: .warning).count),
      "uselessExcuses": .array(summary.uselessExcuses.map { .string($0) }),
      "unplayedTransports": .array(summary.unplayedTransports.map { .string($0) }),
      "milliseconds": .integer(summary.duration.milliseconds),
      "pace": [
        "roundTripMicroseconds": .integer(Int(summary.pace.roundTripAtStart / .microseconds(1))),
        "stretchPercent": .integer(Int(summary.pace.factorMax * 100)),
      ],
      "exitStatus": .integer(Int(summary.exitStatus)),
    ])
  }
}
