internal import CSodium

/// Noise's SymmetricState: chaining key, hash and the handshake's cipher, and beside them all other secrets that a
/// handshake works with, in one piece of locked memory that is erased as a whole (H-8).
package struct SymmetricState: ~Copyable {
  /// Where each thing lies in the memory; each has 32 bytes.
  enum Region: Int, CaseIterable {
    case chainingKey
    case hash
    case cipherKey
    case ephemeral
    case sharedSecret
    case firstPresharedKey
    case secondPresharedKey
    case temporary
    /// Public keys are here for their lifetime, not for their secrecy.
    case localPublicKey
    case remotePublicKey

    static let byteCount = Primitives.keyByteCount
  }

  private static let workspaceOffset = Region.allCases.count * Region.byteCount

  private let memory: SecretBytes
  private var hasKey = false
  /// The handshake's cipher seals a message or two with each key.
  private var counter: UInt64 = 0

  /// Binds the protocol's name and the prologue.
  package init(protocolName: String, prologue: [UInt8]) throws(SecretError) {
    // The size is a multiple of 16: so the memory is aligned for what is put there.
    self.memory = try SecretBytes(uninitializedCount: Self.workspaceOffset + Primitives.DerivationWorkspace.byteCount)
    sodium_memzero(self.memory.base, self.memory.count)
    let hash = self.memory.base + Region.hash.rawValue * Region.byteCount
    let name = Array(protocolName.utf8)
    name.withUnsafeBytes { name in
      if name.count <= Region.byteCount {
        UnsafeMutableRawBufferPointer(start: hash, count: Region.byteCount).copyMemory(from: name)
      } else {
        Primitives.hash(name, UnsafeRawBufferPointer(start: nil, count: 0), into: hash)
      }
    }
    self[.chainingKey].copyMemory(from: hash, byteCount: Region.byteCount)
    prologue.withUnsafeBytes { self.mixHash($0) }
  }

  subscript(region: Region) -> UnsafeMutableRawPointer {
    self.memory.base + region.rawValue * Region.byteCount
  }

  func bytes(of region: Region) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: self[region], count: Region.byteCount)
  }

  private var workspace: Primitives.DerivationWorkspace {
    Primitives.DerivationWorkspace(base: self.memory.base + Self.workspaceOffset)
  }

  func erase(_ region: Region) {
    sodium_memzero(self[region], Region.byteCount)
  }

  /// Erases everything; nothing works after that.
  mutating func eraseAll() {
    sodium_memzero(self.memory.base, self.memory.count)
    self.hasKey = false
  }

  /// Bytes that ``encryptAndHash(_:into:)`` adds.
  var overheadByteCount: Int { self.hasKey ? Primitives.tagByteCount : 0 }

  package func mixHash(_ data: UnsafeRawBufferPointer) {
    Primitives.hash(self.bytes(of: .hash), data, into: self[.hash])
  }

  package mutating func mixKey(_ material: UnsafeRawBufferPointer) {
    Primitives.deriveKeys(
      from: self[.chainingKey],
      material,
      into: self[.chainingKey],
      self[.cipherKey],
      workspace: self.workspace
    )
    self.hasKey = true
    self.counter = 0
  }

  package mutating func mixKeyAndHash(_ material: UnsafeRawBufferPointer) {
    Primitives.deriveKeys(
      from: self[.chainingKey],
      material,
      into: self[.chainingKey],
      self[.temporary],
      self[.cipherKey],
      workspace: self.workspace
    )
    self.mixHash(self.bytes(of: .temporary))
    self.erase(.temporary)
    self.hasKey = true
    self.counter = 0
  }

  /// Seals the plaintext into `output`, which has room for ``overheadByteCount`` more.
  package mutating func encryptAndHash(_ plaintext: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) {
    if self.hasKey {
      Primitives.seal(
        plaintext.baseAddress,
        count: plaintext.count,
        associatedData: self.bytes(of: .hash),
        counter: self.counter,
        key: self[.cipherKey],
        into: output
      )
      self.mixHash(UnsafeRawBufferPointer(start: output, count: plaintext.count + Primitives.tagByteCount))
      self.counter += 1
    } else {
      UnsafeMutableRawBufferPointer(start: output, count: plaintext.count).copyMemory(from: plaintext)
      self.mixHash(UnsafeRawBufferPointer(start: output, count: plaintext.count))
    }
  }

  /// Opens the ciphertext into `output`, which has room for ``overheadByteCount`` less.
  package mutating func decryptAndHash(
    _ ciphertext: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawPointer
  ) -> Bool {
    if self.hasKey {
      guard
        let start = ciphertext.baseAddress,
        Primitives.open(
          start,
          count: ciphertext.count,
          associatedData: self.bytes(of: .hash),
          counter: self.counter,
          key: self[.cipherKey],
          into: output
        )
      else { return false }
      self.counter += 1
    } else {
      UnsafeMutableRawBufferPointer(start: output, count: ciphertext.count).copyMemory(from: ciphertext)
    }
    self.mixHash(ciphertext)
    return true
  }

  /// Noise's Split(): the keys go straight into their slots (H-9).
  func split(into first: borrowing KeySlot, _ second: borrowing KeySlot) {
    Primitives.deriveKeys(
      from: self[.chainingKey],
      UnsafeRawBufferPointer(start: nil, count: 0),
      into: first.base,
      second.base,
      workspace: self.workspace
    )
  }
}
