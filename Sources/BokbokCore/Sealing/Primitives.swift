internal import CSodium

/// The algorithms that Noise and the passphrases are made of. No other file calls libsodium's AEAD, hash,
/// Diffie-Hellman or password functions.
///
/// The pointers name memory of exactly the sizes given; the callers own it, and erase it.
enum Primitives {
  /// Bytes of a cipher key, a hash, a private or public X25519 key and a pre-shared key.
  static let keyByteCount = 32
  /// Bytes of an authentication tag.
  static let tagByteCount = 16

  // MARK: ChaCha20-Poly1305 (RFC 8439)

  /// Seals `count` bytes into the `count + 16` at `output`, which may be where the plaintext is.
  static func seal(
    _ plaintext: UnsafeRawPointer?,
    count: Int,
    associatedData: UnsafeRawBufferPointer,
    counter: UInt64,
    key: UnsafeRawPointer,
    into output: UnsafeMutableRawPointer
  ) {
    let nonce = Nonce(counter: counter)
    withUnsafePointer(to: nonce) { nonce in
      // Fails only for more bytes than a record can hold by far.
      _ = crypto_aead_chacha20poly1305_ietf_encrypt(
        output.assumingMemoryBound(to: UInt8.self),
        nil,
        plaintext?.assumingMemoryBound(to: UInt8.self),
        UInt64(count),
        associatedData.baseAddress?.assumingMemoryBound(to: UInt8.self),
        UInt64(associatedData.count),
        nil,
        UnsafeRawPointer(nonce).assumingMemoryBound(to: UInt8.self),
        key.assumingMemoryBound(to: UInt8.self)
      )
    }
  }

  /// Opens `count` bytes, tag included, into the `count - 16` at `output`, which may be where the ciphertext is.
  ///
  /// Returns false when they are not authentic, or too few to hold a tag.
  static func open(
    _ ciphertext: UnsafeRawPointer,
    count: Int,
    associatedData: UnsafeRawBufferPointer,
    counter: UInt64,
    key: UnsafeRawPointer,
    into output: UnsafeMutableRawPointer
  ) -> Bool {
    guard count >= Self.tagByteCount else { return false }
    let nonce = Nonce(counter: counter)
    return withUnsafePointer(to: nonce) { nonce in
      crypto_aead_chacha20poly1305_ietf_decrypt(
        output.assumingMemoryBound(to: UInt8.self),
        nil,
        nil,
        ciphertext.assumingMemoryBound(to: UInt8.self),
        UInt64(count),
        associatedData.baseAddress?.assumingMemoryBound(to: UInt8.self),
        UInt64(associatedData.count),
        UnsafeRawPointer(nonce).assumingMemoryBound(to: UInt8.self),
        key.assumingMemoryBound(to: UInt8.self)
      ) == 0
    }
  }

  /// 96 bits: four zero bytes, then the counter in little-endian order.
  private struct Nonce {
    let zero: UInt32 = 0
    let low: UInt32
    let high: UInt32

    init(counter: UInt64) {
      self.low = UInt32(truncatingIfNeeded: counter).littleEndian
      self.high = UInt32(truncatingIfNeeded: counter >> 32).littleEndian
    }
  }

  // MARK: X25519 (RFC 7748)

  /// The public key of a private one.
  static func publicKey(of privateKey: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
    _ = crypto_scalarmult_curve25519_base(
      output.assumingMemoryBound(to: UInt8.self),
      privateKey.assumingMemoryBound(to: UInt8.self)
    )
    Self.eraseStackBelow()
  }

  /// The shared secret of a private and a public key.
  ///
  /// Returns false when it is all zero, which is so for every public key of small order (H-6).
  static func sharedSecret(
    of privateKey: UnsafeRawPointer,
    with publicKey: UnsafeRawPointer,
    into output: UnsafeMutableRawPointer
  ) -> Bool {
    let result = crypto_scalarmult_curve25519(
      output.assumingMemoryBound(to: UInt8.self),
      privateKey.assumingMemoryBound(to: UInt8.self),
      publicKey.assumingMemoryBound(to: UInt8.self)
    )
    Self.eraseStackBelow()
    // libsodium checks too; that the result is looked at here does not depend on its version.
    return result == 0 && sodium_is_zero(output.assumingMemoryBound(to: UInt8.self), Self.keyByteCount) == 0
  }

  // MARK: SHA-256, HMAC and HKDF (FIPS 180-4, RFC 2104, RFC 5869)

  /// The hash of both inputs, one after the other; `output` may be an input.
  static func hash(
    _ first: UnsafeRawBufferPointer,
    _ second: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawPointer
  ) {
    var state = crypto_hash_sha256_state()
    crypto_hash_sha256_init(&state)
    crypto_hash_sha256_update(
      &state,
      first.baseAddress?.assumingMemoryBound(to: UInt8.self),
      UInt64(first.count)
    )
    crypto_hash_sha256_update(
      &state,
      second.baseAddress?.assumingMemoryBound(to: UInt8.self),
      UInt64(second.count)
    )
    crypto_hash_sha256_final(&state, output.assumingMemoryBound(to: UInt8.self))
  }

  /// The memory that ``deriveKeys(from:_:into:_:workspace:)`` computes in: part of the caller's secret memory, so that
  /// nothing of it has to be erased from the stack.
  struct DerivationWorkspace {
    static let byteCount =
      Primitives.keyByteCount + 16 + (MemoryLayout<crypto_auth_hmacsha256_state>.size + 15) / 16 * 16

    fileprivate let temporaryKey: UnsafeMutableRawPointer
    fileprivate let index: UnsafeMutableRawPointer
    fileprivate let state: UnsafeMutableRawPointer

    /// `base` is aligned to 16 bytes.
    init(base: UnsafeMutableRawPointer) {
      self.temporaryKey = base
      self.index = base + Primitives.keyByteCount
      self.state = base + Primitives.keyByteCount + 16
    }
  }

  /// Noise's HKDF: two or three keys of 32 bytes from a chaining key and other key material. libsodium 1.0.18 has no
  /// HKDF of its own.
  ///
  /// `first` may be the chaining key's own place; the material may be at `second`.
  static func deriveKeys(
    from chainingKey: UnsafeRawPointer,
    _ material: UnsafeRawBufferPointer,
    into first: UnsafeMutableRawPointer,
    _ second: UnsafeMutableRawPointer,
    _ third: UnsafeMutableRawPointer? = nil,
    workspace: DerivationWorkspace
  ) {
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    let temporaryKey = workspace.temporaryKey
    Self.authenticate(material, index: nil, key: chainingKey, into: temporaryKey, workspace: workspace)
    Self.authenticate(nothing, index: 1, key: temporaryKey, into: first, workspace: workspace)
    let firstBytes = UnsafeRawBufferPointer(start: first, count: Self.keyByteCount)
    Self.authenticate(firstBytes, index: 2, key: temporaryKey, into: second, workspace: workspace)
    if let third {
      let secondBytes = UnsafeRawBufferPointer(start: second, count: Self.keyByteCount)
      Self.authenticate(secondBytes, index: 3, key: temporaryKey, into: third, workspace: workspace)
    }
    sodium_memzero(temporaryKey, Self.keyByteCount)
  }

  /// HMAC-SHA-256 of the bytes and, if there is one, the index.
  private static func authenticate(
    _ bytes: UnsafeRawBufferPointer,
    index: UInt8?,
    key: UnsafeRawPointer,
    into output: UnsafeMutableRawPointer,
    workspace: DerivationWorkspace
  ) {
    let state = workspace.state.bindMemory(to: crypto_auth_hmacsha256_state.self, capacity: 1)
    crypto_auth_hmacsha256_init(state, key.assumingMemoryBound(to: UInt8.self), Self.keyByteCount)
    crypto_auth_hmacsha256_update(state, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
    if let index {
      workspace.index.storeBytes(of: index, as: UInt8.self)
      crypto_auth_hmacsha256_update(state, workspace.index.assumingMemoryBound(to: UInt8.self), 1)
    }
    crypto_auth_hmacsha256_final(state, output.assumingMemoryBound(to: UInt8.self))
    sodium_memzero(state, MemoryLayout<crypto_auth_hmacsha256_state>.size)
  }

  // MARK: Argon2id (RFC 9106)

  /// Bytes of the salt.
  static let saltByteCount = 16
  /// Passes over the memory (section 8).
  static let passwordPassCount: UInt64 = 3
  /// Bytes of memory to fill (section 8).
  static let passwordMemoryByteCount = 64 * 1024 * 1024

  /// 32 bytes from a passphrase with Argon2id version 1.3, one lane. Returns false when there is no memory for it.
  static func stretch(
    passphrase: UnsafeBufferPointer<UInt8>,
    salt: UnsafeRawPointer,
    into output: UnsafeMutableRawPointer
  ) -> Bool {
    // libsodium declares the passphrase as not null, also where it has no bytes.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1) { empty in
      empty.initialize(repeating: 0)
      let start = UnsafeRawPointer(passphrase.baseAddress) ?? UnsafeRawPointer(empty.baseAddress)
      guard let start else { return false }
      let result = crypto_pwhash_argon2id(
        output.assumingMemoryBound(to: UInt8.self),
        UInt64(Self.keyByteCount),
        start.assumingMemoryBound(to: CChar.self),
        UInt64(passphrase.count),
        salt.assumingMemoryBound(to: UInt8.self),
        Self.passwordPassCount,
        Self.passwordMemoryByteCount,
        crypto_pwhash_argon2id_ALG_ARGON2ID13
      )
      Self.eraseStackBelow()
      return result == 0
    }
  }

  // MARK: Erasure

  /// Some functions of libsodium leave on the stack what has to be erased: X25519 numbers that the private key follows
  /// from, Argon2id its result (H-8). The caller erases it right after such a function.
  private static func eraseStackBelow() {
    sodium_stackzero(16_384)
  }
}
