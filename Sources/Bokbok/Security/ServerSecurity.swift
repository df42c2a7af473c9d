/// What a server takes: plain connections or sealed ones. A server never takes both (O-5).
public struct ServerSecurity: Sendable {
  /// Finds the keys of a user; none for a user it does not know.
  typealias KeyLookup = @Sendable (UserName) async throws -> [PresharedKey]

  let keyLookup: KeyLookup?

  /// How many keys of one user are tried at most: 4.
  public static let candidatesMax = 4

  /// Neither encrypted nor authenticated: anyone who can connect may send requests.
  public static let plain = ServerSecurity(keyLookup: nil)

  /// Sealed, with the key of each user in a table.
  ///
  /// - Parameter keys: The users and their keys. Keys are derived when the table is made, never later (K-3).
  public static func sealed(keys: [UserName: PresharedKey]) -> ServerSecurity {
    ServerSecurity { user in keys[user].map { [$0] } ?? [] }
  }

  /// Sealed, with a lookup for each connection, for example in a file or a database.
  ///
  /// The lookup gives a key and not a passphrase: deriving one takes so much time and memory that strangers could bring
  /// the server to a halt (K-3).
  ///
  /// - Parameter lookUp: Called once for each connection that has sent its whole handshake message (H-4). It runs on the
  ///   event loop of the connection: one that blocks has to use threads of its own. nil means an unknown user, and an
  ///   error thrown means the same for the client; it is written to the log. It is cancelled when the connection ends,
  ///   which happens at the latest when the handshake time limit has passed (O-10).
  public static func sealed(
    lookingUp lookUp: @escaping @Sendable (UserName) async throws -> PresharedKey?
  ) -> ServerSecurity {
    ServerSecurity { user in try await lookUp(user).map { [$0] } ?? [] }
  }

  /// Sealed, with a lookup that may give several keys for a user, as is needed while keys are being changed.
  ///
  /// The keys are tried in their order; the first ``candidatesMax`` of them count. How many a user has can be measured
  /// by someone who times failed attempts.
  ///
  /// - Parameter lookUp: As for ``sealed(lookingUp:)``; an empty array means an unknown user.
  public static func sealed(
    lookingUpCandidates lookUp: @escaping @Sendable (UserName) async throws -> [PresharedKey]
  ) -> ServerSecurity {
    ServerSecurity(keyLookup: lookUp)
  }

  var isSealed: Bool { self.keyLookup != nil }
}
