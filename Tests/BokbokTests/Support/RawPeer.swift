import Bokbok
import BokbokCore
import NIOConcurrencyHelpers
import NIOCore
import Testing

/// A client that a test plays by hand on a plain connection, frame by frame.
final class RawPeer: Sendable {
  let stream: RawStream
  private let received = NIOLockedValueBox<[Frame]>([])

  init(stream: RawStream) {
    self.stream = stream
  }

  static let preamble: [UInt8] = Array("BOKBOK".utf8) + [1, 0]

  /// Connects and opens the connection: preambles and SETTINGS both ways.
  static func open(_ server: Server) async throws -> RawPeer {
    let peer = RawPeer(stream: try await RawStream.connect(to: server.address))
    try await peer.stream.send(self.preamble + self.record([self.frame(.settings, body: Value.list([]))]))
    let preamble = try await peer.stream.receive(8)
    try #require(preamble == self.preamble)
    _ = try await peer.receive(.settings)
    return peer
  }

  static func frame(_ kind: FrameKind, exchange: ExchangeID = 0, body: Value) throws -> Frame {
    Frame(kind, exchange: exchange, body: try body.encoded())
  }

  static func ping(_ number: UInt64) -> Frame {
    Frame(.ping, body: ByteBuffer(integer: number))
  }

  static func record(_ frames: [Frame]) -> [UInt8] {
    var content = ByteBuffer()
    for frame in frames { frame.write(into: &content) }
    var bytes = ByteBuffer()
    Record.write(content, into: &bytes)
    return Array(bytes.readableBytesView)
  }

  func send(_ frames: Frame...) async throws {
    try await self.stream.send(Self.record(frames))
  }

  /// The next frame, which has to be of this kind.
  func receive(_ kind: FrameKind) async throws -> Frame {
    let frame = try #require(try await self.receive(), "the stream ended before a \(kind.name)")
    try #require(frame.kind == kind)
    return frame
  }

  /// The next frame; nil at the end of the stream.
  func receive() async throws -> Frame? {
    while self.received.withLockedValue({ $0.isEmpty }) {
      let frames = try await self.receiveRecord()
      if frames.isEmpty { return nil }
      self.received.withLockedValue { $0 += frames }
    }
    return self.received.withLockedValue { $0.removeFirst() }
  }

  /// The frames of the next record; none at the end of the stream.
  func receiveRecord() async throws -> [Frame] {
    let header = try await self.stream.receive(2)
    guard header.count == 2 else { return [] }
    let content = try await self.stream.receive(Int(header[0]) << 8 | Int(header[1]))
    var buffer = ByteBuffer(bytes: content)
    var frames: [Frame] = []
    while let frame = try Frame.read(from: &buffer) { frames.append(frame) }
    return frames
  }
}
