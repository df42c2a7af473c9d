/// The forms of all messages between the kit and a testee, as `Harness/testee.schema.json` defines them.
package struct TesteeContract: Sendable {
  package static let schemaPath = "Harness/testee.schema.json"

  private let schemas: [String: JSONSchema]

  /// The embedded schema. Throws if it is not one.
  package init() throws(DataError) {
    do {
      let document = try JSON(parsing: EmbeddedFiles.contents(of: Self.schemaPath) ?? [])
      var schemas: [String: JSONSchema] = [:]
      for (name, _) in document["$defs"]?.object?.members ?? [] {
        schemas[name] = try JSONSchema(["$ref": .string("#/$defs/\(name)"), "$defs": document["$defs"] ?? .null])
      }
      self.schemas = schemas
    } catch {
      throw DataError(file: Self.schemaPath, message: "\(error)")
    }
  }

  /// What is wrong with a command of the kit; nil if nothing. A command that the contract does not have is the canary's.
  package func fault(inCommand message: JSON) -> String? {
    guard let name = message["command"]?.string else { return "a command without a name" }
    return fault(in: message, "command-\(name)")
  }

  /// What is wrong with a reply to the command of this name.
  package func fault(inReply message: JSON, to command: String) -> String? {
    if let fault = fault(in: message, "reply") { return fault }
    return message["ok"].flatMap { fault(in: $0, "ok-\(command)") }.map { "ok of \(command): \($0)" }
  }

  /// What is wrong with an event.
  package func fault(inEvent message: JSON) -> String? {
    let name = message["event"]?.string ?? ""
    guard schemas["event-\(name)"] != nil else { return "the contract has no event \"\(name)\"" }
    return fault(in: message, "event-\(name)")
  }

  private func fault(in message: JSON, _ definition: String) -> String? {
    schemas[definition]?.faults(of: message).first.map { "\($0)" }
  }
}
