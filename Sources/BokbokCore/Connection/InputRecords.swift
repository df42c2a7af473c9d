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
    } else if isAlone || !contents.isEmpty {
      stream.writeImmutableBuffer(bytes)
    } else {
      moveStream(minimumCapacity: stream.readableBytes + bytes.readableBytes)
      stream.writeImmutableBuffer(bytes)
    }
    openRecords(protection: &protection)
  }

  /// The part of a record that has come moves to a buffer of its own, away from slices in use. What comes after it is
  /// appended there, without a copy of all for each piece.
  private mutating func moveStream(minimumCapacity: Int) {
    var moved = ByteBufferAllocator().buffer(capacity: minimumCapacity)
    moved.writeImmutableBuffer(stream)
    stream = moved
    isAlone = true
  }

  /// a small part of a record does not keep the large read that it came in.
  private mutating func shrinkStream() {
    if stream.readableBytes == 0 {
      stream = ByteBuffer()
    } else if !isAlone, stream.storageCapacity > 4 * stream.readableBytes + 4096 {
      moveStream(minimumCapacity: stream.readableBytes)
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
