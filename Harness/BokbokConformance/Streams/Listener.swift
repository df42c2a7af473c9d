internal import Foundation

/// Where the kit waits for a testee that is the client.
final class Listener: PollSource {
  let address: SocketAddress
  private let descriptor: Int32
  private let poller: Poller
  /// Streams that were accepted and that no case has taken.
  private(set) var accepted: [(descriptor: Int32, time: ContinuousClock.Instant)] = []
  private var isClosed = false

  init(_ address: SocketAddress, poller: Poller) throws {
    let descriptor = try SystemCalls.streamSocket(address.family)
    do {
      if case .tcp = address { try SystemCalls.setOption(descriptor, level: SOL_SOCKET, SO_REUSEADDR, 1) }
      try address.withSystemAddress { _ = try SystemCalls.check(bind(descriptor, $0, $1), "bind \(address.text)") }
      _ = try SystemCalls.check(listen(descriptor, 128), "listen")
      try SystemCalls.setNonBlocking(descriptor)
      self.address = try Self.boundAddress(of: descriptor, asked: address)
    } catch {
      Foundation.close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.poller = poller
    poller.add(self)
  }

  deinit {
    close()
  }

  /// Stops waiting, drops what nobody has taken, and removes a socket's file.
  func close() {
    // Twice would close a descriptor that another thread has been given in between.
    guard !isClosed else { return }
    isClosed = true
    poller.remove(self)
    for stream in accepted { Foundation.close(stream.descriptor) }
    accepted = []
    Foundation.close(descriptor)
    if case .unix(let path) = address { unlink(path) }
  }

  /// The first stream that nobody has taken.
  func takeAccepted() -> Int32? {
    accepted.isEmpty ? nil : accepted.removeFirst().descriptor
  }

  var interests: [(descriptor: Int32, events: Int16)] { [(descriptor, Int16(POLLIN))] }

  func handle(_ descriptor: Int32, _ events: Int16) {
    if let stream = SystemCalls.accept(descriptor) { accepted.append((stream, .now)) }
  }

  private static func boundAddress(of descriptor: Int32, asked: SocketAddress) throws -> SocketAddress {
    guard case .tcp(let host, _) = asked else { return asked }
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
    }
    _ = try SystemCalls.check(result, "getsockname")
    return .tcp(host: host, port: UInt16(bigEndian: address.sin_port))
  }
}

extension SocketAddress {
  /// A stream to this address. On loopback a connection stands at once or is refused at once.
  func connectedDescriptor(receiveBufferByteCount: Int32? = nil) throws -> Int32 {
    let descriptor = try SystemCalls.streamSocket(family)
    do {
      if let receiveBufferByteCount {
        try SystemCalls.setOption(descriptor, level: SOL_SOCKET, SO_RCVBUF, receiveBufferByteCount)
      }
      try withSystemAddress { _ = try SystemCalls.check(connect(descriptor, $0, $1), "connect \(text)") }
      try configure(descriptor)
    } catch {
      Foundation.close(descriptor)
      throw error
    }
    return descriptor
  }

  /// Makes what the kit writes leave at once, in the pieces in which it was written.
  func configure(_ descriptor: Int32) throws {
    if case .tcp = self { try SystemCalls.setOption(descriptor, level: Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
  }
}
