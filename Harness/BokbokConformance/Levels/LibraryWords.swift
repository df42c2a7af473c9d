internal import Bokbok
internal import BokbokCore

/// What the library's values are called in the testee contract, and the other way about.
enum LibraryWords {
  /// The `error` of a reply.
  static func json(_ error: any Error) -> JSON {
    func json(_ kind: String, _ message: String, _ others: [(String, JSON?)] = []) -> JSON {
      var object = JSON.Object([("kind", .string(kind)), ("message", .string(message))])
      for (name, value) in others { object[name] = value }
      return .object(object)
    }
    switch error {
    case let error as RemoteError:
      return json(
        error.code == "closing" ? "closing" : "remote",
        error.message,
        [("code", .string(error.code)), ("details", .array(error.details.map { .string($0.hexadecimal) }))]
      )
    case let error as BokbokError:
      return json(
        kind(of: error.code),
        error.peerMessage ?? error.message,
        [("code", error.peerCode.map { .string($0) }), ("side", error.side.map { .string($0.rawValue) })]
      )
    case is CancellationError:
      return json("cancelled", "this side cancelled the request")
    case let refusal as VirtualTestee.Refusal:
      return refusal.json
    default:
      return json("other", "\(error)")
    }
  }

  private static func kind(of code: BokbokError.Code) -> String {
    let own: [BokbokError.Code] = [
      .refused, .authentication, .notBokbok, .closing, .lost, .tampered, .violation, .malformed, .tooLarge, .timeout,
      .unsupported,
    ]
    return own.contains(code) ? code.description : "other"
  }

  /// H-4: a key that is not 32 bytes makes its user unknown.
  static func serverSecurity(users: JSON.Object?) throws -> Bokbok.ServerSecurity {
    guard let users else { return .plain }
    var keys: [UserName: [PresharedKey]] = [:]
    for (name, value) in users.members {
      let bytes = Hexadecimal.bytes(value.string ?? "") ?? []
      keys[try UserName(name)] = bytes.count == PresharedKey.byteCount ? [try PresharedKey(bytes: bytes)] : []
    }
    return .sealed(lookingUpCandidates: { [keys] user in keys[user] ?? [] })
  }

  static func clientSecurity(_ command: VirtualTestee.Command) throws -> Bokbok.ClientSecurity {
    guard let user = command.members["user"]?.string else { return .plain }
    let key = Hexadecimal.bytes(command.members["key"]?.string ?? "") ?? []
    return .sealed(user: try UserName(user), key: try PresharedKey(bytes: key))
  }

  /// The configuration that a command asks for.
  static func configuration(_ command: VirtualTestee.Command) throws -> Bokbok.Configuration {
    var configuration = Bokbok.Configuration()
    // A request fails here only for reasons of the protocol.
    configuration.requestTimeout = nil
    let settings = command.members["settings"]
    if let number = settings?["max-message"]?.integer { configuration.messageBytesMax = number }
    if let number = settings?["max-requests"]?.integer { configuration.requestsMax = number }
    if let number = settings?["max-partial"]?.integer { configuration.partialBytesMax = number }
    let limits = command.members["limits"]
    func time(_ name: String) -> Duration? { limits?[name]?.integer.map { .milliseconds($0) } }
    if let time = time("handshakeMs") { configuration.handshakeTimeout = time }
    if let time = time("drainMs") { configuration.drainTimeout = time }
    if let time = time("endMs") { configuration.endTimeout = time }
    if let time = time("keepaliveMs"), time > .zero { configuration.keepaliveInterval = time }
    if let time = time("keepaliveTimeoutMs") { configuration.keepaliveTimeout = time }
    if let number = limits?["maxConnections"]?.integer { configuration.connectionsMax = number }
    if let number = limits?["maxOpening"]?.integer { configuration.openingStreamsMax = number }
    return configuration
  }
}
