/// What a client asks for: a plain connection or a sealed one.
public struct ClientSecurity: Sendable {
  let credentials: (user: UserName, key: PresharedKey)?

  /// Neither encrypted nor authenticated: for one machine, or where something else protects the stream.
  public static let plain = ClientSecurity(credentials: nil)

  /// Encrypted, and both sides prove that they hold the user's key.
  ///
  /// A key proves "one of those who hold it", no more (H-13). The user name, sizes and times of records, and refusals
  /// are not protected (H-14).
  ///
  /// - Parameters:
  ///   - user: The name that the server knows the key by.
  ///   - key: The user's key. Derive one from a passphrase once, not for each connection (K-3).
  public static func sealed(user: UserName, key: PresharedKey) -> ClientSecurity {
    ClientSecurity(credentials: (user, key))
  }
}
