package import NIOCore

/// SHA-256 (FIPS 180-4), for what is no secret.
package enum SHA256 {
  /// The 32 bytes of the hash of the readable bytes.
  package static func hash(of buffer: ByteBuffer) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Primitives.keyByteCount) { output, count in
      guard let base = output.baseAddress else { return }
      buffer.withUnsafeReadableBytes { bytes in
        Primitives.hash(bytes, UnsafeRawBufferPointer(start: nil, count: 0), into: base)
      }
      count = Primitives.keyByteCount
    }
  }
}
