/// Goes through the lines of a report: a header, a line for each thing that was played, a footer.
struct ReportReader {
  /// What was played.
  enum Kind {
    /// Cases, against one implementation.
    case cases
    /// Scenarios, between all implementations.
    case interopMatrix

    fileprivate var schemaPath: String {
      switch self {
      case .cases: ReportCheck.schemaPath
      case .interopMatrix: InteropDocument.schemaPath
      }
    }

    /// The type of the lines between header and footer, and its name in the schema.
    fileprivate var line: (type: String, definition: String) {
      switch self {
      case .cases: ("case", "case")
      case .interopMatrix: ("interop", "scenario")
      }
    }

    /// The members that a line's path is made of.
    fileprivate var pathMembers: [String] {
      switch self {
      case .cases: ["case", "configuration"]
      case .interopMatrix: ["client", "server", "configuration", "scenario"]
      }
    }
  }

  private let kind: Kind
  private let schemas: [String: JSONSchema]
  private(set) var faults: [String] = []
  private(set) var summary = ""
  private(set) var incompleteness: String?
  private var header: JSON?
  private var footer: JSON?
  private var firstLines: [String: Int] = [:]
  private var states: [String: Int] = [:]
  private var redCount = 0
  private var lastLineIsWhole = false
  private var lineCount = 0

  /// Throws ``DataError`` if the kit's own schema cannot be used.
  init(_ kind: Kind) throws(DataError) {
    self.kind = kind
    schemas = try Self.schemas(kind)
  }

  /// A schema for each type of line: its faults say more than that none of three forms fits.
  private static func schemas(_ kind: Kind) throws(DataError) -> [String: JSONSchema] {
    let path = kind.schemaPath
    do {
      let definitions = try JSON(parsing: EmbeddedFiles.contents(of: path) ?? [])["$defs"] ?? .null
      var schemas: [String: JSONSchema] = [:]
      for (type, name) in [("header", "header"), kind.line, ("footer", "footer")] {
        schemas[type] = try JSONSchema(["$ref": .string("#/$defs/\(name)"), "$defs": definitions])
      }
      return schemas
    } catch {
      throw DataError(file: path, message: "\(error)")
    }
  }

  private mutating func fault(_ number: Int, _ message: String) {
    faults.append("line \(number): \(message)")
  }

  mutating func take(_ bytes: [UInt8], number: Int) {
    // What follows the last line feed: nothing, in a report that was not cut off.
    lastLineIsWhole = bytes.isEmpty
    guard !bytes.isEmpty else { return }
    do {
      take(try JSON(parsing: bytes), number: number)
    } catch {
      lineCount = number
      fault(number, "is no JSON: \(error)")
    }
  }

  /// Takes the lines of a report that has been read already.
  ///
  /// - Parameter isWhole: whether a line feed ends the last one.
  mutating func take(_ lines: [JSON], isWhole: Bool) {
    for (index, line) in lines.enumerated() { take(line, number: index + 1) }
    lastLineIsWhole = isWhole
  }

  private mutating func take(_ line: JSON, number: Int) {
    lineCount = number
    guard footer == nil else {
      fault(number, "stands behind the footer, which must be the last line")
      return
    }
    let type = line["type"]?.string ?? ""
    guard (type == "header") == (number == 1) else {
      fault(number, number == 1 ? "must be the header" : "is a second header")
      return
    }
    let mistakes = formFaults(of: line, type)
    guard mistakes.isEmpty else {
      for mistake in mistakes.prefix(3) { fault(number, mistake) }
      if type == "footer" { footer = line }
      return
    }
    switch type {
    case "header": header = line
    case "footer":
      footer = line
      compare(line, number)
    default: note(line, number)
    }
  }

  private func formFaults(of line: JSON, _ type: String) -> [String] {
    guard let schema = schemas[type] else {
      return ["a line's type is header, \(kind.line.type) or footer, not \"\(type)\""]
    }
    return schema.faults(of: line).map { "\($0)" }
  }

  private mutating func note(_ line: JSON, _ number: Int) {
    let path = line["path"]?.string ?? ""
    let parts = kind.pathMembers.map { line[$0]?.string ?? "" }.joined(separator: "/")
    if path != parts {
      fault(number, "the path \(path) is not its \(kind.pathMembers.joined(separator: ", ")), which are \(parts)")
    }
    if let first = firstLines[path] {
      fault(number, "\(path) has a line already, \(first)")
    } else {
      firstLines[path] = number
    }
    let state = line["state"]?.string ?? ""
    states[state, default: 0] += 1
    if line["red"]?.bool ?? (state == "fail") { redCount += 1 }
    if state != "pass", line["problem"] == nil { fault(number, "\(path) is \(state) and says no problem") }
  }

  private mutating func compare(_ footer: JSON, _ number: Int) {
    let counts = footer["states"]?.object?.members ?? []
    for (state, count) in counts where count.integer != states[state, default: 0] {
      fault(
        number,
        "the footer counts \(count.integer ?? 0) times \(state), and the lines say \(states[state, default: 0])"
      )
    }
    for (state, count) in states.sorted(by: { $0.key < $1.key }) where !counts.contains(where: { $0.0 == state }) {
      fault(number, "the footer does not count \(state), which \(count) lines say")
    }
    if let count = footer["failures"]?.integer, count != redCount {
      fault(number, "the footer counts \(count) failures, and \(redCount) lines are red")
    }
    compareEnding(footer, number)
    if let header, header["suiteVersion"] != footer["suiteVersion"] {
      fault(number, "the footer is about another version of the suite than the header")
    }
    let total = states.values.reduce(0, +)
    let told = states.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    summary = "\(subject): \(total) lines" + (told.isEmpty ? "" : ": \(told)")
  }

  /// What the report is about, for people.
  private var subject: String {
    switch kind {
    case .cases: header?["implementation"]?.string ?? "?"
    case .interopMatrix: "interop matrix of \(header?["implementations"]?.array?.count ?? 0) implementations"
    }
  }

  private mutating func compareEnding(_ footer: JSON, _ number: Int) {
    let status = footer["exitStatus"]?.integer
    let unmadeCount = footer["notRun"]?.integer ?? 0
    let ending = RunEnding(footer)
    incompleteness = ending.incompleteness(unmadeCount: unmadeCount, of: kind == .cases ? .runs : .scenarios)
    switch ending {
    case .interrupted: break
    case .stopped:
      if !states.isEmpty { fault(number, "the run was stopped before the first case, and there are lines of cases") }
    case .complete:
      let hasFailed = redCount > 0 || !(footer["uselessExcuses"]?.array ?? []).isEmpty
      // An implementation that is not there is a failure where all are required.
      let mayFail = hasFailed || !(header?["notRun"]?.array ?? []).isEmpty
      if hasFailed, status != 1 { fault(number, "the run failed, and its exit status is not 1") }
      if !mayFail, status == 1 { fault(number, "nothing failed, and the exit status is 1") }
      if kind == .interopMatrix, states["pass"] == nil, status == 0 {
        fault(number, "nothing passed, and the exit status is 0")
      }
    }
    if let header, kind == .cases, header["testee"] == .null, incompleteness == nil || !states.isEmpty {
      fault(number, "the testee has not said what it is, and the report is one of a run with cases")
    }
  }

  mutating func finish() {
    if lineCount == 0 {
      faults.append("the report is empty: the run did not end, or wrote its report elsewhere")
    } else if footer == nil {
      faults.append("line \(lineCount): no footer follows: the run did not end, and its report proves nothing")
    } else if !lastLineIsWhole {
      fault(lineCount, "has no line feed at its end: the report was cut off")
    }
  }
}
