import BokbokCore
import BokbokTestSupport
import Foundation
import NIOCore
import Testing

@testable import Bokbok

/// Servers on `stdio:` whose standard input and output are what a test makes them.
@Suite struct StandardStreamTests {
  /// Two sockets that are joined.
  private static func socketPair() throws -> (one: FileHandle, other: CInt) {
    var ends: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (FileHandle(fileDescriptor: ends[0], closeOnDealloc: true), ends[1])
  }

  private static func isNonBlocking(_ handle: FileHandle) -> Bool {
    fcntl(handle.fileDescriptor, F_GETFL) & O_NONBLOCK != 0
  }

  /// Says the preamble and SETTINGS on a stream, and waits for those of the server.
  private static func open(sending output: RawStream, receiving input: RawStream) async throws -> RawPeer {
    let settings = try RawPeer.record([RawPeer.frame(.settings, body: .list([]))])
    try await output.send(RawPeer.preamble + settings)
    #expect(try await input.receive(8) == RawPeer.preamble)
    let peer = RawPeer(stream: input)
    _ = try await peer.receive(.settings)
    return peer
  }

  @Test(
    "A server on one socket or two serves one connection, ends when the client vanishes, and gives their modes back",
    .clauses("A-2.a", "A-2.b", "A-2.c"),
    arguments: [1, 2]
  )
  func vanishing(sockets: Int) async throws {
    let (one, oneEnd) = try Self.socketPair()
    let (two, twoEnd) = try Self.socketPair()
    let server = try TestProcess(
      TestCommand.server,
      ["plain"],
      input: one,
      output: sockets == 1 ? one : two
    )
    let sending = RawStream(accepted: oneEnd)
    var receiving: RawStream? = RawStream(accepted: twoEnd)
    if sockets == 1 { receiving = sending }
    _ = try await Self.open(sending: sending, receiving: try #require(receiving))
    // The description is shared: the test sees the mode that the server set.
    #expect(Self.isNonBlocking(one))
    receiving = nil
    sending.endOutput()
    try await server.line(containing: "the connection has ended: lost")
    #expect(await server.waitForEnd() == 0)
    #expect(!Self.isNonBlocking(one))
    #expect(!Self.isNonBlocking(two))
  }

  @Test("A server that exits in the middle gives the modes of shared descriptors back")
  func exiting() async throws {
    let (one, end) = try Self.socketPair()
    let server = try TestProcess(TestCommand.server, ["plain"], input: one, output: one)
    let stream = RawStream(accepted: end)
    let peer = try await Self.open(sending: stream, receiving: stream)
    try await peer.send(try RawPeer.frame(.request, exchange: 1, body: ["exit", 5]))
    #expect(await server.waitForEnd() == 5)
    #expect(!Self.isNonBlocking(one))
  }

  @Test("Pipes that are shared are opened once more, so that their mode never changes", .clauses("A-2.b"))
  func pipes() async throws {
    let (input, output) = (Pipe(), Pipe())
    let server = try TestProcess(
      TestCommand.server,
      ["plain"],
      input: input.fileHandleForReading,
      output: output.fileHandleForWriting
    )
    let settings = try RawPeer.record([RawPeer.frame(.settings, body: .list([]))])
    try input.fileHandleForWriting.write(contentsOf: Data(RawPeer.preamble + settings))
    let handle = output.fileHandleForReading
    let preamble = try await RawStream.blocking { try handle.read(upToCount: 8) }
    #expect(preamble.map(Array.init) == RawPeer.preamble)
    #if os(Linux)
    #expect(!Self.isNonBlocking(input.fileHandleForReading))
    #expect(!Self.isNonBlocking(output.fileHandleForWriting))
    #endif
    try input.fileHandleForWriting.close()
    #expect(await server.waitForEnd() == 0)
  }

  @Test(
    "Standard input or output that is no stream is a clear error",
    arguments: ["a regular file", "a device", "a terminal", "a directory", "a socket that listens"]
  )
  func refused(kind: String) async throws {
    // The shell sets descriptors that Foundation cannot.
    let redirection =
      switch kind {
      case "a regular file": "</proc/self/status"
      case "a device": "</dev/null"
      case "a directory": "</"
      default: ""
      }
    var input = FileHandle.nullDevice
    var other: CInt = -1
    if kind == "a terminal" {
      var terminal: CInt = -1
      try #require(openpty(&other, &terminal, nil, nil, nil) == 0)
      input = FileHandle(fileDescriptor: terminal, closeOnDealloc: true)
    }
    if kind == "a socket that listens" {
      let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
      try #require(listen(descriptor, 1) == 0)
      input = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
    let output = Pipe()
    let server = try TestProcess(
      "/bin/sh",
      ["-c", "exec \"$0\" plain \(redirection)", TestCommand.server],
      input: input,
      output: output.fileHandleForWriting
    )
    let line = try #require(try await server.nextLine())
    #expect(line.contains("standard input is \(kind)"), "\(line)")
    #expect(await server.waitForEnd() == 2)
    try output.fileHandleForWriting.close()
    #expect(try output.fileHandleForReading.readToEnd() ?? Data() == Data())
    if other >= 0 { close(other) }
  }
}
