import BokbokCore
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Bokbok

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The end of a stream that a test plays by hand, byte by byte. Everything that blocks runs on threads of its own.
final class RawStream: Sendable {
  private let descriptor: CInt

  private static let threads: NIOThreadPool = {
    let threads = NIOThreadPool(numberOfThreads: 24)
    threads.start()
    return threads
  }()

  /// Longest wait for bytes: only failing tests wait so long.
  private static let patienceSeconds = 120

  private init(descriptor: CInt) {
    self.descriptor = descriptor
  }

  convenience init(accepted descriptor: CInt) {
    self.init(descriptor: descriptor)
    self.setPatience()
  }

  deinit {
    _ = close(self.descriptor)
  }

  static func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await self.threads.runIfActive(body)
  }

  // MARK: Connecting

  static func connect(to address: Address) async throws -> RawStream {
    let stream = try self.unconnected(for: address)
    try await stream.connect(to: address)
    return stream
  }

  static func unconnected(for address: Address) throws -> RawStream {
    let family = try self.socketAddress(address).protocol
    let stream = RawStream(descriptor: socket(family.cInt, CInt(SOCK_STREAM.rawValue), 0))
    stream.setPatience()
    return stream
  }

  func connect(to address: Address) async throws {
    let socketAddress = try Self.socketAddress(address)
    try await Self.blocking {
      _ = try self.check(
        socketAddress.withSockAddr { Glibc.connect(self.descriptor, $0, socklen_t($1)) },
        "connect"
      )
    }
  }

  private static func socketAddress(_ address: Address) throws -> SocketAddress {
    switch address.kind {
    case .tcp(let host, let port): try SocketAddress(ipAddress: host, port: port)
    case .unix(let path): try SocketAddress(unixDomainSocketPath: path)
    default: throw RawStreamError(what: "address", errorNumber: EINVAL)
    }
  }

  private func setPatience() {
    var patience = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
    setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
  }

  @discardableResult
  private func check<Number: SignedInteger>(_ result: Number, _ what: String) throws -> Number {
    guard result >= 0 else { throw RawStreamError(what: what, errorNumber: errno) }
    return result
  }

  // MARK: Sending

  func send(_ bytes: [UInt8]) async throws {
    try await Self.blocking {
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = try self.check(
          rest.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) },
          "send"
        )
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Sends until the other side takes no more for so long, or all is sent.
  ///
  /// - Returns: How many bytes went out.
  func sendUntilStuck(_ bytes: [UInt8], patienceMilliseconds: CInt) async throws -> Int {
    try await Self.blocking {
      var sent = 0
      while sent < bytes.count {
        var wanted = pollfd(fd: self.descriptor, events: CShort(POLLOUT), revents: 0)
        guard poll(&wanted, 1, patienceMilliseconds) > 0 else { break }
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        let count = bytes[sent...].withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress, $0.count, flags) }
        if count < 0, errno == EAGAIN { continue }
        sent += try self.check(count, "send")
      }
      return sent
    }
  }

  func endOutput() {
    _ = shutdown(self.descriptor, CInt(SHUT_WR))
  }

  /// Makes the kernel's buffer for what has arrived as small as it can be.
  func shrinkReceiveBuffer() {
    var byteCount: CInt = 4096
    setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &byteCount, socklen_t(MemoryLayout<CInt>.size))
  }

  /// Closes with a reset, as a process that died with unread input would.
  func reset() {
    var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
    setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    _ = shutdown(self.descriptor, CInt(SHUT_RDWR))
  }

  // MARK: Receiving

  /// Waits until there is something to read, the end included.
  ///
  /// - Returns: Whether that came in time.
  func waitForInput(milliseconds: CInt) async throws -> Bool {
    try await Self.blocking {
      var wanted = pollfd(fd: self.descriptor, events: CShort(POLLIN), revents: 0)
      return poll(&wanted, 1, milliseconds) > 0
    }
  }

  /// Waits for exactly so many bytes; fewer when the end comes first.
  func receive(_ count: Int) async throws -> [UInt8] {
    try await Self.blocking { try self.receiveNow(count) }
  }

  /// Waits for the end of the stream; a reset counts as one.
  func receiveToEnd() async throws -> [UInt8] {
    try await Self.blocking { try self.receiveNow(.max) }
  }

  private func receiveNow(_ count: Int) throws -> [UInt8] {
    var received: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while received.count < count {
      let wanted = min(chunk.count, count - received.count)
      let got = chunk.withUnsafeMutableBytes { recv(self.descriptor, $0.baseAddress, wanted, 0) }
      if got == 0 || (got < 0 && errno == ECONNRESET) { break }
      received += chunk[..<(try self.check(got, "recv"))]
    }
    return received
  }
}

struct RawStreamError: Error, CustomStringConvertible {
  let what: String
  let errorNumber: CInt

  var description: String { "\(self.what): \(String(cString: strerror(self.errorNumber)))" }
}

extension NIOBSDSocket.ProtocolFamily {
  fileprivate var cInt: CInt { self.rawValue }
}

/// A listener that a test plays by hand.
final class RawListener: Sendable {
  let address: Address
  private let descriptor: CInt
  private let isOpen = Atomic<Bool>(true)

  private init(address: Address, descriptor: CInt) {
    self.address = address
    self.descriptor = descriptor
  }

  deinit {
    self.stop()
  }

  /// Takes a port and, unless told otherwise, listens on it. Processes that other tests start must not inherit it.
  static func start(listens: Bool = true) async throws -> RawListener {
    try await RawStream.blocking {
      let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
      let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
      let isBound = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) } == 0
      // A sockaddr_in: family, then the port in network order.
      var bound = [UInt8](repeating: 0, count: 16)
      var size = socklen_t(bound.count)
      let isKnown = bound.withUnsafeMutableBytes { bytes in
        bytes.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &size) } == 0
      }
      guard isBound, isKnown, !listens || listen(descriptor, 16) == 0 else {
        throw RawStreamError(what: "listen", errorNumber: errno)
      }
      return RawListener(
        address: try .tcp(host: "127.0.0.1", port: Int(bound[2]) << 8 | Int(bound[3])),
        descriptor: descriptor
      )
    }
  }

  func accept() async throws -> RawStream {
    try await RawStream.blocking {
      let accepted = Glibc.accept(self.descriptor, nil, nil)
      guard accepted >= 0 else { throw RawStreamError(what: "accept", errorNumber: errno) }
      return RawStream(accepted: accepted)
    }
  }

  func stop() {
    // Once only: the number may be another's by then.
    if self.isOpen.exchange(false, ordering: .relaxed) { _ = close(self.descriptor) }
  }
}
