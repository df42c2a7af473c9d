internal import Foundation

/// One file of vectors.
package struct VectorFile: Sendable {
  /// The name in its folder, such as `values.json`.
  package let name: String
  package let subject: VectorSubject
  package let vectors: [Vector]
  /// The file as it was read or will be written.
  package let text: String

  /// A file as the generator writes it.
  init(name: String, subject: VectorSubject, vectors: [Vector]) {
    self.init(
      name: name,
      subject: subject,
      vectors: vectors,
      text: VectorText.text(of: [
        "format": .integer(VectorSet.format),
        "subject": .string(subject.rawValue),
        "vectors": .array(vectors.map { .object($0.members) }),
      ])
    )
  }

  fileprivate init(name: String, subject: VectorSubject, vectors: [Vector], text: String) {
    self.name = name
    self.subject = subject
    self.vectors = vectors
    self.text = text
  }
}

/// All vectors of a folder, read strictly: what its schema does not know is an error that names file and vector.
package struct VectorSet: Sendable {
  /// Where the vectors stand, from the project's root.
  package static let folder = "Vectors"
  /// The version of the format, which each file names.
  static let format = 1

  /// The files, by name.
  package let files: [VectorFile]

  /// Where vectors are read from.
  package enum Source: Sendable, Equatable {
    /// Those that the command carries.
    case embedded
    /// The files of a folder that end in `.json`.
    case directory(String)
  }

  /// Reads and checks all files.
  ///
  /// - Parameter checksSchema: false only for files that were checked against it before they were compiled in.
  /// - Throws: the first thing that is wrong: a file that cannot be read, is not JSON or does not fit its schema, an id
  ///   that stands twice, a clause that the specification does not have.
  package init(_ source: Source, checksSchema: Bool = true) throws(DataError) {
    let contents =
      switch source {
      case .embedded: Self.embeddedContents()
      case .directory(let path): try Self.contents(ofDirectory: path)
      }
    try self.init(contents, checksSchema: checksSchema)
  }

  /// The same with files given by name and contents.
  package init(_ contents: [(name: String, bytes: [UInt8])], checksSchema: Bool = true) throws(DataError) {
    var reader = try Reader(checksSchema: checksSchema)
    var files: [VectorFile] = []
    for (name, bytes) in contents { files.append(try reader.file(name, bytes)) }
    self.files = files
  }

  /// The embedded files by name, those of the schemas left out.
  package static func embeddedContents() -> [(name: String, bytes: [UInt8])] {
    EmbeddedFiles.paths(in: folder, suffix: ".json").map { path in
      (String(path.dropFirst(folder.count + 1)), EmbeddedFiles.contents(of: path) ?? [])
    }
  }

  private static func contents(ofDirectory path: String) throws(DataError) -> [(name: String, bytes: [UInt8])] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw DataError(file: path, message: "the folder cannot be read: \(error.localizedDescription)")
    }
    var contents: [(name: String, bytes: [UInt8])] = []
    for name in names.sorted() where name.hasSuffix(".json") {
      guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else {
        throw DataError(file: name, message: "the file cannot be read")
      }
      contents.append((name, Array(data)))
    }
    guard !contents.isEmpty else {
      throw DataError(file: path, message: "no file of vectors (*.json) in this folder")
    }
    return contents
  }
}

/// Reads one file after the other, and remembers the ids that it has seen.
private struct Reader {
  private let specification: SpecificationIndex
  private let checksSchema: Bool
  private var schemas: [VectorSubject: JSONSchema] = [:]
  /// In which file an id stands.
  private var owners: [String: String] = [:]

  init(checksSchema: Bool) throws(DataError) {
    self.checksSchema = checksSchema
    specification = try SpecificationIndex.embedded()
  }

  mutating func file(_ name: String, _ bytes: [UInt8]) throws(DataError) -> VectorFile {
    let document: JSON
    do {
      document = try JSON(parsing: bytes)
    } catch {
      throw DataError(file: name, message: "not JSON: \(error)")
    }
    guard let subject = document["subject"]?.string.flatMap(VectorSubject.init) else {
      let known = VectorSubject.allCases.map(\.rawValue).joined(separator: ", ")
      throw DataError(file: name, message: "the member \"subject\" must name one of \(known)")
    }
    guard name == "\(subject).json" || name.hasPrefix("\(subject)-") else {
      throw DataError(file: name, message: "a file about \(subject) is called \(subject).json or \(subject)-….json")
    }
    let listed = document["vectors"]?.array ?? []
    if checksSchema, let fault = try schema(of: subject).faults(of: document).first {
      throw Self.error(fault, file: name, vectors: listed)
    }
    var vectors: [Vector] = []
    for item in listed {
      guard let members = item.object else { continue }
      let vector = Vector(subject: subject, members: members)
      try check(vector, file: name)
      vectors.append(vector)
    }
    return VectorFile(name: name, subject: subject, vectors: vectors, text: String(decoding: bytes, as: UTF8.self))
  }

  /// What the schema cannot say.
  private mutating func check(_ vector: Vector, file: String) throws(DataError) {
    let place = "vector \(vector.id)"
    if let owner = owners.updateValue(file, forKey: vector.id) {
      throw DataError(file: file, place: place, message: "the id stands twice, first in \(owner)")
    }
    guard vector.id.hasPrefix("\(vector.subject)/") else {
      throw DataError(file: file, place: place, message: "the id must begin with \(vector.subject)/")
    }
    for clause in vector.clauses where !specification.contains(clause) {
      throw DataError(file: file, place: place, message: "the specification has no clause \(clause)")
    }
    guard vector.isValid == (vector.error == nil) else {
      throw DataError(file: file, place: place, message: "an invalid vector has an \"error\", and a valid one has none")
    }
    if let error = vector.error, !vector.clauses.contains(error.clause) {
      let message = "the clause of the error, \(error.clause), is not one of its clauses"
      throw DataError(file: file, place: place, message: message)
    }
    guard (vector.origin == .generated) == (vector["source"] == nil) else {
      throw DataError(file: file, place: place, message: "a vector that is not generated names its \"source\"")
    }
  }

  private mutating func schema(of subject: VectorSubject) throws(DataError) -> JSONSchema {
    if let schema = schemas[subject] { return schema }
    guard let bytes = EmbeddedFiles.contents(of: subject.schemaPath) else {
      throw DataError(file: subject.schemaPath, message: "the command does not carry this file")
    }
    let schema: JSONSchema
    do {
      schema = try JSONSchema(JSON(parsing: bytes))
    } catch {
      throw DataError(file: subject.schemaPath, message: "\(error)")
    }
    schemas[subject] = schema
    return schema
  }

  /// The fault with the id of its vector instead of the number.
  private static func error(_ fault: JSONSchema.Fault, file: String, vectors: [JSON]) -> DataError {
    guard fault.path.count >= 2, fault.path[0] == "vectors", let index = Int(fault.path[1]),
      vectors.indices.contains(index)
    else {
      return DataError(file: file, message: fault.description)
    }
    let name = vectors[index]["id"]?.string ?? "number \(index)"
    let rest = JSONSchema.Fault(path: Array(fault.path.dropFirst(2)), message: fault.message)
    return DataError(file: file, place: "vector \(name)", message: rest.description)
  }
}
