package import NIOCore

/// Why a record could not be sealed or opened.
package enum CipherError: Error, Equatable {
  /// The bytes were changed, replayed, reordered or cut, or sealed with another key.
  case notAuthentic
  /// 2^64 - 1 records have gone this way: no more may.
  case counterExhausted
  /// The range given is not in the buffer's readable bytes: an error of the caller.
  case outOfBounds
}

/// One direction of a sealed connection: a key and the number of the next record.
///
/// The counter starts at 0 and advances by one for each record that was sealed or opened with success; nothing sets it.
package struct CipherState: ~Copyable {
  /// Bytes that sealing adds.
  package static let tagByteCount = Primitives.tagByteCount

  /// The last counter: Noise reserves 2^64 - 1.
  private static let counterMax = UInt64.max - 1

  private let key: KeySlot
  private(set) package var counter: UInt64

  init(key: consuming KeySlot) {
    self.key = key
    self.counter = 0
  }

  /// A state in the middle of a connection, for tests and for whoever examines a recorded one. `key` has 32 bytes.
  package init(key: borrowing SecretBytes, counter: UInt64, slab: KeySlab) throws(SecretError) {
    guard key.count == KeySlab.slotByteCount else {
      throw .wrongByteCount(given: key.count, expected: KeySlab.slotByteCount)
    }
    self.key = try slab.allocate()
    self.key.base.copyMemory(from: key.base, byteCount: KeySlab.slotByteCount)
    self.counter = counter
  }

  /// Seals the `count` bytes at `index` in place, and puts the tag into the 16 bytes after them.
  ///
  /// Where the plaintext ends the buffer, the buffer grows by the tag; else the 16 bytes have to be there already.
  package mutating func seal(_ buffer: inout ByteBuffer, at index: Int, count: Int) throws(CipherError) {
    guard self.counter <= Self.counterMax else { throw .counterExhausted }
    guard index >= buffer.readerIndex, count >= 0, count <= buffer.writerIndex - index else { throw .outOfBounds }
    let offset = index - buffer.readerIndex
    let room = buffer.writerIndex - index - count
    if room < Self.tagByteCount {
      guard room == 0 else { throw .outOfBounds }
      buffer.writeRepeatingByte(0, count: Self.tagByteCount)
    }
    let key = UnsafeRawPointer(self.key.base)
    let counter = self.counter
    buffer.withUnsafeMutableReadableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      Primitives.seal(
        base + offset,
        count: count,
        associatedData: UnsafeRawBufferPointer(start: nil, count: 0),
        counter: counter,
        key: key,
        into: base + offset
      )
    }
    self.counter += 1
  }

  /// Opens the `count` bytes at `index`, the tag among them, in place: the plaintext is then in the first `count - 16`,
  /// and the tag's bytes are of no use.
  ///
  /// After a failure the bytes in that range are of no use either, and the counter stands where it stood.
  package mutating func open(_ buffer: inout ByteBuffer, at index: Int, count: Int) throws(CipherError) {
    guard self.counter <= Self.counterMax else { throw .counterExhausted }
    guard index >= buffer.readerIndex, count >= 0, count <= buffer.writerIndex - index else { throw .outOfBounds }
    let offset = index - buffer.readerIndex
    let key = UnsafeRawPointer(self.key.base)
    let counter = self.counter
    let authentic = buffer.withUnsafeMutableReadableBytes { bytes in
      guard let base = bytes.baseAddress else { return false }
      return Primitives.open(
        base + offset,
        count: count,
        associatedData: UnsafeRawBufferPointer(start: nil, count: 0),
        counter: counter,
        key: key,
        into: base + offset
      )
    }
    guard authentic else { throw .notAuthentic }
    self.counter += 1
  }
}
