internal import Foundation

/// Which clauses need planted faults, and in which roles: every clause that shows outside, in both, but for the
/// exceptions of a file.
package struct FaultScope: Sendable {
  static let path = "Harness/Faults/scope.json"
  static let schemaPath = "Harness/Faults/scope.schema.json"

  /// A clause whose breach no case of the level `must` can see in some roles.
  struct Exception: Sendable {
    let clause: String
    let roles: Set<Configuration.Role>
  }

  private let specification: SpecificationIndex
  private let boundRoles: [String: Configuration.Role]
  private let exceptions: [Exception]
  private let faults: [Fault]

  /// The scope and the faults of the project in a folder. Throws if a file does not fit its schema, names a clause that
  /// the specification does not have or that does not show outside, or names one twice.
  package init(projectDirectory root: String) throws(DataError) {
    let specification = try SpecificationIndex.embedded()
    let loader = FaultLoader(root: root, specification: specification)
    try self.init(
      projectDirectory: root,
      specification: specification,
      faults: loader.faults(inDirectory: "\(root)/\(FaultLoader.folder)")
    )
  }

  init(projectDirectory root: String, specification: SpecificationIndex, faults: [Fault]) throws(DataError) {
    let path = "\(root)/\(Self.path)"
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw DataError(file: path, message: "cannot be read")
    }
    let schema = try FaultLoader(root: root, specification: specification).schema(Self.schemaPath)
    let document = try FaultLoader.document(contents, path, schema)
    var boundRoles: [String: Configuration.Role] = [:]
    for (member, role) in [("serverOnly", Configuration.Role.server), ("clientOnly", .client)] {
      for clause in document[member]?.strings ?? [] {
        guard boundRoles.updateValue(role, forKey: clause) == nil else {
          throw DataError(file: path, place: member, message: "\(clause) is also said to bind the other side")
        }
      }
    }
    self.exceptions = (document["unseen"]?.array ?? []).map { item in
      let clause = item["clause"]?.string ?? ""
      let named = (item["roles"]?.strings ?? []).compactMap(Configuration.Role.init)
      let bound = boundRoles[clause].map { [$0] } ?? Configuration.Role.allCases
      return Exception(clause: clause, roles: Set(named.isEmpty ? bound : named))
    }
    for clause in boundRoles.keys.sorted() + exceptions.map(\.clause) where !specification.isVisible(clause) {
      let message = "\(clause) is no clause that the specification marks as one that shows outside"
      throw DataError(file: path, message: message)
    }
    self.specification = specification
    self.boundRoles = boundRoles
    self.faults = faults
  }

  /// What is missing, and what is excused without need, in sentences; empty if the faults cover their scope.
  package var problems: [String] {
    var problems: [String] = []
    for clause in specification.ids where specification.isVisible(clause) {
      let faulty = Set(faults.filter { $0.clause == clause }.flatMap(\.roles))
      let excused = Set(exceptions.filter { $0.clause == clause }.flatMap(\.roles))
      let bound = Set(boundRoles[clause].map { [$0] } ?? Configuration.Role.allCases)
      problems += Self.names(bound.subtracting(faulty).subtracting(excused)).map {
        "\(clause) has no fault with the testee as \($0), and no reason why"
      }
      problems += Self.names(faulty.intersection(excused)).map {
        "\(clause) has a fault with the testee as \($0), and stands among those that no case can see"
      }
      problems += Self.names(faulty.union(excused).subtracting(bound)).map {
        "\(clause) does not bind the \($0), and has a fault or an exception there"
      }
    }
    return problems
  }

  /// The clauses that have no fault in any role: unit tests have to prove them.
  package var clausesWithoutFault: [String] {
    let faulty = Set(faults.map(\.clause))
    return exceptions.map(\.clause).filter { !faulty.contains($0) }
  }

  private static func names(_ roles: Set<Configuration.Role>) -> [String] { roles.map(\.rawValue).sorted() }
}
