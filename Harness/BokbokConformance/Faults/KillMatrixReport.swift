/// What the kill matrix found, for people and for programs.
struct KillMatrixReport {
  static let schemaPath = "Harness/Faults/kill-matrix.schema.json"

  /// The digest of the cases.
  let suite: String
  let trials: [FaultTrial]
  let duration: Duration
  let namesTwins: Bool

  private func count(_ outcome: FaultTrial.Outcome) -> Int { trials.count { $0.outcome == outcome } }

  private var faultCount: Int { Set(trials.map(\.fault.id)).count }
  private var clauseCount: Int { Set(trials.map(\.fault.clause)).count }

  /// 0 if every fault is killed in each of its roles; 1 if one is not; 2 if one is badly written; 3 if the kit could not
  /// tell of one.
  var exitStatus: Int32 {
    if count(.broken) > 0 { return 2 }
    if count(.survived) + count(.survivalOnly) > 0 { return 1 }
    return count(.trouble) > 0 ? 3 : 0
  }

  /// Faults that exactly the same cases kill, and which therefore count as one.
  var twins: [[String]] {
    guard namesTwins else { return [] }
    let killed = Dictionary(grouping: trials.filter { !$0.killers.isEmpty }) { $0.killers.sorted() }
    return killed.values.map { $0.map { "\($0.fault.id) (\($0.role.rawValue))" }.sorted() }
      .filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
  }

  /// Cases that were played to their end and kill nothing: they show only that what is right is taken. Known where every
  /// case of a fault's clause was run.
  var positiveOnly: [String] {
    guard namesTwins else { return [] }
    let played = Set(trials.flatMap { $0.groups.flatMap { $0.cases.map(\.id) } })
    let killers = trials.flatMap(\.killers).map { path in
      path.split(separator: "/").prefix(2).joined(separator: "/")
    }
    return played.subtracting(killers).sorted()
  }

  var lines: [String] {
    var lines = trials.map { trial in
      let name = Self.padded(trial.fault.id, 44)
      let role = Self.padded(trial.role.rawValue, 7)
      let result = Self.padded(trial.outcome.rawValue, 14)
      return "\(name) \(role) \(result) \(trial.killer?.path ?? "of \(trial.caseCount) cases")"
    }
    for trial in trials where trial.outcome != .killed {
      lines += ["", "\(trial.fault.id), testee as \(trial.role.rawValue): \(trial.outcome.rawValue)"]
      lines.append("  \(trial.fault.why)")
      if trial.groups.isEmpty { lines.append("  no case of the level must covers \(trial.fault.clause) in this role") }
      for group in trial.groups {
        lines += group.cases.map { "  played \($0.id)/\(group.configuration.path)" }
      }
      if let problem = trial.killer?.problem {
        lines.append("  expected \(problem.expected), got \(problem.got)")
        lines += problem.errorText.split(separator: "\n").suffix(6).map { "  | \($0)" }
      }
    }
    for id in positiveOnly { lines.append("positive only, kills nothing: \(id)") }
    for group in twins { lines.append("the same cases kill: " + group.joined(separator: ", ")) }
    lines.append("")
    lines.append(
      "\(faultCount) faults of \(clauseCount) clauses in \(trials.count) trials: \(count(.killed)) killed, "
        + "\(count(.survivalOnly)) by survival checks only, \(count(.survived)) survived, \(count(.broken)) broken, "
        + "\(count(.trouble)) not decided; \(Int(duration / .seconds(1))) s"
    )
    return lines
  }

  var json: JSON {
    let entries = trials.map { trial -> JSON in
      var entry = JSON.Object([
        ("fault", .string(trial.fault.id)),
        ("clause", .string(trial.fault.clause)),
        ("role", .string(trial.role.rawValue)),
        ("why", .string(trial.fault.why)),
        ("outcome", .string(trial.outcome.rawValue)),
        ("cases", .integer(trial.caseCount)),
        ("milliseconds", .integer(Int(trial.duration / .milliseconds(1)))),
      ])
      if let killer = trial.killer {
        entry["case"] = .string(killer.path)
        entry["expected"] = (killer.problem?.expected).map(JSON.string)
        entry["got"] = (killer.problem?.got).map(JSON.string)
      }
      if namesTwins { entry["killers"] = .array(trial.killers.map(JSON.string)) }
      return .object(entry)
    }
    return [
      "format": 1,
      "suite": .string(suite),
      "faults": .integer(faultCount),
      "clauses": .integer(clauseCount),
      "killed": .integer(count(.killed)),
      "survivalOnly": .integer(count(.survivalOnly)),
      "survived": .integer(count(.survived)),
      "broken": .integer(count(.broken)),
      "trouble": .integer(count(.trouble)),
      "milliseconds": .integer(Int(duration / .milliseconds(1))),
      "trials": .array(entries),
      "twins": .array(twins.map { .array($0.map(JSON.string)) }),
      "positiveOnly": .array(positiveOnly.map(JSON.string)),
    ]
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
