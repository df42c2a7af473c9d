internal import BokbokCore
internal import NIOCore

/// The random source of the kit's side of one play of a case.
///
/// One seed gives all secrets, so that a capsule can hold it and the case can be played again with the same bytes. A seed
/// is new for each play, and only the kit's own sessions are made of it: H-7 forbids the like to a server or client in use.
package struct KitEntropy: Sendable, Equatable {
  package static let seedByteCount = 32

  package let seed: [UInt8]

  /// A new one, from the system's random source.
  package init() {
    var generator = SystemRandomNumberGenerator()
    seed = (0..<Self.seedByteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  /// One that was used before; nil if the seed does not have 32 bytes.
  package init?(seed: [UInt8]) {
    guard seed.count == Self.seedByteCount else { return nil }
    self.seed = seed
  }

  /// The secrets of a connection of the case.
  ///
  /// - Parameter index: its place among the connections of the case, from 0.
  func secrets(ofConnection index: Int) -> KitSecrets {
    KitSecrets(sessionKey: secret("session-key", index), ephemeral: secret("ephemeral", index))
  }

  /// SHA-256 of the seed, the index in four bytes, and the name.
  private func secret(_ name: String, _ index: Int) -> [UInt8] {
    var input = seed
    input.append(bigEndian: UInt32(truncatingIfNeeded: index))
    input += Array(name.utf8)
    return SHA256.hash(of: ByteBuffer(bytes: input))
  }
}

/// What the kit's side of one sealed handshake takes from its random source, 32 bytes each.
struct KitSecrets: Sendable, Equatable {
  /// Of a client: what message 1 carries.
  let sessionKey: [UInt8]
  /// The secret half of the ephemeral key.
  let ephemeral: [UInt8]
}

extension KitSecrets {
  /// New ones.
  init(from meeting: any MeetingPlace) throws {
    sessionKey = try meeting.freshSecret().withUnsafeBytes { Array($0) }
    ephemeral = try meeting.freshSecret().withUnsafeBytes { Array($0) }
  }
}
