import NIOCore
import Testing

@testable import Bokbok

/// The size of the buffer that a stream is read into.
@Suite struct ReceiveBufferSizeTests {
  @Test func anIdleStreamCostsLittle() {
    var size = ReceiveBufferSize()
    #expect(size.nextBufferSize() == 256)
    // Answers come and go one at a time.
    for _ in 0..<10 { _ = size.record(actualReadBytes: 100) }
    #expect(size.nextBufferSize() == 256)
  }

  @Test func itGrowsWithReadsThatFillIt() {
    var size = ReceiveBufferSize()
    let hasGrown = size.record(actualReadBytes: 256)
    #expect(hasGrown)
    #expect(size.nextBufferSize() == 2048)
    while let next = size.nextBufferSize(), size.record(actualReadBytes: next) {}
    #expect(size.nextBufferSize() == 262_144)
  }

  @Test func twoSmallReadsInARowShrinkIt() {
    var size = ReceiveBufferSize()
    _ = size.record(actualReadBytes: 256)
    _ = size.record(actualReadBytes: 10)
    _ = size.record(actualReadBytes: 2000)
    _ = size.record(actualReadBytes: 10)
    #expect(size.nextBufferSize() == 2048)
    _ = size.record(actualReadBytes: 10)
    #expect(size.nextBufferSize() == 1024)
    for _ in 0..<10 { _ = size.record(actualReadBytes: 10) }
    #expect(size.nextBufferSize() == 256)
  }
}
