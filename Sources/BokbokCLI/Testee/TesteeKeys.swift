internal import Bokbok
internal import BokbokConformance

/// Users and keys as commands of the contract give them.
enum TesteeKeys {
  /// What a server takes: plain connections without users, else sealed ones.
  static func serverSecurity(users: JSON.Object?) throws -> ServerSecurity {
    guard let users else { return .plain }
    var keys: [UserName: [PresharedKey]] = [:]
    for (name, value) in users.members {
      guard let digits = value.string, let bytes = Hexadecimal.bytes(digits) else {
        throw TesteeFailure(.other, "the key of a user is a string of hexadecimal digits")
      }
      // A key of another length makes its user unknown, as a lookup that gives one would (H-4).
      keys[try UserName(name)] = bytes.count == PresharedKey.byteCount ? [try PresharedKey(bytes: bytes)] : []
    }
    return .sealed(lookingUpCandidates: { [keys] user in keys[user] ?? [] })
  }

  /// What a client asks for: a sealed connection with a user and a key, a plain one with neither.
  static func clientSecurity(user: String?, key: String?) throws -> ClientSecurity {
    guard let user, let key else {
      guard user == nil, key == nil else {
        throw TesteeFailure(.other, "\"user\" and \"key\" go together, but only one of them was given")
      }
      return .plain
    }
    guard let bytes = Hexadecimal.bytes(key) else {
      throw TesteeFailure(.other, "\"key\" is a string of hexadecimal digits")
    }
    return .sealed(user: try UserName(user), key: try PresharedKey(bytes: bytes))
  }
}
