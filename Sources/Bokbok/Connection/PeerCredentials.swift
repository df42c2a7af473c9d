internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The process on the other side of a UNIX socket, as the system vouched for it when it connected.
public struct PeerCredentials: Hashable, Sendable {
  /// The number of the process. It may have ended since, and the number may be another's by now.
  public let processID: Int32
  /// The user that the process ran as.
  public let userID: UInt32
  /// The group that the process ran as.
  public let groupID: UInt32
}

extension PeerCredentials {
  /// The layout of the system's `struct ucred`, which Swift does not import.
  private struct Answer: BitwiseCopyable {
    var processID: Int32
    var userID: UInt32
    var groupID: UInt32
  }

  /// Asks the system; nil where the stream is no UNIX socket, or the system does not tell.
  static func of(_ channel: any Channel) -> PeerCredentials? {
    #if os(Linux)
    guard case .unixDomainSocket? = channel.localAddress ?? channel.remoteAddress,
      let provider = channel as? any SocketOptionProvider
    else {
      return nil
    }
    var credentials: PeerCredentials?
    let level = NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET)
    let name = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
    // On the event loop the answer is there at once.
    provider.unsafeGetSocketOption(level: level, name: name).assumeIsolated().whenSuccess { (peer: Answer) in
      credentials = PeerCredentials(processID: peer.processID, userID: peer.userID, groupID: peer.groupID)
    }
    return credentials
    #else
    return nil
    #endif
  }
}
