/// Which end of a connection.
enum SideRole: String, CaseIterable, Sendable {
  case client
  case server

  var other: SideRole { self == .client ? .server : .client }
}

/// Everything that one side of a vector's connection starts with.
struct SidePlan: Sendable {
  var role: SideRole
  var isSealed: Bool
  /// By their names on the wire; what is missing has its default.
  var settings: JSON.Object = .init()
  /// Times in milliseconds, by their names in the format.
  var limits: JSON.Object = .init()

  // A sealed client.
  var user: [UInt8] = []
  var userKey: [UInt8] = []
  var sessionKey: [UInt8] = []
  /// The ephemeral secret of either side; empty where a recording does not tell it.
  var ephemeral: [UInt8] = []

  // A server.
  var users: [User] = []
  var decoyKey: [UInt8] = []
  var isBusy = false
  /// Whether an open handler has to let connections in (C-9).
  var hasOpenHandler = false

  /// A user that a server knows.
  struct User: Sendable {
    var name: [UInt8]
    var key: [UInt8]
  }

  init(role: SideRole, isSealed: Bool) {
    self.role = role
    self.isSealed = isSealed
  }

  /// The side with the secrets of the specification's example.
  static func example(_ role: SideRole, isSealed: Bool) -> SidePlan {
    var plan = SidePlan(role: role, isSealed: isSealed)
    guard isSealed else { return plan }
    let inputs = ReferenceHandshake.Inputs()
    switch role {
    case .client:
      plan.user = inputs.userName
      plan.userKey = inputs.userKey
      plan.sessionKey = inputs.sessionKey
      plan.ephemeral = inputs.clientEphemeral
    case .server:
      plan.users = [User(name: inputs.userName, key: inputs.userKey)]
      plan.decoyKey = ReferenceHandshake.ascending(from: 0xA0)
      plan.ephemeral = inputs.serverEphemeral
    }
    return plan
  }
}

// MARK: - JSON

extension SidePlan {
  private static let limitNames = ["handshakeMs", "drainMs", "keepaliveMs", "keepaliveTimeoutMs", "endMs"]

  /// The side as a session holds it.
  init(json: JSON?, role: SideRole, isSealed: Bool, place: String) throws(VectorMismatch) {
    self.init(role: role, isSealed: isSealed)
    settings = json?["settings"]?.object ?? .init()
    limits = json?["limits"]?.object ?? .init()
    isBusy = json?["busy"]?.bool ?? false
    hasOpenHandler = json?["openHandler"]?.bool ?? false
    guard isSealed else { return }
    if let secret = json?["ephemeral"] { ephemeral = try JSON?.some(secret).octets(at: place + "/ephemeral") }
    switch role {
    case .client:
      user = try json?["user"].octets(at: place + "/user") ?? []
      userKey = try json?["userKey"].octets(at: place + "/userKey") ?? []
      sessionKey = try json?["sessionKey"].octets(at: place + "/sessionKey") ?? []
    case .server:
      users = try Self.users(json?["users"], place: place + "/users")
      decoyKey = try json?["decoyKey"].octets(at: place + "/decoyKey") ?? []
    }
  }

  static func users(_ json: JSON?, place: String) throws(VectorMismatch) -> [User] {
    var users: [User] = []
    for (index, item) in (json?.array ?? []).enumerated() {
      users.append(
        User(
          name: try item["user"].octets(at: "\(place)/\(index)/user"),
          key: try item["key"].octets(at: "\(place)/\(index)/key")
        )
      )
    }
    return users
  }

  static func json(_ users: [User]) -> JSON {
    .array(users.map { ["user": .hex($0.name), "key": .hex($0.key)] })
  }

  var json: JSON {
    var object = JSON.Object()
    if !settings.isEmpty { object["settings"] = .object(settings) }
    if !limits.isEmpty { object["limits"] = .object(limits) }
    if isBusy { object["busy"] = true }
    if hasOpenHandler { object["openHandler"] = true }
    guard isSealed else { return .object(object) }
    switch role {
    case .client:
      object["user"] = .hex(user)
      object["userKey"] = .hex(userKey)
      object["sessionKey"] = .hex(sessionKey)
    case .server:
      object["users"] = Self.json(users)
      object["decoyKey"] = .hex(decoyKey)
    }
    if !ephemeral.isEmpty { object["ephemeral"] = .hex(ephemeral) }
    return .object(object)
  }
}
