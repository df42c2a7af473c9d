import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension ByteBuffer {
  /// Adds a fragment to what has come of its message.
  ///
  /// The memory of a long message is new each time, and to take it page by page takes longer than to copy what comes. So
  /// it is taken in huge pages where the system has them. It still follows what has come: by then that is more than
  /// a huge page.
  mutating func appendFragment(_ fragment: ByteBuffer) {
    #if os(Linux)
    if writableBytes < fragment.readableBytes, readableBytes >= HugePages.fromByteCount {
      reserveCapacity(minimumWritableBytes: fragment.readableBytes)
      withVeryUnsafeMutableBytes(HugePages.advise)
    }
    #endif
    writeImmutableBuffer(fragment)
  }
}

#if os(Linux)
enum HugePages {
  /// From how many bytes of a message on: with a huge page more, not more than twice the bytes are held (R-5.b).
  static let fromByteCount = 2 << 20

  private static let pageByteCount = sysconf(CInt(_SC_PAGESIZE))

  /// Asks for huge pages in a buffer's memory, all of it: where half of a mapping differed from the other half, the
  /// system could not move it when it grows, and the C library would copy it. A system that has none leaves all as it was.
  static func advise(_ memory: UnsafeMutableRawBufferPointer) {
    guard let base = memory.baseAddress else { return }
    let offset = Int(bitPattern: base) & (pageByteCount - 1)
    let count = (offset + memory.count + pageByteCount - 1) & ~(pageByteCount - 1)
    madvise(base - offset, count, MADV_HUGEPAGE)
  }
}
#endif
