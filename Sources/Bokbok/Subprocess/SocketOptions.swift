#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What the system says about a socket that this process was given.
enum SocketOptions {
  /// The value of `SO_TYPE` for streams.
  static var streamType: CInt {
    #if canImport(Glibc)
    CInt(SOCK_STREAM.rawValue)
    #else
    SOCK_STREAM
    #endif
  }

  /// An option whose value is a number; nil where the descriptor is no socket.
  static func integer(_ name: CInt, of descriptor: CInt) -> CInt? {
    var value: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
  }
}
