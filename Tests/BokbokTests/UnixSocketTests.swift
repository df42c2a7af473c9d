import BokbokTestSupport
import NIOCore
import Testing

@testable import Bokbok

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct UnixSocketTests {
  private func start(_ path: String, mode: UInt32 = 0o600) async throws -> Server {
    var configuration = Configuration.patient
    configuration.unixSocketMode = mode
    return try await Server.start(
      on: try .unix(path: path),
      security: .plain,
      configuration: configuration,
      handlers: Handlers(request: .echo)
    )
  }

  private func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
  }

  /// A socket file on which nothing listens.
  private func makeSocketFile(_ path: String, type: CInt = CInt(SOCK_STREAM.rawValue)) -> CInt {
    let descriptor = socket(AF_UNIX, type, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafeBytes(of: &address) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { bind(descriptor, $0.baseAddress, socklen_t(bytes.count)) }
    }
    return result == 0 ? descriptor : -1
  }

  @Test(
    "The socket has the mode asked for, and the lock 0600",
    .clauses("A-1.c", "A-1.h"),
    arguments: [0o600, 0o666, 0o660]
  )
  func modes(mode: UInt32) async throws {
    let path = TestTransport.newPath()
    let server = try await self.start(path, mode: mode)
    #expect(self.status(path).map { $0.st_mode & 0o777 } == mode)
    #expect(self.status(path + ".lock").map { $0.st_mode & 0o777 } == 0o600)
    await server.stop()
    #expect(self.status(path) == nil)
    #expect(self.status(path + ".lock") != nil)
  }

  @Test("The socket has its mode before it listens", .clauses("A-1.d"), arguments: [0o600, 0o777])
  func modeBeforeListening(mode: UInt32) throws {
    let path = TestTransport.newPath()
    let (file, descriptor) = try UnixSocketFile.create(path: path, mode: mode)
    #expect(self.status(path).map { $0.st_mode & 0o777 } == mode)
    // Bound, and nobody can connect yet.
    let address = try SocketAddress(unixDomainSocketPath: path)
    guard case .dead = UnixSocket.probe(address) else {
      Issue.record("the socket listens already")
      return
    }
    listen(descriptor, 1)
    guard case .alive = UnixSocket.probe(address) else {
      Issue.record("the socket does not listen")
      return
    }
    file.remove()
    #expect(self.status(path) == nil)
    file.unlock()
    close(descriptor)
  }

  @Test("A dead socket file is replaced", .clauses("A-1.e"))
  func deadSocket() async throws {
    let path = TestTransport.newPath()
    let descriptor = self.makeSocketFile(path)
    #expect(descriptor >= 0)
    close(descriptor)
    let server = try await self.start(path)
    let connection = try await Connection.open(server.address, security: .plain, configuration: .patient)
    try await connection.ping()
    await server.stop(.immediate)
  }

  @Test("A socket on which something listens is not removed, nor a file that is none", .clauses("A-1.f"))
  func foreignFiles() async throws {
    let listening = TestTransport.newPath()
    let descriptor = self.makeSocketFile(listening)
    listen(descriptor, 1)
    let alive = await #expect(throws: BokbokError.self) { try await self.start(listening) }
    #expect(alive?.code == .listen)
    #expect(alive?.message.contains("something listens there") == true)
    #expect(self.status(listening) != nil)
    close(descriptor)
    unlink(listening)

    let datagram = TestTransport.newPath()
    let other = self.makeSocketFile(datagram, type: CInt(SOCK_DGRAM.rawValue))
    await #expect(throws: BokbokError(.listen, "")) { try await self.start(datagram) }
    #expect(self.status(datagram) != nil)
    close(other)
    unlink(datagram)

    let file = TestTransport.newPath()
    close(open(file, O_CREAT | O_WRONLY, 0o600))
    let foreign = await #expect(throws: BokbokError.self) { try await self.start(file) }
    #expect(foreign?.code == .listen)
    #expect(foreign?.message.contains("no socket") == true)
    #expect(self.status(file).map { $0.st_mode & S_IFMT == S_IFREG } == true)
    unlink(file)
  }

  @Test("A server removes its own file only", .clauses("A-1.g"))
  func ownFileOnly() async throws {
    let path = TestTransport.newPath()
    let server = try await self.start(path)
    unlink(path)
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    await server.stop()
    #expect(self.status(path) != nil)
    unlink(path)
  }

  @Test("A lock that is held is an error at once; it is free after the stop", .clauses("A-1.h", "A-1.i"))
  func locks() async throws {
    let path = TestTransport.newPath()
    let first = try await self.start(path)
    let error = await #expect(throws: BokbokError.self) { try await self.start(path) }
    #expect(error?.code == .listen)
    #expect(error?.message.contains("\(path).lock") == true)
    // The first is unharmed.
    let connection = try await Connection.open(first.address, security: .plain, configuration: .patient)
    try await connection.ping()
    await first.stop(.immediate)
    let second = try await self.start(path)
    await second.stop(.immediate)
  }

  @Test("A directory that is not there is a clear error")
  func missingDirectory() async throws {
    let error = await #expect(throws: BokbokError.self) { try await self.start("/tmp/no-such-directory/socket") }
    #expect(error?.code == .listen)
    #expect(error?.message.contains("No such file or directory") == true)
  }

  @Test("The process on the other side is known")
  func credentials() async throws {
    let peers = Recorder<PeerCredentials?>()
    let handlers = Handlers(open: { connection in
      peers.record(connection.peerCredentials)
      return .letIn
    })
    for transport in [TestTransport.unix, .tcpVersion4] {
      try await TestLink(transport: transport, protection: .plain).withPair(serverHandlers: handlers) { _, connection in
        #expect((connection.peerCredentials?.processID == getpid()) == (transport == .unix))
      }
    }
    let seen = await peers.wait(count: 2)
    #expect(seen.first??.processID == getpid())
    #expect(seen.first??.userID == getuid())
    #expect(seen.first??.groupID == getgid())
    #expect(seen.last == .some(nil))
  }
}
