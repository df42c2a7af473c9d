internal import Synchronization

/// What is known about a connection before it opens: once for all that tell of it.
final class ConnectionIdentity: Sendable {
  let id: ConnectionID
  let peerAddress: Address
  let localAddress: Address
  let peerCredentials: PeerCredentials?
  /// What this side started to connect to.
  let command: CommandProcess?

  init(
    id: ConnectionID,
    peerAddress: Address,
    localAddress: Address,
    peerCredentials: PeerCredentials?,
    command: CommandProcess?
  ) {
    self.id = id
    self.peerAddress = peerAddress
    self.localAddress = localAddress
    self.peerCredentials = peerCredentials
    self.command = command
  }
}

/// The number of a connection, unique in this process.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
  private let number: UInt64

  private static let last = Atomic<UInt64>(0)

  /// The next one.
  static func next() -> ConnectionID {
    ConnectionID(number: Self.last.add(1, ordering: .relaxed).newValue)
  }

  /// The number in decimal digits.
  public var description: String { String(self.number) }
}
