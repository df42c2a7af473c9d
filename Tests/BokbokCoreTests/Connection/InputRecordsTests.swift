import BokbokTestSupport
import NIOCore
import Testing

@testable import BokbokCore

/// What is held of records that have not come whole.
@Suite struct InputRecordsTests {
  private static func record(bodyByteCount: Int) -> ByteBuffer {
    var content = ByteBuffer()
    Frame.request(1, bytes: ByteBuffer(repeating: 0x61, count: bodyByteCount), more: true).write(into: &content)
    var record = ByteBuffer()
    Record.write(content, into: &record)
    return record
  }

  private static func address(_ buffer: ByteBuffer) -> Int {
    buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
  }

  @Test(.clauses("R-5.a", "R-5.b"))
  func aRecordThatComesByteByByteIsNotCopiedForEachByte() throws {
    var protection = RecordProtection.plain
    var input = InputRecords(ByteBuffer(), protection: &protection)
    let record = Self.record(bodyByteCount: 65_000)
    var moveCount = 0
    var address = 0
    for piece in record.parts(byteCount: 1).dropLast() {
      input.receive(piece, protection: &protection)
      #expect(try input.nextFrame(tagByteCount: 0) == nil)
      let next = Self.address(input.stream)
      if next != address { moveCount += 1 }
      address = next
    }
    // It moves only when its room doubles.
    #expect(moveCount < 40)
    #expect(input.stream.storageCapacity <= 2 * record.readableBytes)
    input.receive(ByteBuffer(repeating: 0x61, count: 1), protection: &protection)
    #expect(try input.nextFrame(tagByteCount: 0)?.body.readableBytes == 65_000)
  }

  @Test(.clauses("R-5.b"), arguments: [1, 2, 3, 1000, 60_000, 65_536, 70_000, 200_000])
  func recordsComeInTheirOrderHoweverReadsCutThem(_ byteCount: Int) throws {
    var protection = RecordProtection.plain
    var input = InputRecords(ByteBuffer(), protection: &protection)
    let bodyByteCounts = [1, 65_000, 2000, 5, 60_000, 65_000, 1]
    var all = ByteBuffer()
    for count in bodyByteCounts { all.writeImmutableBuffer(Self.record(bodyByteCount: count)) }
    var found: [Int] = []
    // Frames are taken after each second read only: the others wait.
    for (index, piece) in all.parts(byteCount: byteCount).enumerated() {
      input.receive(piece, protection: &protection)
      guard index.isMultiple(of: 2) else { continue }
      while let frame = try input.nextFrame(tagByteCount: 0) { found.append(frame.body.readableBytes) }
    }
    while let frame = try input.nextFrame(tagByteCount: 0) { found.append(frame.body.readableBytes) }
    #expect(found == bodyByteCounts)
    #expect(input.recordCount == UInt64(bodyByteCounts.count))
  }

  @Test(.clauses("R-5.b"))
  func onlyTheRecordThatAReadCutsIsCopied() throws {
    var protection = RecordProtection.plain
    var input = InputRecords(ByteBuffer(), protection: &protection)
    let first = Self.record(bodyByteCount: 60_000)
    input.receive(first.parts(byteCount: 50_000)[0], protection: &protection)
    #expect(try input.nextFrame(tagByteCount: 0) == nil)
    var read = first.parts(byteCount: 50_000)[1]
    read.writeImmutableBuffer(Self.record(bodyByteCount: 40_000))
    let readAddress = Self.address(read)
    input.receive(read, protection: &protection)
    #expect(try input.nextFrame(tagByteCount: 0)?.body.readableBytes == 60_000)
    let second = try #require(try input.nextFrame(tagByteCount: 0))
    #expect((readAddress..<readAddress + read.readableBytes).contains(Self.address(second.body)))
  }

  @Test(.clauses("R-5.a"))
  func nothingIsReservedForAnAnnouncedLength() throws {
    var protection = RecordProtection.plain
    var input = InputRecords(ByteBuffer(), protection: &protection)
    for byte in [UInt8(0xFF), 0xFF, 1] {
      input.receive(ByteBuffer(bytes: [byte]), protection: &protection)
      #expect(try input.nextFrame(tagByteCount: 0) == nil)
    }
    #expect(input.stream.storageCapacity < 1024)
  }

  @Test(.clauses("R-5.c"), arguments: [1, 2, 1000])
  func theBeginningOfARecordDoesNotKeepTheReadItCameIn(_ byteCount: Int) throws {
    var protection = RecordProtection.plain
    var input = InputRecords(ByteBuffer(), protection: &protection)
    var read = Self.record(bodyByteCount: 60_000)
    let next = Self.record(bodyByteCount: 2000)
    read.writeImmutableBuffer(next.parts(byteCount: byteCount)[0])
    input.receive(read, protection: &protection)
    #expect(try input.nextFrame(tagByteCount: 0)?.body.readableBytes == 60_000)
    #expect(try input.nextFrame(tagByteCount: 0) == nil)
    #expect(input.stream.readableBytes == byteCount)
    #expect(input.stream.storageCapacity <= 4 * byteCount + 4096)
    // What was kept is still the beginning of the next record.
    let rest = try #require(next.getSlice(at: byteCount, length: next.readableBytes - byteCount))
    input.receive(rest, protection: &protection)
    #expect(try input.nextFrame(tagByteCount: 0)?.body.readableBytes == 2000)
  }

  @Test(.clauses("R-5.c"))
  func nothingIsKeptOnceEverythingHasBeenTaken() throws {
    var protection = RecordProtection.plain
    var input = InputRecords(ByteBuffer(), protection: &protection)
    input.receive(Self.record(bodyByteCount: 60_000), protection: &protection)
    #expect(try input.nextFrame(tagByteCount: 0) != nil)
    #expect(try input.nextFrame(tagByteCount: 0) == nil)
    #expect(input.stream.storageCapacity == 0)
  }
}
