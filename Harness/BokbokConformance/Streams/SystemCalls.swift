internal import Foundation

/// Why a system call of the kit failed: the kit's own trouble, never a verdict on the testee.
struct SystemCallError: Error, CustomStringConvertible {
  let call: String
  let code: Int32

  var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// The system calls that the kit makes.
enum SystemCalls {
  /// Held while a descriptor is born and marked to be closed on exec, and while a testee is started: a testee of another
  /// group would else inherit it, and a stream would not end when the kit closes it.
  private static let birthLock = NSLock()

  static func check(_ result: Int32, _ call: String) throws -> Int32 {
    guard result >= 0 else { throw SystemCallError(call: call, code: errno) }
    return result
  }

  static func withBirthLock<Result>(_ body: () throws -> Result) rethrows -> Result {
    birthLock.lock()
    defer { birthLock.unlock() }
    return try body()
  }

  /// A pipe: the end that is read and the end that is written.
  static func pipe() throws -> (reading: Int32, writing: Int32) {
    try withBirthLock {
      var ends: [Int32] = [-1, -1]
      _ = try check(Foundation.pipe(&ends), "pipe")
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      return (ends[0], ends[1])
    }
  }

  /// A pair of connected sockets. The other process's end has a number above those that a child is given.
  static func socketPair() throws -> (ours: Int32, theirs: Int32) {
    #if os(Linux)
    let type = Int32(SOCK_STREAM.rawValue)
    #else
    let type = SOCK_STREAM
    #endif
    return try withBirthLock {
      var ends: [Int32] = [-1, -1]
      _ = try check(socketpair(AF_UNIX, type, 0, &ends), "socketpair")
      let theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, 10)
      Foundation.close(ends[1])
      guard theirs >= 0 else {
        let code = errno
        Foundation.close(ends[0])
        throw SystemCallError(call: "fcntl", code: code)
      }
      _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
      return (ends[0], theirs)
    }
  }

  static func streamSocket(_ family: Int32) throws -> Int32 {
    #if os(Linux)
    let type = Int32(SOCK_STREAM.rawValue)
    #else
    let type = SOCK_STREAM
    #endif
    return try withBirthLock {
      let descriptor = try check(socket(family, type, 0), "socket")
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      return descriptor
    }
  }

  /// The next stream of a listening socket; nil if there is none.
  static func accept(_ listener: Int32) -> Int32? {
    withBirthLock {
      var address = sockaddr()
      var size = socklen_t(MemoryLayout<sockaddr>.size)
      let descriptor = Foundation.accept(listener, &address, &size)
      guard descriptor >= 0 else { return nil }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      return descriptor
    }
  }

  static func setNonBlocking(_ descriptor: Int32) throws {
    let flags = try check(fcntl(descriptor, F_GETFL), "fcntl")
    _ = try check(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK), "fcntl")
  }

  static func setOption(_ descriptor: Int32, level: Int32, _ name: Int32, _ value: Int32) throws {
    var value = value
    let size = socklen_t(MemoryLayout<Int32>.size)
    _ = try check(setsockopt(descriptor, level, name, &value, size), "setsockopt")
  }
}

/// Where a testee and the kit meet over sockets.
enum SocketAddress: Equatable, Sendable {
  /// An IPv4 address in digits and a port.
  case tcp(host: String, port: UInt16)
  case unix(path: String)

  /// The address in the specification's form (section 9).
  var text: String {
    switch self {
    case .tcp(let host, let port): "tcp:\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// Reads the forms that testees report: `tcp:HOST:PORT`, `HOST:PORT`, `unix:PATH`.
  init?(_ text: String) {
    if text.hasPrefix("unix:") {
      self = .unix(path: String(text.dropFirst("unix:".count)))
      return
    }
    let rest = text.hasPrefix("tcp:") ? text.dropFirst("tcp:".count) : text[...]
    guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]) else { return nil }
    let host = String(rest[..<colon])
    self = .tcp(host: host == "localhost" ? "127.0.0.1" : host, port: port)
  }

  static func tcpLoopback(port: UInt16 = 0) -> SocketAddress { .tcp(host: "127.0.0.1", port: port) }

  var family: Int32 {
    switch self {
    case .tcp: AF_INET
    case .unix: AF_UNIX
    }
  }

  /// Lends the address in the system's form.
  func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result) throws -> Result {
    switch self {
    case .tcp(let host, let port):
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
        throw SystemCallError(call: "inet_pton \(host)", code: EINVAL)
      }
      return try withUnsafePointer(to: &address) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    case .unix(let path):
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let room = MemoryLayout.size(ofValue: address.sun_path)
      guard path.utf8.count < room else { throw SystemCallError(call: "the socket's path \(path)", code: ENAMETOOLONG) }
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      return try withUnsafePointer(to: &address) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          try body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    }
  }
}
