internal import CSodium

/// A user's 32-byte key, which a client and a server share (section 3 of the specification).
///
/// It proves "one of those who hold it", no more (H-13): make one for each user and server. A key made by ``random()``
/// is best; ``derive(passphrase:user:)`` makes one from a passphrase.
///
/// The bytes lie in locked memory that is erased when the last reference goes. A key cannot be compared and does not
/// print its bytes; ``hexadecimal()`` gives them on request. All threads may use the same key.
public final class PresharedKey: Sendable {
  /// Bytes of a key: 32.
  public static let byteCount = 32

  private let bytes: SecretBytes

  private init(_ bytes: consuming SecretBytes) {
    self.bytes = bytes
  }

  /// A key of the given bytes, which are copied; erase the original where you can.
  ///
  /// - Throws: ``PresharedKeyError`` with the code ``PresharedKeyError/Code/wrongLength`` unless there are exactly 32,
  ///   or ``PresharedKeyError/Code/outOfMemory``.
  public init(bytes: some Collection<UInt8>) throws(PresharedKeyError) {
    guard bytes.count == Self.byteCount else {
      throw PresharedKeyError(
        .wrongLength,
        "a key has exactly \(Self.byteCount) bytes, but \(bytes.count) were given; make one with PresharedKey.random()"
      )
    }
    self.bytes = try Self.memory { () throws(SecretError) in try SecretBytes(copying: bytes) }
  }

  /// A key from its 64 hexadecimal digits, of either case, without anything before, between or after them.
  ///
  /// - Throws: ``PresharedKeyError`` with the code ``PresharedKeyError/Code/wrongLength``,
  ///   ``PresharedKeyError/Code/notHexadecimal`` or ``PresharedKeyError/Code/outOfMemory``.
  public init(hex: String) throws(PresharedKeyError) {
    let digitCount = 2 * Self.byteCount
    guard hex.utf8.count == digitCount else {
      throw PresharedKeyError(
        .wrongLength,
        """
        a key has exactly \(digitCount) hexadecimal digits, but \(hex.utf8.count) bytes of text were given; \
        remove line breaks and blanks around it
        """
      )
    }
    var hex = hex
    var isHexadecimal = false
    self.bytes = try Self.memory { () throws(SecretError) in
      try SecretBytes(count: Self.byteCount) { key in
        isHexadecimal = hex.withUTF8 { digits in
          guard let output = key.baseAddress, let input = UnsafeRawPointer(digits.baseAddress) else { return false }
          // libsodium's conversion takes the same time for all digits.
          return sodium_hex2bin(
            output.assumingMemoryBound(to: UInt8.self),
            key.count,
            input.assumingMemoryBound(to: CChar.self),
            digits.count,
            nil,
            nil,
            nil
          ) == 0
        }
      }
    }
    guard isHexadecimal else {
      throw PresharedKeyError(
        .notHexadecimal,
        "a key has \(digitCount) digits of 0-9, a-f and A-F, but the text given has other characters"
      )
    }
  }

  /// A new key from the operating system's random source.
  ///
  /// - Throws: ``PresharedKeyError`` with the code ``PresharedKeyError/Code/outOfMemory``.
  public static func random() throws(PresharedKeyError) -> PresharedKey {
    PresharedKey(try Self.memory { () throws(SecretError) in try SecretBytes.random(count: Self.byteCount) })
  }

  /// The key that a passphrase gives, by Argon2id (section 8 of the specification).
  ///
  /// This blocks the thread for about a tenth of a second and fills 64 MiB of memory. Derive a key once, when you
  /// configure a client or server, and keep the key; never while a connection is being answered (K-3).
  ///
  /// Whoever sees one handshake can test guesses of the passphrase off line, so that it has to be random, with 80 bits
  /// or more (K-2): ``Passphrase/random()`` makes one, and ``Passphrase/estimatedBits(_:)`` estimates one.
  ///
  /// - Parameters:
  ///   - passphrase: Taken as its UTF-8, without normalization.
  ///   - user: The user's name, which makes the key this user's own, in the same spelling as the client sends; at most
  ///     255 bytes of UTF-8. Without it the passphrase gives the same key for everyone (K-1, H-13).
  /// - Throws: ``PresharedKeyError`` with the code ``PresharedKeyError/Code/userNameTooLong`` or
  ///   ``PresharedKeyError/Code/outOfMemory``.
  public static func derive(passphrase: String, user: String = "") throws(PresharedKeyError) -> PresharedKey {
    guard user.utf8.count <= Self.userNameByteCountMax else {
      throw PresharedKeyError(
        .userNameTooLong,
        "a user name has at most \(Self.userNameByteCountMax) bytes of UTF-8, but \(user.utf8.count) were given"
      )
    }
    let salt = Self.salt(user: user)
    var passphrase = passphrase
    var hasDerived = false
    let key = try Self.memory { () throws(SecretError) in
      try SecretBytes(count: Self.byteCount) { key in
        hasDerived = salt.withUnsafeBytes { salt in
          guard let output = key.baseAddress, let salt = salt.baseAddress else { return false }
          return passphrase.withUTF8 { Primitives.stretch(passphrase: $0, salt: salt, into: output) }
        }
      }
    }
    guard hasDerived else {
      throw PresharedKeyError(
        .outOfMemory,
        "no memory to derive a key from a passphrase, which takes \(Primitives.passwordMemoryByteCount >> 20) MiB"
      )
    }
    return PresharedKey(key)
  }

  /// The 64 hexadecimal digits of the key, in lower case: to write a key file, which its owner alone may read.
  ///
  /// The text is ordinary memory and is not erased: keep it for as short a time as you can.
  public func hexadecimal() -> String {
    let digitCount = 2 * Self.byteCount
    return self.bytes.withUnsafeBytes { key in
      // One more for the zero that libsodium puts after the digits.
      String(unsafeUninitializedCapacity: digitCount + 1) { output in
        guard let output = UnsafeMutableRawPointer(output.baseAddress), let key = key.baseAddress else { return 0 }
        sodium_bin2hex(
          output.assumingMemoryBound(to: CChar.self),
          digitCount + 1,
          key.assumingMemoryBound(to: UInt8.self),
          Self.byteCount
        )
        return digitCount
      }
    }
  }

  /// A copy for one connection, which erases it after the handshake (H-8).
  package func secret() throws(SecretError) -> SecretBytes {
    try self.bytes.copy()
  }

  /// Lends the bytes to the closure; the pointer ends with the call.
  func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try self.bytes.withUnsafeBytes(body)
  }

  private static let userNameByteCountMax = 255

  /// The first 16 bytes of SHA-256 ("bokbok-passphrase-v1" | 0x00 | user name) (K-1).
  static func salt(user: String) -> [UInt8] {
    let prefix = Array("bokbok-passphrase-v1".utf8) + [0x00]
    let user = Array(user.utf8)
    let hash = [UInt8](unsafeUninitializedCapacity: Primitives.keyByteCount) { output, count in
      guard let base = output.baseAddress else { return }
      prefix.withUnsafeBytes { prefix in
        user.withUnsafeBytes { user in
          Primitives.hash(prefix, user, into: base)
        }
      }
      count = Primitives.keyByteCount
    }
    return Array(hash.prefix(Primitives.saltByteCount))
  }

  private static func memory(
    _ body: () throws(SecretError) -> SecretBytes
  ) throws(PresharedKeyError) -> SecretBytes {
    do throws(SecretError) {
      return try body()
    } catch {
      throw PresharedKeyError(.outOfMemory, "the system gave no locked memory for a key: \(error)")
    }
  }
}

extension PresharedKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `PresharedKey(redacted)`: the bytes are never printed.
  public var description: String { "PresharedKey(redacted)" }

  /// `PresharedKey(redacted)`: the bytes are never printed.
  public var debugDescription: String { self.description }

  /// A mirror without children, so that `dump` shows nothing either.
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
