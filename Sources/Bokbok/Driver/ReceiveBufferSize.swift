internal import NIOCore

/// How large the buffer of the next read is: 256 bytes at first, enough for an opening, so that a stream that is not open
/// costs little (O-10), and one that is idle, for which NIO keeps the buffer of its last read; 2 KiB after the first read
/// that filled it, then doubled, up to 256 KiB, by each that did, and halved by two in a row that filled less than half.
struct ReceiveBufferSize: RecvByteBufferAllocator {
  private static let least = 256
  private static let leastWhereBusy = 2048
  private static let largest = 262_144

  private var size = ReceiveBufferSize.least
  private var wasSmall = false

  func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
    allocator.buffer(capacity: self.size)
  }

  func nextBufferSize() -> Int? { self.size }

  mutating func record(actualReadBytes: Int) -> Bool {
    if actualReadBytes >= self.size, self.size < Self.largest {
      self.size = max(self.size * 2, Self.leastWhereBusy)
      self.wasSmall = false
      return true
    }
    let isSmall = actualReadBytes <= self.size / 2
    if isSmall, self.wasSmall, self.size > Self.least {
      self.size /= 2
      self.wasSmall = false
    } else {
      self.wasSmall = isSmall
    }
    return false
  }
}
