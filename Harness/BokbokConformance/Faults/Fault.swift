internal import Foundation

/// A planted fault: one edit of the Python implementation's text that makes it break one clause.
struct Fault: Sendable, Equatable {
  let id: String
  let clause: String
  /// The roles of the testee in which it has to be caught.
  let roles: [Configuration.Role]
  /// Where it shows; nil for any connection.
  let security: Configuration.Security?
  /// How many processes play the cases, one after the other: more than one where it shows only between two.
  let processCount: Int
  /// The module, such as `wire.py`.
  let file: String
  let find: String
  let put: String
  let why: String
  /// The file of faults that it stands in.
  let source: String
}

/// The faults of a folder, checked against their schema, the specification and the text that they edit.
struct FaultLoader {
  static let folder = "Harness/Faults"
  static let schemaPath = "Harness/Faults/fault.schema.json"
  static let programPath = "Harness/Faults/faulty_testee.py"
  static let implementationPath = "Harness/Peers/python"

  /// The project's folder, in which the Python implementation stands.
  let root: String
  let specification: SpecificationIndex

  /// All faults of the files in a folder that end in `.json`, but for schemas. Throws ``DataError``.
  func faults(inDirectory directory: String) throws(DataError) -> [Fault] {
    let schema = try schema()
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      throw DataError(file: directory, message: "cannot be read: \(error.localizedDescription)")
    }
    var faults: [Fault] = []
    var owners: [String: String] = [:]
    for name in names.sorted() where name.hasSuffix(".json") && !Self.isOther(name) {
      for fault in try load("\(directory)/\(name)", schema) {
        if let owner = owners[fault.id] {
          throw DataError(file: name, place: fault.id, message: "the id stands twice, first in \(owner)")
        }
        owners[fault.id] = name
        if let twin = faults.first(where: { $0.file == fault.file && $0.find == fault.find && $0.put == fault.put }) {
          throw DataError(file: name, place: fault.id, message: "it is the same edit as \(twin.id)")
        }
        faults.append(fault)
      }
    }
    return faults
  }

  /// Files of the folder that hold no faults.
  private static func isOther(_ name: String) -> Bool { name.hasSuffix(".schema.json") || name.hasSuffix("scope.json") }

  /// One of the project's schemas.
  func schema(_ file: String = schemaPath) throws(DataError) -> JSONSchema {
    let path = "\(root)/\(file)"
    guard let contents = FileManager.default.contents(atPath: path) else {
      let message = "is not there: the kill matrix needs the project's sources, run it in the project's folder"
      throw DataError(file: path, message: message)
    }
    do {
      return try JSONSchema(JSON(parsing: Array(contents)))
    } catch {
      throw DataError(file: path, message: "\(error)")
    }
  }

  private func load(_ path: String, _ schema: JSONSchema) throws(DataError) -> [Fault] {
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw DataError(file: path, message: "cannot be read")
    }
    let faults = Self.faults(of: try Self.document(contents, path, schema), source: path)
    for fault in faults { try check(fault) }
    return faults
  }

  private static func faults(of document: JSON, source: String) -> [Fault] {
    (document["faults"]?.array ?? []).map { item in
      Fault(
        id: item["id"]?.string ?? "",
        clause: item["clause"]?.string ?? "",
        roles: (item["roles"]?.array ?? []).compactMap { $0.string.flatMap(Configuration.Role.init) },
        security: item["security"]?.string.flatMap(Configuration.Security.init),
        processCount: item["processes"]?.integer ?? 1,
        file: item["file"]?.string ?? "",
        find: item["find"]?.string ?? "",
        put: item["put"]?.string ?? "",
        why: item["why"]?.string ?? "",
        source: source
      )
    }
  }

  /// The faults that the command carries. It does not carry the text that they edit: whether they fit it is not checked.
  static func embeddedFaults(_ specification: SpecificationIndex) throws(DataError) -> [Fault] {
    var faults: [Fault] = []
    for path in EmbeddedFiles.paths(in: folder, suffix: ".json") where !isOther(path) {
      let document: JSON
      do {
        document = try JSON(parsing: EmbeddedFiles.contents(of: path) ?? [])
        let schema = try JSONSchema.embedded(schemaPath)
        if let fault = schema.faults(of: document).first { throw fault }
      } catch {
        throw DataError(file: path, message: "\(error)")
      }
      faults += Self.faults(of: document, source: path)
    }
    if let fault = faults.first(where: { !specification.contains($0.clause) }) {
      let message = "the specification has no clause \(fault.clause)"
      throw DataError(file: fault.source, place: fault.id, message: message)
    }
    return faults
  }

  static func document(_ contents: Data, _ path: String, _ schema: JSONSchema) throws(DataError) -> JSON {
    let document: JSON
    do { document = try JSON(parsing: Array(contents)) } catch { throw DataError(file: path, message: "\(error)") }
    if let fault = schema.faults(of: document).first { throw DataError(file: path, message: "\(fault)") }
    return document
  }

  private func check(_ fault: Fault) throws(DataError) {
    guard specification.contains(fault.clause) else {
      throw DataError(
        file: fault.source,
        place: fault.id,
        message: "the specification has no clause \(fault.clause)"
      )
    }
    guard fault.id.hasPrefix(fault.clause + "/") else {
      throw DataError(file: fault.source, place: fault.id, message: "the id does not begin with \(fault.clause)/")
    }
    guard fault.find != fault.put else {
      throw DataError(file: fault.source, place: fault.id, message: "the edit changes nothing")
    }
    let path = "\(root)/\(Self.implementationPath)/bokbok/\(fault.file)"
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw DataError(file: fault.source, place: fault.id, message: "there is no file \(path)")
    }
    let count = String(decoding: contents, as: UTF8.self).components(separatedBy: fault.find).count - 1
    guard count == 1 else {
      let message = "the text to find occurs \(count) times in \(fault.file), not once"
      throw DataError(file: fault.source, place: fault.id, message: message)
    }
  }
}
