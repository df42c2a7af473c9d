internal import BokbokCore

/// What opens a recorded sealed session: the user's key, and the ephemeral secret of one of its sides.
///
/// All is computed by code that shares nothing with the library's.
package struct SessionSecrets {
  /// Whose key opens sessions, and the ephemeral secrets that may be theirs.
  package struct Keys: Sendable {
    let user: [UInt8]
    let userKey: [UInt8]
    var ephemerals: [[UInt8]]
  }

  let user: [UInt8]
  let userKey: [UInt8]
  let sessionKey: [UInt8]
  /// Of the sides whose secret is known, one of them or both.
  let ephemerals: [SideRole: [UInt8]]
  let handshake: ReferenceHandshake

  /// Finds the secrets of one connection, or of one of its legs.
  ///
  /// - Throws: what the keys do not fit.
  init(
    _ recording: Recording,
    connection: Int,
    leg: SideRole?,
    keys: Keys
  ) throws(SessionPromotion.Failure) {
    let opening = recording.bytes(of: .client, connection: connection, leg: leg)
    let answer = recording.bytes(of: .server, connection: connection, leg: leg)
    var (clientOffset, serverOffset) = (WirePreamble.byteCount, WirePreamble.byteCount)
    guard let user = opening.recordContent(at: &clientOffset), let message1 = opening.recordContent(at: &clientOffset),
      let message2 = answer.recordContent(at: &serverOffset), message1.count == 80, message2.count == 48
    else { throw .init(description: "the handshake of connection \(connection) was not recorded whole") }
    guard user == keys.user else {
      let names = [user, keys.user].map { "\"\(String(displaying: String(decoding: $0, as: UTF8.self)))\"" }
      throw .init(description: "the session is of the user \(names[0]), the key that was given of \(names[1])")
    }
    guard let sessionKey = ReferenceHandshake.sessionKey(message1: message1, user: user, userKey: keys.userKey) else {
      throw .init(description: "the key that was given is not the session's: message 1 does not authenticate with it")
    }
    var found: [SideRole: [UInt8]] = [:]
    let publicKeys: [SideRole: ArraySlice<UInt8>] = [.client: message1.prefix(32), .server: message2.prefix(32)]
    for secret in keys.ephemerals + recording.ephemerals(connection: connection, leg: leg) {
      let publicKey = ReferenceX25519.publicKey(of: secret)
      for (role, wanted) in publicKeys where wanted.elementsEqual(publicKey) { found[role] = secret }
    }
    guard !found.isEmpty else {
      let message =
        "no ephemeral secret of connection \(connection) is known: give a key log of one of its sides, or record "
        + "it with --user and --key-file"
      throw .init(description: message)
    }
    var inputs = ReferenceHandshake.Inputs()
    inputs.userName = user
    inputs.userKey = keys.userKey
    inputs.sessionKey = sessionKey
    if let secret = found[.client] {
      inputs.clientEphemeral = secret
    } else {
      inputs.clientPublicKey = Array(message1[..<32])
    }
    if let secret = found[.server] {
      inputs.serverEphemeral = secret
    } else {
      inputs.serverPublicKey = Array(message2[..<32])
    }
    let handshake = ReferenceHandshake(inputs)
    guard handshake.message1 == message1, handshake.message2 == message2 else {
      throw .init(description: "the handshake of connection \(connection) is not what its secrets make")
    }
    self.user = user
    self.userKey = keys.userKey
    self.sessionKey = sessionKey
    self.handshake = handshake
    ephemerals = found
  }

  /// What opens the records of one side, each counted from 0.
  func open(_ role: SideRole, _ index: Int, _ content: [UInt8]) -> [UInt8]? {
    let key = role == .client ? handshake.clientToServerKey : handshake.serverToClientKey
    return ReferenceChaCha20Poly1305.open(
      content,
      key: key,
      nonce: ReferenceChaCha20Poly1305.nonce(counter: UInt64(index))
    )
  }
}

extension SessionSecrets.Keys {
  /// - Parameters:
  ///   - user: the user's name.
  ///   - key: the user's key, 32 bytes.
  ///   - keyLogs: files that testees with the feature `key-log` have written.
  /// - Throws: which line of a file is not as the testee contract wants it.
  package init(user: String, key: [UInt8], keyLogs: [(name: String, bytes: [UInt8])]) throws(DataError) {
    self.user = Array(user.utf8)
    userKey = key
    ephemerals = []
    for log in keyLogs {
      for (index, line) in log.bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
        guard let json = try? JSON(parsing: line), let secret = json["ephemeral"]?.string.flatMap(Hexadecimal.bytes),
          secret.count == 32
        else {
          throw DataError(
            file: log.name,
            place: "line \(index + 1)",
            message: "not a line of a key log with \"ephemeral\""
          )
        }
        ephemerals.append(secret)
      }
    }
  }
}

extension Recording {
  /// The ephemeral secrets of the recorder itself.
  fileprivate func ephemerals(connection: Int, leg: SideRole?) -> [[UInt8]] {
    events.compactMap { event in
      guard event.connection == connection, event.leg == leg, case .secret(let secret, _) = event.happening,
        secret.count == 32
      else { return nil }
      return secret
    }
  }
}
