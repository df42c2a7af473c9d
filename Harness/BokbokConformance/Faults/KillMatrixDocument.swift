/// What the kill matrix found, as its JSON document tells it: the page and JUnit's XML are made of it, so that a document
/// of an earlier run gives the same.
struct KillMatrixDocument: Sendable {
  /// One fault with the testee in one role.
  struct Trial: Sendable {
    let fault: String
    let clause: String
    let role: Configuration.Role
    /// What the faulty testee does.
    let why: String
    let outcome: FaultTrial.Outcome
    let caseCount: Int
    let milliseconds: Int
    /// The path of the case that decided, with what it expected and got; nil where every case passed.
    let killer: String?
    /// Whether the audit of its connections decided, and not a step.
    let isByAudit: Bool
    let expected: String?
    let got: String?
    /// The paths of the cases that were played, where none killed the fault.
    let played: [String]
    /// The last that the testee wrote to standard error, where no case killed the fault.
    let standardError: String

    var isKilled: Bool { outcome == .killed }

    /// The trial in a page and in XML: `F-1.a/name (server)`.
    var name: String { "\(fault) (\(role.rawValue))" }
  }

  /// A case that the testee without a fault does not pass.
  struct TesteeFailure: Sendable {
    let path: String
    let state: String
    let expected: String
    let got: String
  }

  /// The digest of the cases.
  let suite: String
  let milliseconds: Int
  let trials: [Trial]
  /// Empty unless no fault was tried for their sake.
  let testeeFailures: [TesteeFailure]
  /// Faults that the same cases kill, and cases that kill nothing; empty unless every case was run.
  let twins: [[String]]
  let positiveOnly: [String]
  let ending: RunEnding
  /// Why the run is not complete, for people; nil if it is.
  let incompleteness: String?

  /// Reads a document. Throws ``DataError`` if it does not fit the schema.
  init(_ json: JSON, file: String) throws(DataError) {
    let faults: [JSONSchema.Fault]
    do {
      faults = try JSONSchema.embedded(KillMatrixReport.schemaPath).faults(of: json)
    } catch {
      throw DataError(file: KillMatrixReport.schemaPath, message: "\(error)")
    }
    if let fault = faults.first { throw DataError(file: file, message: "is no kill matrix: \(fault)") }
    suite = json["suite"]?.string ?? ""
    milliseconds = json["milliseconds"]?.integer ?? 0
    trials = (json["trials"]?.array ?? []).compactMap(Trial.init)
    testeeFailures = (json["testeeFailures"]?.array ?? []).map { failure in
      TesteeFailure(
        path: failure["case"]?.string ?? "",
        state: failure["state"]?.string ?? "",
        expected: failure["expected"]?.string ?? "",
        got: failure["got"]?.string ?? ""
      )
    }
    twins = (json["twins"]?.array ?? []).map(\.texts)
    positiveOnly = json["positiveOnly"]?.texts ?? []
    ending = RunEnding(json)
    incompleteness = ending.incompleteness(unmadeCount: json["notRun"]?.integer ?? 0, of: .trials)
  }

  func count(_ outcome: FaultTrial.Outcome) -> Int { trials.count { $0.outcome == outcome } }

  var exitStatus: Int32 { testeeFailures.isEmpty ? FaultTrial.Outcome.exitStatus(of: trials.map(\.outcome)) : 1 }
}

extension KillMatrixDocument.Trial {
  /// Nil for an object that does not fit the schema.
  init?(_ json: JSON) {
    guard let fault = json["fault"]?.string, let clause = json["clause"]?.string,
      let role = json["role"]?.string.flatMap(Configuration.Role.init),
      let outcome = json["outcome"]?.string.flatMap(FaultTrial.Outcome.init)
    else { return nil }
    self.fault = fault
    self.clause = clause
    self.role = role
    self.outcome = outcome
    why = json["why"]?.string ?? ""
    caseCount = json["cases"]?.integer ?? 0
    milliseconds = json["milliseconds"]?.integer ?? 0
    killer = json["case"]?.string
    isByAudit = json["foundBy"]?.string == "audit"
    expected = json["expected"]?.string
    got = json["got"]?.string
    played = json["played"]?.texts ?? []
    standardError = json["standardError"]?.string ?? ""
  }
}

extension JSON {
  fileprivate var texts: [String] { (array ?? []).compactMap(\.string) }
}
