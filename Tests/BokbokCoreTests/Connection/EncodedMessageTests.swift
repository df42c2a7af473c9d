import BokbokTestSupport
import NIOCore
import Testing

@testable import BokbokCore

/// Messages of more than one frame, before they are cut.
@Suite struct EncodedMessageTests {
  private static func atom(_ byteCount: Int) -> Value {
    Value(bytes: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) })
  }

  static let values: [Value] = [
    atom(0), atom(16_383), atom(16_384), atom(200_000),
    .list([atom(3), atom(100_000), atom(1), atom(70_000)]),
    .list([atom(100_000)]),
    .list([.list([atom(100_000), atom(5)]), atom(20_000), .list([])]),
    .list(Array(repeating: atom(7), count: 9000)),
  ]

  @Test(.clauses("V-5.a"), arguments: values, [1, 1000, 65_000])
  func thePiecesAreTheEncoding(value: Value, step: Int) throws {
    let expected = try value.encoded()
    var message = EncodedMessage(value, byteCount: expected.readableBytes)
    #expect(message.byteCount == expected.readableBytes)
    var taken: [UInt8] = []
    // The first few steps and then the rest, so that steps of one byte do not take long.
    for _ in 0..<40 where message.byteCount > 0 { taken += Self.take(min(step, message.byteCount), from: &message) }
    taken += Self.take(message.byteCount, from: &message)
    #expect(message.byteCount == 0)
    #expect(taken == Array(expected.readableBytesView))
    #expect(EncodedMessage(value, byteCount: expected.readableBytes).joined() == expected)
  }

  private static func take(_ count: Int, from message: inout EncodedMessage) -> [UInt8] {
    Array(unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress { message.take(count, to: UnsafeMutableRawPointer(base)) }
      initialized = count
    }
  }

  @Test func aLongAtomIsNotCopied() {
    let bytes = ByteBuffer(repeating: 7, count: 100_000)
    func address(_ buffer: ByteBuffer) -> Int { buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) } }
    var addresses: [Int] = []
    Value.list([.atom(bytes), .atom(bytes)]).encode { addresses.append(address($0)) }
    #expect(addresses.filter { $0 == address(bytes) }.count == 2)
  }
}
