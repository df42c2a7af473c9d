internal import BokbokCore

/// What the kill matrix found, for people and for programs.
struct KillMatrixReport {
  static let schemaPath = "Harness/Faults/kill-matrix.schema.json"

  /// The digest of the cases.
  let suite: String
  let trials: [FaultTrial]
  let duration: Duration
  let namesTwins: Bool
  /// What the testee without a fault does not pass; nothing is tried then.
  var testeeFailures: [CaseResult] = []
  /// How many of the planned trials a signal kept from being made.
  var unmadeCount = 0
  var ending = RunEnding.complete

  /// Why the run is not complete, for people; nil if it is.
  private var incompleteness: String? { ending.incompleteness(unmadeCount: unmadeCount, of: .trials) }

  private func count(_ outcome: FaultTrial.Outcome) -> Int { trials.count { $0.outcome == outcome } }

  private var faultCount: Int { Set(trials.map(\.fault.id)).count }
  private var clauseCount: Int { Set(trials.map(\.fault.clause)).count }

  var exitStatus: Int32 {
    if case .interrupted(let signal) = ending { return 128 + signal }
    return testeeFailures.isEmpty ? FaultTrial.Outcome.exitStatus(of: trials.map(\.outcome)) : 1
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

  /// The report for people.
  ///
  /// - Parameter columnCount: how many columns a line may have: each trial is a line where that fits, and else a part of its
  ///   fault.
  func lines(columnCount: Int = TerminalWidth.usualColumnCount) -> [String] {
    func fold(_ text: String, indentation: String = "") -> [String] {
      TerminalWidth.fold(text, indentation: indentation, columnCount: columnCount)
    }
    var lines = table
    if lines.contains(where: { $0.count > columnCount }) {
      lines = list.flatMap { fold($0.text, indentation: $0.indentation) }
    }
    for trial in trials where trial.outcome != .killed {
      lines += [""] + fold("\(trial.fault.id), testee as \(trial.role.rawValue): \(trial.outcome.rawValue)")
      lines += fold(trial.fault.why, indentation: "  ")
      if trial.groups.isEmpty {
        lines += fold("no case of the level must covers \(trial.fault.clause) in this role", indentation: "  ")
      }
      for group in trial.groups {
        lines += group.cases.map { "  played \($0.id)/\(group.configuration.path)" }
      }
      if let problem = trial.killer?.problem {
        let text = "expected \(problem.expected), got \(problem.got)"
        lines += fold(String(displaying: text, charactersMax: 2000), indentation: "  ")
        lines += problem.errorText.split(separator: "\n").suffix(6).map {
          "  | \(String(displaying: String($0), charactersMax: 300))"
        }
      }
    }
    for id in positiveOnly { lines.append("positive only, kills nothing: \(id)") }
    for group in twins { lines += fold("the same cases kill: " + group.joined(separator: ", ")) }
    lines.append("")
    lines += fold(
      "\(faultCount) faults of \(clauseCount) clauses in \(trials.count) trials: \(count(.killed)) killed, "
        + "\(count(.survivalOnly)) by survival checks only, \(count(.survived)) survived, \(count(.broken)) broken, "
        + "\(count(.trouble)) not decided; \(Int(duration / .seconds(1))) s"
    )
    if let text = incompleteness { lines += fold("NOT COMPLETE: \(text)") }
    return lines
  }

  /// A line for each trial, in columns.
  private var table: [String] {
    let nameWidth = trials.map(\.fault.id.count).max() ?? 0
    return trials.map { trial in
      let name = Self.padded(trial.fault.id, nameWidth)
      let role = Self.padded(trial.role.rawValue, 6)
      return "\(name)  \(role)  \(Self.padded(trial.outcome.rawValue, 13))  \(Self.finding(trial))"
    }
  }

  /// A line for each fault, and under it one for each of its trials; the path of the case ends in the role.
  private var list: [(text: String, indentation: String)] {
    var lines: [(text: String, indentation: String)] = []
    var name: String?
    for trial in trials {
      if trial.fault.id != name { lines.append((trial.fault.id, "")) }
      name = trial.fault.id
      let role = trial.killer == nil ? "as \(trial.role.rawValue), " : ""
      lines.append(("\(trial.outcome.rawValue): \(role)\(Self.finding(trial))", "  "))
    }
    return lines
  }

  /// The case that decided, or how many did not.
  private static func finding(_ trial: FaultTrial) -> String {
    guard let killer = trial.killer else { return "of \(trial.caseCount) cases" }
    return killer.path + (trial.isKilledByAudit ? ", by the audit" : "")
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
        if trial.outcome == .killed { entry["foundBy"] = trial.isKilledByAudit ? "audit" : "step" }
        entry["expected"] = (killer.problem?.expected).map(JSON.string)
        entry["got"] = (killer.problem?.got).map(JSON.string)
      }
      if trial.outcome != .killed { explain(trial, in: &entry) }
      if namesTwins { entry["killers"] = .array(trial.killers.map(JSON.string)) }
      return .object(entry)
    }
    var report = JSON.Object([
      ("format", 1),
      ("suite", .string(suite)),
      ("faults", .integer(faultCount)),
      ("clauses", .integer(clauseCount)),
      ("killed", .integer(count(.killed))),
      ("survivalOnly", .integer(count(.survivalOnly))),
      ("survived", .integer(count(.survived))),
      ("broken", .integer(count(.broken))),
      ("trouble", .integer(count(.trouble))),
      ("milliseconds", .integer(Int(duration / .milliseconds(1)))),
      ("trials", .array(entries)),
      ("twins", .array(twins.map { .array($0.map(JSON.string)) })),
      ("positiveOnly", .array(positiveOnly.map(JSON.string))),
    ])
    if !testeeFailures.isEmpty {
      report["testeeFailures"] = .array(
        testeeFailures.map { result in
          [
            "case": .string(result.path), "state": .string(result.state.rawValue),
            "expected": .string(result.problem?.expected ?? ""), "got": .string(result.problem?.got ?? ""),
          ]
        }
      )
    }
    return JSON.object(report).merging(ending.json(unmadeCount: unmadeCount))
  }

  /// What a reader of the document alone needs to see why a fault was not killed.
  private func explain(_ trial: FaultTrial, in entry: inout JSON.Object) {
    let errors = (trial.killer?.problem?.errorText ?? "").split(separator: "\n").suffix(60)
    if !errors.isEmpty { entry["standardError"] = .string(errors.joined(separator: "\n")) }
    guard trial.outcome != .broken else { return }
    entry["played"] = .array(
      trial.groups.flatMap { group in group.cases.map { .string("\($0.id)/\(group.configuration.path)") } }
    )
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
