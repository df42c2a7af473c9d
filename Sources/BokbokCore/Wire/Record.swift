package import NIOCore

/// Length-prefixed records (section 4).
package enum Record {
  /// Size of the length prefix, in bytes.
  package static let headerByteCount = 2
  /// Largest content, in bytes; with a sealed record the tag is part of it.
  package static let contentByteCountMax = 65_535

  /// Takes one whole record's content from a stream; nil when it has not come whole yet. Not for sealed records.
  package static func read(from stream: inout ByteBuffer) -> ByteBuffer? {
    stream.readLengthPrefixedSlice(as: UInt16.self)
  }

  /// Appends a record that is not sealed. The content must be 1 to 65535 bytes.
  package static func write(_ content: ByteBuffer, into stream: inout ByteBuffer) {
    assert((1...contentByteCountMax).contains(content.readableBytes), "a record holds 1 to 65535 bytes")
    stream.writeInteger(UInt16(truncatingIfNeeded: content.readableBytes))
    stream.writeImmutableBuffer(content)
  }
}
