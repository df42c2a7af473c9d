import DequeModule
import NIOCore

/// The bytes of a message of more than one frame, before it is cut into fragments. Long atoms stand here as they are in
/// the value: they are copied once, into the records they go out in.
struct EncodedMessage {
  private var pieces: Deque<ByteBuffer> = []
  /// What has not been taken, in bytes.
  private(set) var byteCount: Int

  /// - Parameter byteCount: what `Value.encodedByteCount()` has given.
  init(_ value: Value, byteCount: Int) {
    self.byteCount = byteCount
    value.encode { pieces.append($0) }
  }

  /// Takes the next bytes, of which there are so many at least, and copies them to the position.
  mutating func take(_ count: Int, to position: UnsafeMutableRawPointer) {
    var position = position
    var missing = count
    while missing > 0, var piece = pieces.popFirst() {
      let taken = min(missing, piece.readableBytes)
      piece.withUnsafeReadableBytes { bytes in
        if let source = bytes.baseAddress { position.copyMemory(from: source, byteCount: taken) }
      }
      position += taken
      missing -= taken
      piece.moveReaderIndex(forwardBy: taken)
      if piece.readableBytes > 0 { pieces.prepend(piece) }
    }
    byteCount -= count - missing
  }

  /// All bytes in one buffer.
  consuming func joined() -> ByteBuffer {
    var message = ByteBufferAllocator().buffer(capacity: byteCount)
    for piece in pieces { message.writeImmutableBuffer(piece) }
    return message
  }
}
