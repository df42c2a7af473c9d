/// What a testee says about itself in the reply to `hello`.
package struct Declaration: Sendable, Equatable {
  package let name: String
  package let version: String
  package let roles: [String]
  package let transports: [String]
  package let security: [String]
  package let features: [String]

  /// The version of the contract that this kit speaks.
  static let contractVersion = 1

  /// Throws what is wrong with the reply, for people.
  init(reply: JSON) throws {
    guard let result = reply["ok"] else {
      throw CaseFailure(expected: "the reply to hello", got: reply.encodedText)
    }
    guard result["contract"]?.integer == Self.contractVersion else {
      let expected = "contract \(Self.contractVersion) of the testee contract"
      throw CaseFailure(expected: expected, got: result["contract"]?.encodedText ?? "none")
    }
    func texts(_ name: String) throws -> [String] {
      guard let array = result[name]?.array, array.allSatisfy({ $0.string != nil }) else {
        throw CaseFailure(expected: "an array of texts as \"\(name)\" in the reply to hello", got: result.encodedText)
      }
      return array.compactMap(\.string)
    }
    self.name = result["name"]?.string ?? ""
    self.version = result["version"]?.string ?? ""
    self.roles = try texts("roles")
    self.transports = try texts("transports")
    self.security = try texts("security")
    self.features = try texts("features")
  }

  /// As the reply to `hello` says it.
  var json: JSON {
    func texts(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
    return [
      "contract": .integer(Self.contractVersion),
      "name": .string(name),
      "version": .string(version),
      "roles": texts(roles),
      "transports": texts(transports),
      "security": texts(security),
      "features": texts(features),
    ]
  }

  /// The features that a configuration needs in any case: how the kit drives a testee whose standard streams are taken,
  /// and how one that is the client starts the kit's relay.
  private static func features(for configuration: Configuration) -> [String] {
    guard configuration.transport == .stdio else { return [] }
    return configuration.role == .server ? ["control-fd"] : ["exec"]
  }

  /// What the testee lacks for a case in a configuration; nil if nothing.
  func lack(for item: Case, in configuration: Configuration) -> String? {
    if !roles.contains(configuration.role.rawValue) { return "the role \(configuration.role.rawValue)" }
    if !transports.contains(configuration.transport.rawValue) {
      return "the transport \(configuration.transport.rawValue)"
    }
    if !security.contains(configuration.security.rawValue) { return "\(configuration.security.rawValue) connections" }
    let needs = item.needs + Self.features(for: configuration)
    return needs.first { !features.contains($0) }.map { "the feature \($0)" }
  }
}
