import NIOCore

/// Cuts the stream into records, opens them, and gives the frames in them.
///
/// All whole records of one read are opened in place before the first frame is sliced from it: slicing first would make
/// the opening copy the whole read.
struct InputRecords {
  enum Failure: Error, Equatable {
    /// In memory of its own, which few connections need.
    indirect case violation(Violation)
    /// A record that does not authenticate.
    case tampered
    case counterExhausted
  }

  private(set) var stream: ByteBuffer
  /// Whether `stream` is a buffer made here, of which there are no slices.
  private var isAlone = false
  /// The content of a record that came in more than one read; it comes before those in `stream`.
  private var completed: ByteBuffer?
  /// Up to where `stream`, from its beginning, is whole records that have been opened.
  private var openedEnd = 0
  /// What follows the opened records cannot be taken.
  private var failure: Failure?
  /// What is left of the record at hand.
  private var record = ByteBuffer()
  private var isInRecord = false
  private var hasFrame = false

  /// Records that have come whole; the driver's statistics and keepalive count them (P-3).
  private(set) var recordCount: UInt64 = 0

  /// Starts with what came after the opening's last byte.
  init(_ bytes: ByteBuffer, protection: inout RecordProtection) {
    stream = ByteBuffer()
    receive(bytes, protection: &protection)
  }

  /// Takes what a read gave.
  mutating func receive(_ bytes: consuming ByteBuffer, protection: inout RecordProtection) {
    guard failure == nil else { return }
    if stream.readableBytes == 0 {
      begin(with: bytes)
    } else if completed != nil || hasOpened {
      stream.writeImmutableBuffer(bytes)
    } else {
      var bytes = bytes
      continueRecord(with: &bytes)
      openRecords(protection: &protection)
      let tagByteCount = protection.isSealed ? CipherState.tagByteCount : 0
      guard bytes.readableBytes > 0, failure == nil, let content = nextContent(tagByteCount: tagByteCount) else {
        return
      }
      // What follows it stays where it was read.
      completed = content
      begin(with: bytes)
    }
    openRecords(protection: &protection)
  }

  private mutating func begin(with bytes: ByteBuffer) {
    stream = bytes
    isAlone = false
    openedEnd = bytes.readerIndex
  }

  private var hasOpened: Bool { openedEnd > stream.readerIndex }

  /// The content of the first of the opened records, which is taken from the stream.
  private mutating func nextContent(tagByteCount: Int) -> ByteBuffer? {
    guard hasOpened, let count = stream.readInteger(as: UInt16.self),
      let content = stream.readSlice(length: Int(count) - tagByteCount)
    else { return nil }
    stream.moveReaderIndex(forwardBy: tagByteCount)
    return content
  }

  /// Adds to the record that has begun in `stream` what it still lacks, and copies no other bytes.
  private mutating func continueRecord(with bytes: inout ByteBuffer) {
    if !isAlone { moveStream() }
    while bytes.readableBytes > 0 {
      let header = stream.getInteger(at: stream.readerIndex, as: UInt16.self)
      let wanted = Record.headerByteCount + (header.map { Int($0) } ?? 0)
      let missing = min(wanted - stream.readableBytes, bytes.readableBytes)
      guard missing > 0, let piece = bytes.readSlice(length: missing) else { return }
      stream.writeImmutableBuffer(piece)
    }
  }

  /// The part of a record that has come moves to a buffer of its own, away from the read that it came in and from slices
  /// in use. What comes after it is appended there. Its size follows what has come, not what the record announces.
  private mutating func moveStream() {
    let announced = stream.getInteger(at: stream.readerIndex, as: UInt16.self).map { Int($0) } ?? 0
    let capacity = min(Record.headerByteCount + announced, 4 * stream.readableBytes)
    var moved = ByteBufferAllocator().buffer(capacity: max(capacity, stream.readableBytes))
    moved.writeImmutableBuffer(stream)
    begin(with: moved)
    isAlone = true
  }

  /// a part of a record does not keep the read that it came in, so that the next read can use its memory.
  private mutating func shrinkStream() {
    if stream.readableBytes == 0 {
      begin(with: ByteBuffer())
    } else if !isAlone {
      moveStream()
    }
  }

  private mutating func openRecords(protection: inout RecordProtection) {
    let isSealed = protection.isSealed
    while let header = stream.getInteger(at: openedEnd, as: UInt16.self) {
      let count = Int(header)
      // too short for a tag is tampering, and need not have come whole.
      if isSealed, count < CipherState.tagByteCount {
        failure = .tampered
        return
      }
      if count == 0 {
        failure = .violation(Violation("R-1", "a record of length 0"))
        return
      }
      let start = openedEnd + Record.headerByteCount
      guard stream.writerIndex - start >= count else { return }
      do throws(CipherError) {
        try protection.open(&stream, at: start, count: count)
      } catch {
        failure = error == .counterExhausted ? .counterExhausted : .tampered
        return
      }
      recordCount += 1
      openedEnd = start + count
    }
  }

  /// The next frame; nil when nothing whole is left.
  mutating func nextFrame(tagByteCount: Int) throws(Failure) -> Frame? {
    while true {
      if isInRecord {
        do throws(Violation) {
          if let frame = try Frame.read(from: &record) {
            hasFrame = true
            return frame
          }
        } catch {
          throw .violation(error)
        }
        isInRecord = false
        record = ByteBuffer()
        guard hasFrame else { throw .violation(Violation("F-1", "a record with no frame in it")) }
      }
      if let content = completed.take() {
        record = content
        isInRecord = true
        hasFrame = false
        continue
      }
      guard let content = nextContent(tagByteCount: tagByteCount) else {
        shrinkStream()
        if let failure { throw failure }
        return nil
      }
      record = content
      isAlone = false
      isInRecord = true
      hasFrame = false
    }
  }
}
