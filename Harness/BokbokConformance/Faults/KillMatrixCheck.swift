/// Checks the document of a kill matrix: its form, and that its counts are those of its trials.
struct KillMatrixCheck {
  private(set) var faults: [String] = []
  private(set) var summary = ""
  private(set) var incompleteness: String?

  /// - Parameters:
  ///   - json: the document.
  ///   - isAlone: whether nothing but ends of lines follows it.
  /// - Throws: ``DataError`` if the kit's own schema cannot be used.
  init(_ json: JSON, isAlone: Bool) throws(DataError) {
    let schema: JSONSchema
    do {
      schema = try JSONSchema.embedded(KillMatrixReport.schemaPath)
    } catch {
      throw DataError(file: KillMatrixReport.schemaPath, message: "\(error)")
    }
    faults = schema.faults(of: json).prefix(3).map { "\($0)" }
    if !isAlone { faults.append("something follows the object, which must be alone") }
    guard faults.isEmpty else { return }
    judge(json, try KillMatrixDocument(json, file: "the kill matrix"))
  }

  /// - Parameters:
  ///   - json: a document whose form has been checked.
  ///   - document: the same, as it has been read.
  init(_ json: JSON, _ document: KillMatrixDocument) {
    judge(json, document)
  }

  private mutating func judge(_ json: JSON, _ document: KillMatrixDocument) {
    compare(json, document)
    let outcomes = FaultTrial.Outcome.allCases.filter { document.count($0) > 0 }
    let told = outcomes.map { "\(document.count($0)) \($0.name)" }.joined(separator: ", ")
    summary = "kill matrix: \(document.trials.count) trials" + (told.isEmpty ? "" : ": \(told)")
    incompleteness = document.incompleteness
  }

  private mutating func compare(_ json: JSON, _ document: KillMatrixDocument) {
    let counts = [
      ("faults", Set(document.trials.map(\.fault)).count), ("clauses", Set(document.trials.map(\.clause)).count),
      ("killed", document.count(.killed)), ("survivalOnly", document.count(.survivalOnly)),
      ("survived", document.count(.survived)), ("broken", document.count(.broken)),
      ("trouble", document.count(.trouble)),
    ]
    for (name, count) in counts where json[name]?.integer != count {
      faults.append("\(name) is \(json[name]?.integer ?? 0), and the trials say \(count)")
    }
    var names: Set<String> = []
    for trial in document.trials {
      if !names.insert(trial.name).inserted { faults.append("\(trial.name) stands twice") }
      if !trial.fault.hasPrefix("\(trial.clause)/") {
        faults.append("\(trial.fault) is said to break \(trial.clause)")
      }
    }
    if !document.testeeFailures.isEmpty, !document.trials.isEmpty {
      faults.append("the testee without a fault fails, and there are trials")
    }
  }
}
