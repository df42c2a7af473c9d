import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Frames as bytes.
@Suite struct FrameTests {
  private static let frames: [Frame] = [
    .settings([]), .request(1, ["a"]), .request(.max, bytes: ByteBuffer(string: "("), more: true),
    .request(7, bytes: ByteBuffer(), more: false), .response(2, "x"),
    .response(2, bytes: ByteBuffer(string: "x"), more: true), .error(3, "code"), .cancel(4), .ping(5), .pong(.max),
    .close(),
  ]

  @Test(.clauses("F-1.a", "F-1.b"), arguments: frames)
  func aFrameIsReadAsItWasWritten(_ frame: Frame) throws {
    var bytes = ByteBuffer()
    frame.write(into: &bytes)
    #expect(bytes.readableBytes == Frame.headerByteCount + frame.body.readableBytes)
    #expect(try Frame.read(from: &bytes) == frame)
    #expect(try Frame.read(from: &bytes) == nil)
  }

  @Test(.clauses("F-1.a"))
  func theHeaderIsKindFlagsLengthAndId() {
    var bytes = ByteBuffer()
    Frame(.response, exchange: 0x0102_0304, hasMore: true, body: ByteBuffer(string: "ab")).write(into: &bytes)
    #expect(Array(bytes.readableBytesView) == [2, 1, 0, 2, 1, 2, 3, 4, 0x61, 0x62])
  }

  @Test(.clauses("R-2.b"))
  func framesAreReadInTheirOrder() throws {
    var bytes = ByteBuffer()
    for frame in Self.frames { frame.write(into: &bytes) }
    var read: [Frame] = []
    while let frame = try Frame.read(from: &bytes) { read.append(frame) }
    #expect(read == Self.frames)
  }

  @Test(.clauses("F-1.d"), arguments: frames)
  func aRecordThatEndsInsideAHeaderIsAViolation(_ frame: Frame) {
    var bytes = ByteBuffer()
    frame.write(into: &bytes)
    for count in 1..<Frame.headerByteCount {
      var cut = bytes.getSlice(at: 0, length: count) ?? ByteBuffer()
      #expect(throws: Violation.self) { try Frame.read(from: &cut) }
    }
  }

  @Test(.clauses("F-1.e"), arguments: frames.filter { $0.body.readableBytes > 0 })
  func aRecordThatEndsInsideABodyIsAViolation(_ frame: Frame) {
    var bytes = ByteBuffer()
    frame.write(into: &bytes)
    for count in Frame.headerByteCount..<bytes.readableBytes {
      var cut = bytes.getSlice(at: 0, length: count) ?? ByteBuffer()
      #expect(throws: Violation.self) { try Frame.read(from: &cut) }
    }
  }

  @Test(.clauses("F-1.f"))
  func everyOtherKindIsAViolation() {
    for kind in UInt8(0x08)...0xFF {
      for exchange in [UInt32(0), 1] {
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(kind, UInt8(0), UInt16(0), exchange)
        #expect(throws: Violation.self) { try Frame.read(from: &bytes) }
      }
    }
  }

  @Test(.clauses("F-1.g", "F-1.h"), arguments: FrameKind.allCases)
  func everyOtherFlagIsAViolation(_ kind: FrameKind) throws {
    let good = try #require(Self.frames.first { $0.kind == kind && !$0.hasMore })
    var header = ByteBuffer()
    good.write(into: &header)
    for flags in UInt8(1)...0xFF {
      var bytes = header
      bytes.setInteger(flags, at: 1)
      let isGood = flags == Frame.moreFlag && kind.mayHaveMore
      if isGood {
        #expect(throws: Never.self) { try Frame.read(from: &bytes) }
      } else {
        #expect(throws: Violation.self) { try Frame.read(from: &bytes) }
      }
    }
  }
}
