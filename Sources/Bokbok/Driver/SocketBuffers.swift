internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// How much of a long message waits in the system's buffers, where nothing can overtake it.
///
/// What is more urgent goes ahead of the fragments that wait in the connection machine (P-1, X-4), but stands behind every
/// byte that the system has taken. Left to itself, the system lets these be several MiB in each direction.
enum SocketBuffers {
  /// From this many bytes at once on, a connection carries long messages, and its buffers are limited. Others are spared
  /// the system calls.
  static let longByteCount = 65_536

  /// Bytes that the system takes beyond those it can send at once.
  private static let unsentByteCountMax = 65_536

  /// The receive buffer of a connection within the machine, in bytes; the system doubles it for its own use. With less
  /// than two of the loopback interface's segments, of 64 KiB, the sender would wait for the system's timers.
  private static let localReceiveByteCount = 131_072

  /// For a connection with long output: what the network needs for its speed stays in flight, and little more is taken.
  static func limitUnsent(_ channel: any Channel) {
    guard isTCP(channel) else { return }
    // Where it cannot be set, all stays as it was.
    try? channel.syncOptions?.setOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: unsentByteCountMax)
  }

  /// For a connection with long input and others beside it: where both ends are on this machine there is no delay to be
  /// bridged, and a large window only makes what comes wait. Elsewhere the system finds the window that the network needs.
  static func limitReceiveWindow(_ channel: any Channel) {
    guard isLocal(channel.remoteAddress) else { return }
    try? channel.syncOptions?.setOption(.socketOption(.so_rcvbuf), value: .init(localReceiveByteCount))
  }

  private static func isTCP(_ channel: any Channel) -> Bool {
    switch channel.remoteAddress {
    case .v4, .v6: true
    default: false
    }
  }

  /// Whether an address is one of the machine's own loopback interface.
  static func isLocal(_ address: SocketAddress?) -> Bool {
    guard let text = address?.ipAddress else { return false }
    return text.hasPrefix("127.") || text == "::1" || text.hasPrefix("::ffff:127.")
  }
}
