internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A socket that the supervisor of this process has opened and passed on: systemd's socket activation, as
/// `sd_listen_fds(3)` describes it.
///
/// ```swift
/// let server = try await Server.start(on: try ActivationSocket.take().only(), security: security)
/// ```
///
/// With `Accept=no` it listens; with `Accept=yes` it is one connection, and so is what ``Server`` serves on it.
public struct ActivationSocket: Sendable {
  /// The name that the supervisor gave it: `FileDescriptorName=` of the socket unit, by default the name of the unit;
  /// `unknown` where it gave none.
  public let name: String

  /// The address of this side: TCP or UNIX. A UNIX socket without a path cannot be told from any other by it.
  public let address: Address

  /// Whether it listens; else it is a connection.
  public let isListening: Bool

  let descriptor: CInt

  /// The first descriptor that a supervisor passes.
  private static let firstDescriptor: CInt = 3
  private static let countMax = 1024
  private static let areTaken = NIOLockedValueBox(false)

  /// Takes the sockets that were passed to this process, and keeps commands that it starts from inheriting them.
  ///
  /// The variables `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES` say which they are; those that were meant for
  /// another process count for nothing. They stay as they are. Call it before anything that opens descriptors could
  /// mistake them for its own.
  ///
  /// - Returns: The sockets, in the order of their descriptors; none where no supervisor passed any, and from the second
  ///   call on.
  /// - Throws: ``BokbokError`` with the code `listen` if one of them is no stream socket of TCP or UNIX, or the variables
  ///   make no sense.
  public static func take() throws(BokbokError) -> [ActivationSocket] {
    let variables = ProcessEnvironment.variables
    guard let process = variables["LISTEN_PID"], let count = variables["LISTEN_FDS"] else { return [] }
    guard process == String(getpid()) else { return [] }
    let wereTaken = self.areTaken.withLockedValue { areTaken in
      defer { areTaken = true }
      return areTaken
    }
    guard !wereTaken else { return [] }
    guard let count = Int(count), (0...self.countMax).contains(count) else {
      throw BokbokError(
        .listen,
        "LISTEN_FDS is the number of sockets, 0 to \(self.countMax), but \"\(String(displaying: count))\" was given"
      )
    }
    let names = (variables["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
    let descriptors = (0..<count).map { self.firstDescriptor + CInt($0) }
    // All of them, before one of them is found to be no socket.
    for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    var sockets: [ActivationSocket] = []
    for (index, descriptor) in descriptors.enumerated() {
      let name = index < names.count && !names[index].isEmpty ? String(names[index]) : "unknown"
      sockets.append(try self.check(descriptor, name: name))
    }
    return sockets
  }

  private static func check(_ descriptor: CInt, name: String) throws(BokbokError) -> ActivationSocket {
    guard let type = SocketOptions.integer(SO_TYPE, of: descriptor) else {
      throw self.error(name, descriptor, "is no socket")
    }
    guard type == SocketOptions.streamType else {
      throw self.error(name, descriptor, "is a socket of another type than SOCK_STREAM")
    }
    guard let address = self.address(of: descriptor) else {
      throw self.error(name, descriptor, "is neither a TCP nor a UNIX socket")
    }
    return ActivationSocket(
      name: name,
      address: address,
      isListening: SocketOptions.integer(SO_ACCEPTCONN, of: descriptor) == 1,
      descriptor: descriptor
    )
  }

  private static func address(of descriptor: CInt) -> Address? {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let isKnown = withUnsafeMutableBytes(of: &storage) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &size) == 0 }
    }
    guard isKnown else { return nil }
    let family = CInt(storage.ss_family)
    switch family {
    case AF_INET, AF_INET6:
      return withUnsafeBytes(of: &storage) { bytes -> SocketAddress in
        family == AF_INET
          ? SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self))
          : SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self))
      }.asAddress
    case AF_UNIX:
      let path = withUnsafeBytes(of: &storage) { bytes in
        let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        return String(decoding: bytes[start..<max(start, Int(size))].prefix { $0 != 0 }, as: UTF8.self)
      }
      // One without a path has an abstract name or none.
      return Address(kind: .unix(path: path.isEmpty ? "(without a path)" : path))
    default:
      return nil
    }
  }

  private static func error(_ name: String, _ descriptor: CInt, _ what: String) -> BokbokError {
    BokbokError(
      .listen,
      """
      the supervisor passed descriptor \(descriptor), named \(String(displaying: name)), which \(what), but expected is \
      ListenStream= with a port or a path
      """
    )
  }
}

extension [ActivationSocket] {
  /// The one socket that was passed.
  ///
  /// - Parameter name: Its name, where several may have been passed; nil, the default: there is only one.
  /// - Throws: ``BokbokError`` with the code `listen` if there is none, or more than one.
  public func only(named name: String? = nil) throws(BokbokError) -> ActivationSocket {
    let sockets = self.filter { name == nil || $0.name == name }
    guard let socket = sockets.first, sockets.count == 1 else {
      let names = self.map { String(displaying: $0.name) }.joined(separator: ", ")
      let passed = self.isEmpty ? "none was passed" : "\(self.count) were passed: \(names)"
      throw BokbokError(
        .listen,
        """
        expected is one socket\(name.map { " named \(String(displaying: $0))" } ?? "") from the supervisor, but \
        \(passed); start the server from a socket unit of systemd, or with systemd-socket-activate
        """
      )
    }
    return socket
  }
}
