/// A handshake pattern of the Noise Protocol Framework, revision 34, as data.
///
/// Patterns without static keys, with pre-shared keys, over 25519, ChaChaPoly and SHA256.
package struct NoisePattern: Equatable, Sendable {
  /// What a message does, in the framework's notation.
  package enum Token: Equatable, Sendable {
    /// The sender's ephemeral public key.
    case e
    /// A Diffie-Hellman of both ephemeral keys.
    case ee
    /// The next pre-shared key.
    case psk
  }

  /// The whole protocol name, which the handshake binds.
  package let name: String
  /// The tokens of each message; the initiator sends the first one.
  package let messages: [[Token]]

  /// Bokbok's own pattern (section 3).
  package static let bokbok = NoisePattern(
    name: "Noise_NNpsk0+psk2_25519_ChaChaPoly_SHA256",
    messages: [[.psk, .e], [.e, .ee, .psk]]
  )

  /// One pre-shared key, before the first message.
  package static let nnpsk0 = NoisePattern(
    name: "Noise_NNpsk0_25519_ChaChaPoly_SHA256",
    messages: [[.psk, .e], [.e, .ee]]
  )

  /// One pre-shared key, after the second message.
  package static let nnpsk2 = NoisePattern(
    name: "Noise_NNpsk2_25519_ChaChaPoly_SHA256",
    messages: [[.e], [.e, .ee, .psk]]
  )

  /// All that are known, to look one up by its name.
  package static let all = [Self.bokbok, .nnpsk0, .nnpsk2]
}
