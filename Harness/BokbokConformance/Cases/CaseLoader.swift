internal import BokbokCore
internal import Foundation
internal import NIOCore

/// Reads case files, and takes nothing that it does not understand to the last key.
package struct CaseLoader {
  package static let folder = "Harness/Cases"
  package static let schemaPath = "Harness/Cases/case.schema.json"

  private let schema: JSONSchema
  private let specification: SpecificationIndex

  /// A loader that knows the clauses of this specification. Throws if the embedded schema is not one.
  package init(specification: SpecificationIndex) throws(DataError) {
    guard let bytes = EmbeddedFiles.contents(of: Self.schemaPath) else {
      throw DataError(file: Self.schemaPath, message: "the command does not carry this file")
    }
    do {
      self.schema = try JSONSchema(JSON(parsing: bytes))
    } catch {
      throw DataError(file: Self.schemaPath, message: "\(error)")
    }
    self.specification = specification
  }

  /// The cases that the command carries, and the digest of their files.
  package func embeddedSuite() throws(DataError) -> CaseSuite {
    var files: [(name: String, contents: [UInt8])] = []
    for path in EmbeddedFiles.paths(in: Self.folder, suffix: ".json") where !path.hasSuffix(".schema.json") {
      files.append((String(path.dropFirst(Self.folder.count + 1)), EmbeddedFiles.contents(of: path) ?? []))
    }
    let path = "\(Self.folder)/\(CaseLedger.path)"
    guard let ledger = EmbeddedFiles.contents(of: path) else {
      throw DataError(file: path, message: "the command does not carry this file")
    }
    // They are checked against the schema before they are compiled in, and so many take a second.
    return try checked(suite(of: files, checksSchema: false), CaseLedger(ledger, file: path), file: path)
  }

  /// The cases of all files in a folder that end in `.json`, but for schemas, with the ledger of the folder if it has one.
  /// Cases that break a promise of the ledger are an error.
  package func suite(inDirectory directory: String) throws(DataError) -> CaseSuite {
    let suite = try uncheckedSuite(inDirectory: directory)
    return try suite.ledger.map { (ledger: CaseLedger) throws(DataError) in
      try checked(suite, ledger, file: "\(directory)/\(CaseLedger.path)")
    } ?? suite
  }

  /// The same, whether the cases agree with the ledger or not.
  func uncheckedSuite(inDirectory directory: String) throws(DataError) -> CaseSuite {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      throw DataError(file: directory, message: "cannot be read: \(error.localizedDescription)")
    }
    var files: [(name: String, contents: [UInt8])] = []
    for name in names.sorted() where name.hasSuffix(".json") && !name.hasSuffix(".schema.json") {
      guard let contents = FileManager.default.contents(atPath: "\(directory)/\(name)") else {
        throw DataError(file: "\(directory)/\(name)", message: "cannot be read")
      }
      files.append((name, Array(contents)))
    }
    var suite = try suite(of: files)
    let path = "\(directory)/\(CaseLedger.path)"
    guard let contents = FileManager.default.contents(atPath: path) else { return suite }
    suite.ledger = try CaseLedger(Array(contents), file: path)
    return suite
  }

  /// The suite with its ledger, unless it breaks a promise.
  private func checked(_ suite: CaseSuite, _ ledger: CaseLedger, file: String) throws(DataError) -> CaseSuite {
    if let broken = ledger.disagreements(with: suite.cases).first(where: \.breaksPromise) {
      throw DataError(file: file, place: "case \(broken.id)", message: broken.message)
    }
    var suite = suite
    suite.ledger = ledger
    return suite
  }

  /// The cases of these files. An id that stands twice, anywhere, is an error.
  package func suite(
    of files: [(name: String, contents: [UInt8])],
    checksSchema: Bool = true
  ) throws(DataError) -> CaseSuite {
    var cases: [Case] = []
    var owners: [String: String] = [:]
    var digestInput: [UInt8] = []
    for (name, contents) in files {
      for item in try load(contents, file: name, checksSchema: checksSchema) {
        if let owner = owners[item.id] {
          throw DataError(file: name, place: "case \(item.id)", message: "the id stands twice, first in \(owner)")
        }
        owners[item.id] = name
        cases.append(item)
      }
      digestInput += Array(name.utf8) + [0] + SHA256.hash(of: ByteBuffer(bytes: contents))
    }
    return CaseSuite(cases: cases, digest: Hexadecimal.text(SHA256.hash(of: ByteBuffer(bytes: digestInput))))
  }

  /// The cases of one file.
  package func load(_ contents: [UInt8], file: String, checksSchema: Bool = true) throws(DataError) -> [Case] {
    let document: JSON
    do { document = try JSON(parsing: contents) } catch { throw DataError(file: file, message: "\(error)") }
    if checksSchema, let fault = schema.faults(of: document).first { throw Self.error(fault, in: document, file: file) }
    let subject = document["subject"]?.string ?? ""
    var cases: [Case] = []
    for item in document["cases"]?.array ?? [] {
      let id = item["id"]?.string ?? ""
      do {
        var decoded = try CaseDecoder(case: item, subject: subject).decode()
        decoded.digest = Self.digest(of: item)
        cases.append(decoded)
      } catch let problem as CaseDecoder.Problem {
        let place = problem.step.map { "case \(id), step \($0)" } ?? "case \(id)"
        throw DataError(file: file, place: place, message: problem.message)
      } catch {
        throw DataError(file: file, place: "case \(id)", message: "\(error)")
      }
      try checkClauses(of: cases[cases.count - 1], file: file)
    }
    return cases
  }

  /// What is played and demanded; not what is only said to people about it, nor the id.
  private static func digest(of item: JSON) -> String {
    let bytes = content(item, without: ["id", "title", "why"]).encodedBytes
    return Hexadecimal.text(SHA256.hash(of: ByteBuffer(bytes: bytes)))
  }

  /// The value in a form that does not depend on the order of members, without these of them, and without remarks in it.
  private static func content(_ json: JSON, without names: Set<String> = ["note"]) -> JSON {
    switch json {
    case .array(let elements):
      return .array(elements.map { content($0) })
    case .object(let object):
      let members = object.members.filter { !names.contains($0.name) }.sorted { $0.name < $1.name }
      return .object(JSON.Object(members.map { ($0.name, content($0.value)) }))
    default:
      return json
    }
  }

  private func checkClauses(of item: Case, file: String) throws(DataError) {
    let place = "case \(item.id)"
    for clause in item.clauses where !specification.contains(clause) {
      throw DataError(file: file, place: place, message: "the specification has no clause \(clause)")
    }
    guard specification.containsRequirement(item.requirement) else {
      throw DataError(file: file, place: place, message: "the specification has no requirement \(item.requirement)")
    }
    guard item.clauses.contains(where: { SpecificationIndex.requirement(of: $0) == item.requirement }) else {
      let message = "none of its clauses belongs to \(item.requirement), with which its id begins"
      throw DataError(file: file, place: place, message: message)
    }
  }

  /// A fault of the schema, with its place in the words of the case files.
  private static func error(_ fault: JSONSchema.Fault, in document: JSON, file: String) -> DataError {
    var path = fault.path[...]
    var places: [String] = []
    if path.first == "cases", let index = path.dropFirst().first.flatMap({ Int($0) }) {
      path = path.dropFirst(2)
      let item = document["cases"]?.array?[index]
      places.append("case \(item?["id"]?.string ?? "number \(index + 1)")")
      if path.first == "steps", let step = path.dropFirst().first.flatMap({ Int($0) }) {
        path = path.dropFirst(2)
        places.append("step \(step + 1)")
      }
    }
    if !path.isEmpty { places.append(path.joined(separator: "/")) }
    let place = places.isEmpty ? nil : places.joined(separator: ", ")
    return DataError(file: file, place: place, message: fault.message)
  }
}

/// All cases of a run.
package struct CaseSuite: Sendable {
  package internal(set) var cases: [Case]
  /// SHA-256 over the files, in hexadecimal: reports state which cases they are about.
  package let digest: String
  /// The ledger of the cases; nil where they have none.
  package var ledger: CaseLedger?
  /// The version that the cases are of, where it is not the ledger's newest.
  package var version: SuiteVersion?
}
