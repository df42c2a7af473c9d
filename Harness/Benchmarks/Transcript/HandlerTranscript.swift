import Bokbok
import BokbokCore
import NIOCore
import NIOEmbedded

/// The server's channel handler on a channel in memory.
final class HandlerTranscript {
  private let channel = EmbeddedChannel()
  private let batch: Int
  private let requests: ByteBuffer
  private let answers: ByteBuffer

  init(_ handler: RequestHandler, batch: Int) throws {
    self.batch = batch
    self.requests = Self.record(.request, batch: batch)
    self.answers = Self.record(.response, batch: batch)
    try ServedChannel.serve(self.channel, security: .plain, handlers: Handlers(request: handler))
    try self.channel.connect(to: SocketAddress(unixDomainSocketPath: "/none")).wait()

    var opening = ByteBuffer()
    opening.writeBytes(Preamble.magic)
    opening.writeInteger(Preamble.currentVersion)
    opening.writeInteger(Preamble.Mode.plain.rawValue)
    var settings = ByteBuffer()
    Frame(.settings, body: try Settings().value.encoded()).write(into: &settings)
    Record.write(settings, into: &opening)
    try self.channel.writeInbound(opening)
    guard try self.readAll().readableBytes > Preamble.byteCount else { Transcript.fail("the server did not open") }
  }

  /// So many frames in one record.
  private static func record(_ kind: FrameKind, batch: Int) -> ByteBuffer {
    var content = ByteBuffer()
    var body = ByteBuffer()
    Transcript.message.encode(into: &body)
    for exchange in 1...batch {
      Frame(kind, exchange: ExchangeID(exchange), body: body).write(into: &content)
    }
    var record = ByteBuffer()
    Record.write(content, into: &record)
    return record
  }

  private func readAll() throws -> ByteBuffer {
    var all = ByteBuffer()
    while let bytes = try self.channel.readOutbound(as: ByteBuffer.self) {
      if all.readableBytes == 0 { all = bytes } else { all.writeImmutableBuffer(bytes) }
    }
    return all
  }

  func round() throws {
    try self.channel.writeInbound(self.requests)
    guard try self.readAll() == self.answers else { Transcript.fail("other answers than expected") }
  }
}
