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
    return try suite(of: files)
  }

  /// The cases of all files in a folder that end in `.json`, but for schemas.
  package func suite(inDirectory directory: String) throws(DataError) -> CaseSuite {
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
    return try suite(of: files)
  }

  /// The cases of these files. An id that stands twice, anywhere, is an error.
  package func suite(of files: [(name: String, contents: [UInt8])]) throws(DataError) -> CaseSuite {
    var cases: [Case] = []
    var owners: [String: String] = [:]
    var digestInput: [UInt8] = []
    for (name, contents) in files {
      for item in try load(contents, file: name) {
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
  package func load(_ contents: [UInt8], file: String) throws(DataError) -> [Case] {
    let document: JSON
    do { document = try JSON(parsing: contents) } catch { throw DataError(file: file, message: "\(error)") }
    if let fault = schema.faults(of: document).first { throw Self.error(fault, in: document, file: file) }
    let subject = document["subject"]?.string ?? ""
    var cases: [Case] = []
    for item in document["cases"]?.array ?? [] {
      let id = item["id"]?.string ?? ""
      do {
        cases.append(try CaseDecoder(case: item, subject: subject).decode())
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
  package let cases: [Case]
  /// SHA-256 over the files, in hexadecimal: reports state which cases they are about.
  package let digest: String
}
