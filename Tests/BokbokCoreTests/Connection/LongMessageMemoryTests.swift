import BokbokTestSupport
import NIOCore
import Testing

@testable import BokbokCore

/// The memory of long messages: where they come, and where they go out.
@Suite struct LongMessageMemoryTests {
  private static func bytes(_ byteCount: Int) -> ByteBuffer {
    ByteBuffer(bytes: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) })
  }

  @Test(.clauses("R-5.a", "R-5.b"))
  func aMessageOfMebibytesIsJoinedAndHoldsNoMoreThanTwiceWhatHasCome() {
    let message = Self.bytes(9 << 20)
    var joined = ByteBuffer()
    for part in message.parts(byteCount: 65_000) {
      joined.appendFragment(part)
      #expect(joined.storageCapacity <= 2 * joined.readableBytes + 65_536)
    }
    #expect(joined == message)
  }

  /// What a queue gives for a long message, with single frames between its fragments.
  private static func output(of value: Value, keeping keep: (ByteBuffer) -> Void) throws {
    var protection = RecordProtection.plain
    var queue = OutputQueue(isSealed: false)
    queue.partialBytesMax = .max
    let message = EncodedMessage(value, byteCount: try value.encodedByteCount())
    queue.appendLong(.request, exchange: 1, message: message)
    while let bytes = try queue.take(byteCountMax: 65_536, protection: &protection, finished: { _ in }) {
      keep(bytes)
      if queue.byteCount > 0 { queue.append(.cancel, exchange: 2, body: ByteBuffer()) }
    }
  }

  private static func joinedRequest(in outputs: [ByteBuffer]) throws -> ByteBuffer {
    var protection = RecordProtection.plain
    var input = InputRecords(ByteBuffer(), protection: &protection)
    var joined = ByteBuffer()
    for bytes in outputs {
      input.receive(bytes, protection: &protection)
      while let frame = try input.nextFrame(tagByteCount: 0) {
        guard frame.kind == .request else { continue }
        joined.writeImmutableBuffer(frame.body)
      }
    }
    return joined
  }

  @Test(.clauses("X-4.a"))
  func memoryThatServesAgainChangesNothingThatIsStillToBeWritten() throws {
    let value = Value.atom(Self.bytes(1 << 20))
    var kept: [ByteBuffer] = []
    var copies: [ByteBuffer] = []
    try Self.output(of: value) { bytes in
      kept.append(bytes)
      copies.append(ByteBuffer(bytes: bytes.readableBytesView))
    }
    #expect(kept.count > 8)
    #expect(kept == copies)
    let single = ByteBuffer(bytes: kept.flatMap(\.readableBytesView))
    // Where nothing is kept, the memory does serve again.
    var streamed = ByteBuffer()
    try Self.output(of: value) { streamed.writeImmutableBuffer($0) }
    #expect(streamed == single)
    #expect(try Self.joinedRequest(in: kept) == value.encoded())
  }
}
