internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// UNIX stream sockets, before NIO takes them over.
enum UnixSocket {
  enum Probe {
    case alive
    /// Nothing listens on it, or it is gone.
    case dead
    /// Connecting failed with this error.
    case unknown(CInt)
  }

  /// Whether something listens at the address.
  static func probe(_ address: SocketAddress) -> Probe {
    let descriptor = self.make()
    guard descriptor >= 0 else { return .unknown(errno) }
    defer { _ = close(descriptor) }
    // A listener that is busy must not hold this up.
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    let result = address.withSockAddr { pointer, size in connect(descriptor, pointer, socklen_t(size)) }
    guard result != 0 else { return .alive }
    switch errno {
    case ECONNREFUSED, ENOENT: return .dead
    // Its backlog is full, or it is of another type: either way it listens.
    case EAGAIN, EINPROGRESS, EPROTOTYPE: return .alive
    case let errorNumber: return .unknown(errorNumber)
    }
  }

  /// A new socket, bound to the address and not listening, whose file has the given permissions.
  static func bind(to address: SocketAddress, path: String, mode: UInt32) throws(BokbokError) -> CInt {
    let descriptor = self.make()
    guard descriptor >= 0 else {
      throw BokbokError(.resources, "no socket for \(path): \(SystemFailure.text(errno))")
    }
    // nobody can connect before the socket listens, so that permissions set until then hold from the start. Those
    // that Linux takes over from the descriptor hold from the creation of the file, less what the umask takes away.
    _ = fchmod(descriptor, mode_t(mode))
    let isBound = address.withSockAddr { pointer, size in
      #if canImport(Glibc)
      Glibc.bind(descriptor, pointer, socklen_t(size)) == 0
      #elseif canImport(Musl)
      Musl.bind(descriptor, pointer, socklen_t(size)) == 0
      #else
      Darwin.bind(descriptor, pointer, socklen_t(size)) == 0
      #endif
    }
    guard isBound, chmod(path, mode_t(mode)) == 0 else {
      let errorNumber = errno
      _ = close(descriptor)
      if isBound { _ = unlink(path) }
      throw BokbokError(.listen, "the server cannot listen on \(path): \(SystemFailure.text(errorNumber))")
    }
    return descriptor
  }

  private static func make() -> CInt {
    #if os(Linux)
    socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    #else
    socket(AF_UNIX, SOCK_STREAM, 0)
    #endif
  }
}

/// How many connections wait to be accepted.
enum ListenBacklog {
  /// The system cuts it to its own limit.
  static let count: Int32 = 4096

  /// Sets it on a socket that listens already.
  static func raise(_ descriptor: CInt) {
    _ = listen(descriptor, self.count)
  }
}
