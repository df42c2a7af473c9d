internal import Foundation

/// Checks a report for programs, of this kit or of another: the form of each line, and that the lines agree.
///
/// `Harness/Reports/FORMAT.md` says what a report is.
public struct ReportCheck: Sendable {
  package static let schemaPath = "Harness/Reports/report.schema.json"

  /// What is wrong, in the order of the lines, each with its line's number; empty for a report that is as it should be.
  public let faults: [String]
  /// The report in one line, for people; empty where there is no footer to tell it.
  public let summary: String

  /// Checks a report's text.
  ///
  /// - Parameter text: the report's bytes in UTF-8.
  /// - Throws: an error with the reason if the kit's own schema cannot be used.
  public init(_ text: some Collection<UInt8>) throws {
    var reader = ReportReader(schemas: try Self.schemas())
    for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      reader.take(Array(line), number: index + 1)
    }
    reader.finish()
    faults = reader.faults
    summary = reader.summary
  }

  /// A schema for each type of line: its faults say more than that none of three forms fits.
  private static func schemas() throws -> [String: JSONSchema] {
    do {
      let definitions = try JSON(parsing: EmbeddedFiles.contents(of: schemaPath) ?? [])["$defs"] ?? .null
      var schemas: [String: JSONSchema] = [:]
      for type in ["header", "case", "footer"] {
        schemas[type] = try JSONSchema(["$ref": .string("#/$defs/\(type)"), "$defs": definitions])
      }
      return schemas
    } catch {
      throw DataError(file: schemaPath, message: "\(error)")
    }
  }
}

/// Goes through the lines of a report.
private struct ReportReader {
  private let schemas: [String: JSONSchema]
  private(set) var faults: [String] = []
  private(set) var summary = ""
  private var header: JSON?
  private var footer: JSON?
  private var firstLines: [String: Int] = [:]
  private var states: [String: Int] = [:]
  private var redCount = 0
  private var lastLineIsWhole = false
  private var lineCount = 0

  init(schemas: [String: JSONSchema]) {
    self.schemas = schemas
  }

  private mutating func fault(_ number: Int, _ message: String) {
    faults.append("line \(number): \(message)")
  }

  mutating func take(_ bytes: [UInt8], number: Int) {
    // What follows the last line feed: nothing, in a report that was not cut off.
    lastLineIsWhole = bytes.isEmpty
    guard !bytes.isEmpty else { return }
    lineCount = number
    let line: JSON
    do {
      line = try JSON(parsing: bytes)
    } catch {
      fault(number, "is no JSON: \(error)")
      return
    }
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
    guard let schema = schemas[type] else { return ["a line's type is header, case or footer, not \"\(type)\""] }
    return schema.faults(of: line).map { "\($0)" }
  }

  private mutating func note(_ line: JSON, _ number: Int) {
    let path = line["path"]?.string ?? ""
    let parts = "\(line["case"]?.string ?? "")/\(line["configuration"]?.string ?? "")"
    if path != parts { fault(number, "the path \(path) is not its case and configuration, \(parts)") }
    if let first = firstLines[path] {
      fault(number, "\(path) has a line already, \(first)")
    } else {
      firstLines[path] = number
    }
    let state = line["state"]?.string ?? ""
    states[state, default: 0] += 1
    if line["red"]?.bool == true { redCount += 1 }
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
    if footer["failures"]?.integer != redCount {
      fault(number, "the footer counts \(footer["failures"]?.integer ?? 0) failures, and \(redCount) lines are red")
    }
    let hasFailed = redCount > 0 || !(footer["uselessExcuses"]?.array ?? []).isEmpty
    if hasFailed, footer["exitStatus"]?.integer != 1 { fault(number, "the run failed, and its exit status is not 1") }
    if !hasFailed, footer["exitStatus"]?.integer == 1 { fault(number, "nothing failed, and the exit status is 1") }
    if let header, header["suiteVersion"] != footer["suiteVersion"] {
      fault(number, "the footer is about another version of the suite than the header")
    }
    let total = states.values.reduce(0, +)
    let told = states.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    summary = "\(header?["implementation"]?.string ?? "?"): \(total) lines: \(told)"
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
