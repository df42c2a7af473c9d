/// What a run of the interop matrix found, as its JSON lines tell it: the page is made of them, so that the lines of an
/// earlier run give the same.
struct InteropDocument: Sendable {
  /// One scenario between two implementations.
  struct Scenario: Sendable {
    let path: String
    let client: String
    let server: String
    /// `sealed/unix`.
    let way: String
    let name: String
    let title: String
    let state: InteropResult.State
    let expected: String
    let got: String
    let trace: [String]
  }

  static let schemaPath = "Harness/Interop/interop-matrix.schema.json"

  let implementations: [(name: String, version: String)]
  let absent: [AbsentImplementation]
  let scenarios: [Scenario]
  let milliseconds: Int
  let exitStatus: Int
  /// Why the run is not complete, for people; nil if it is.
  let incompleteness: String?

  /// Reads the lines of a report.
  ///
  /// Throws ``DataError`` if one does not fit the schema, the first is not the header, or the last is not the footer.
  init(_ lines: [JSON], file: String) throws(DataError) {
    let schema: JSONSchema
    do {
      schema = try JSONSchema.embedded(Self.schemaPath)
    } catch {
      throw DataError(file: Self.schemaPath, message: "\(error)")
    }
    for (index, line) in lines.enumerated() {
      let type = index == 0 ? "header" : index == lines.count - 1 ? "footer" : "interop"
      guard line["type"]?.string == type else {
        let reason = type == "footer" ? "is not the footer: the report was cut off" : "is not of the type \(type)"
        throw DataError(file: file, place: "line \(index + 1)", message: reason)
      }
      if let fault = schema.faults(of: line).first {
        throw DataError(file: file, place: "line \(index + 1)", message: "is no line of the interop matrix: \(fault)")
      }
    }
    guard lines.count > 1, let header = lines.first, let footer = lines.last else {
      throw DataError(file: file, message: "has no header and footer of the interop matrix")
    }
    implementations = (header["implementations"]?.array ?? []).map { implementation in
      (implementation["name"]?.string ?? "", implementation["version"]?.string ?? "")
    }
    absent = (header["notRun"]?.array ?? []).map { missing in
      AbsentImplementation(
        name: missing["name"]?.string ?? "",
        reason: missing["reason"]?.string ?? "",
        setup: (missing["setup"]?.array ?? []).compactMap(\.string)
      )
    }
    scenarios = lines.dropFirst().dropLast().compactMap(Scenario.init)
    milliseconds = footer["milliseconds"]?.integer ?? 0
    exitStatus = footer["exitStatus"]?.integer ?? 0
    incompleteness = RunEnding(footer).incompleteness(unmadeCount: footer["notRun"]?.integer ?? 0, of: .scenarios)
  }

  func count(_ state: InteropResult.State) -> Int {
    scenarios.count { $0.state == state }
  }
}

extension InteropDocument.Scenario {
  /// Nil for a line that does not fit the schema.
  init?(_ json: JSON) {
    guard let path = json["path"]?.string, let client = json["client"]?.string, let server = json["server"]?.string,
      let way = json["configuration"]?.string, let name = json["scenario"]?.string, let title = json["title"]?.string,
      let state = json["state"]?.string.flatMap(InteropResult.State.init)
    else { return nil }
    self.path = path
    self.client = client
    self.server = server
    self.way = way
    self.name = name
    self.title = title
    self.state = state
    expected = json["problem"]?["expected"]?.string ?? ""
    got = json["problem"]?["got"]?.string ?? ""
    trace = (json["problem"]?["trace"]?.array ?? []).compactMap(\.string)
  }
}
