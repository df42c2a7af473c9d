internal import NIOCore

/// How large the buffer of the next read is: 2 KiB at first, so that a stream that is not open costs little (O-10);
/// doubled, up to 256 KiB, by each read that filled it, and halved by two in a row that filled less than half.
struct ReceiveBufferSize: RecvByteBufferAllocator {
  private static let least = 2048
  private static let largest = 262_144

  private var size = ReceiveBufferSize.least
  private var wasSmall = false

  func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
    allocator.buffer(capacity: self.size)
  }

  func nextBufferSize() -> Int? { self.size }

  mutating func record(actualReadBytes: Int) -> Bool {
    if actualReadBytes >= self.size, self.size < Self.largest {
      self.size *= 2
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
