import DequeModule
import NIOCore

/// Cuts the stream into records, opens them, and gives the frames in them.
///
/// All whole records of one read are opened in place before the first frame is sliced from it: slicing first would make
/// the opening copy the whole read.
struct InputRecords {
  enum Failure: Error, Equatable {
    case violation(Violation)
    /// A record that does not authenticate.
    case tampered
    case counterExhausted
  }

  private(set) var stream: ByteBuffer
  /// Whether `stream` is a buffer made here, of which there are no slices.
  private var isAlone = false
  /// The content of a record that came in more than one read; it comes before `contents`.
  private var completed: ByteBuffer?
  /// Contents of whole records: where they stand in `stream`, and how long they are.
  private var contents: Deque<(index: Int, count: Int)> = []
  /// What follows the last content in `contents` cannot be taken.
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
      stream = bytes
      isAlone = false
    } else if completed != nil || !contents.isEmpty {
      stream.writeImmutableBuffer(bytes)
    } else {
      var bytes = bytes
      continueRecord(with: &bytes)
      openRecords(protection: &protection)
      guard bytes.readableBytes > 0, failure == nil, let content = contents.popFirst() else { return }
      // What follows it stays where it was read.
      completed = stream.getSlice(at: content.index, length: content.count)
      stream = bytes
      isAlone = false
    }
    openRecords(protection: &protection)
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
    stream = moved
    isAlone = true
  }

  /// a part of a record does not keep the read that it came in, so that the next read can use its memory.
  private mutating func shrinkStream() {
    if stream.readableBytes == 0 {
      stream = ByteBuffer()
    } else if !isAlone {
      moveStream()
    }
  }

  private mutating func openRecords(protection: inout RecordProtection) {
    let isSealed = protection.isSealed
    var index =
      contents.last.map { $0.index + $0.count + (isSealed ? CipherState.tagByteCount : 0) } ?? stream.readerIndex
    while let header = stream.getInteger(at: index, as: UInt16.self) {
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
      let start = index + Record.headerByteCount
      guard stream.writerIndex - start >= count else { return }
      do throws(CipherError) {
        let plainCount = try protection.open(&stream, at: start, count: count)
        contents.append((start, plainCount))
      } catch {
        failure = error == .counterExhausted ? .counterExhausted : .tampered
        return
      }
      recordCount += 1
      index = start + count
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
      guard let content = contents.popFirst() else {
        shrinkStream()
        if let failure { throw failure }
        return nil
      }
      guard let slice = stream.getSlice(at: content.index, length: content.count) else { continue }
      record = slice
      isAlone = false
      isInRecord = true
      hasFrame = false
      stream.moveReaderIndex(to: content.index + content.count + tagByteCount)
    }
  }
}
