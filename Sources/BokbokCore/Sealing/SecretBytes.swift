internal import CSodium

/// Why secret memory could not be had.
package enum SecretError: Error, Equatable {
  /// libsodium could not be initialised on this system.
  case libraryUnavailable
  /// A secret has another count of bytes than its use needs: an error of the caller.
  case wrongByteCount(given: Int, expected: Int)
  /// The system gave no locked memory for so many bytes.
  case outOfMemory(byteCount: Int)
}

/// Secret bytes in memory of their own between two guard pages: locked against swapping where the system allows it,
/// left out of core dumps, and erased when the value ends.
///
/// There is no description and no `==`: a secret is compared in constant time only, and cannot be printed.
///
/// Sendable is safe although the value holds a pointer: the value cannot be copied, so only one owner has the pointer,
/// and all access that others can share only reads.
package struct SecretBytes: ~Copyable, @unchecked Sendable {
  /// How many bytes there are.
  package let count: Int

  /// The memory itself. Whoever takes the pointer answers for this value still being alive.
  let base: UnsafeMutableRawPointer

  /// Memory whose contents are not defined yet.
  init(uninitializedCount count: Int) throws(SecretError) {
    self.base = try SecretRegions.take(byteCount: count)
    self.count = count
  }

  /// Makes room for `count` bytes and lets the closure fill it; bytes that it leaves out are zero.
  ///
  /// Throws when the system gives no memory; it never traps.
  package init(
    count: Int,
    initializingWith initialize: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(SecretError) {
    try self.init(uninitializedCount: count)
    sodium_memzero(self.base, count)
    initialize(UnsafeMutableRawBufferPointer(start: self.base, count: count))
  }

  /// A copy of the bytes. The caller erases the original, where that is possible.
  package init(copying bytes: UnsafeRawBufferPointer) throws(SecretError) {
    try self.init(uninitializedCount: bytes.count)
    if let source = bytes.baseAddress {
      self.base.copyMemory(from: source, byteCount: bytes.count)
    }
  }

  /// A copy of the bytes. The caller erases the original, where that is possible.
  package init(copying bytes: some Collection<UInt8>) throws(SecretError) {
    try self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
  }

  deinit {
    SecretRegions.giveBack(self.base, byteCount: self.count)
  }

  /// New bytes from the operating system's random source (H-7).
  package static func random(count: Int) throws(SecretError) -> SecretBytes {
    let secret = try SecretBytes(uninitializedCount: count)
    randombytes_buf(secret.base, count)
    return secret
  }

  /// Another secret with the same bytes.
  package borrowing func copy() throws(SecretError) -> SecretBytes {
    try SecretBytes(copying: UnsafeRawBufferPointer(start: self.base, count: self.count))
  }

  /// Lends the bytes to the closure; the pointer ends with the call.
  package borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: self.base, count: self.count))
  }

  /// Whether both hold the same bytes; the time it takes depends on the count alone.
  package borrowing func constantTimeEquals(_ other: borrowing SecretBytes) -> Bool {
    self.count == other.count && sodium_memcmp(self.base, other.base, self.count) == 0
  }
}

/// The state of libsodium in this process.
enum Sodium {
  /// Whether the library is initialised. The first use initialises it, once, whichever thread comes first.
  static let isReady: Bool = sodium_init() >= 0
}
