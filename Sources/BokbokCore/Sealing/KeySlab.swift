internal import CSodium

/// The traffic keys of all connections of one event loop, in locked memory.
///
/// Secret memory of its own would cost each key 8 KiB and four memory maps, so that two keys of each open connection
/// share pages here: a chunk is one page between guard pages and holds 127 keys. When all are taken the slab grows by
/// a chunk; a key's place is erased when it is given back, and used again. Chunks are kept until the slab ends.
///
/// Not thread safe: everything that holds a slot belongs to the slab's event loop.
package final class KeySlab {
  /// Bytes of a slot.
  package static let slotByteCount = Primitives.keyByteCount
  /// Slots of a chunk: with the guard value that libsodium puts before them they fill one page of 4096 bytes.
  package static let chunkSlotCount = 127
  private static let chunkByteCount = chunkSlotCount * slotByteCount

  private var chunks: [UnsafeMutableRawPointer] = []
  private var free: [UnsafeMutableRawPointer] = []

  /// A slab without memory; the first slot brings some.
  package init() {}

  deinit {
    // Slots hold the slab, so that none is in use here.
    for chunk in self.chunks {
      SecretRegions.giveBack(chunk, byteCount: Self.chunkByteCount)
    }
  }

  /// How many slots are in use.
  package var usedSlotCount: Int { self.chunks.count * Self.chunkSlotCount - self.free.count }

  /// How many slots there is memory for.
  package var capacity: Int { self.chunks.count * Self.chunkSlotCount }

  /// A slot with 32 zero bytes. Throws when the system gives no memory.
  package func allocate() throws(SecretError) -> KeySlot {
    if self.free.isEmpty {
      try self.grow()
    }
    return KeySlot(slab: self, base: self.free.removeLast())
  }

  private func grow() throws(SecretError) {
    let chunk = try SecretRegions.take(byteCount: Self.chunkByteCount)
    sodium_memzero(chunk, Self.chunkByteCount)
    self.chunks.append(chunk)
    self.free.reserveCapacity(self.capacity)
    for index in (0..<Self.chunkSlotCount).reversed() {
      self.free.append(chunk + index * Self.slotByteCount)
    }
  }

  fileprivate func takeBack(_ base: UnsafeMutableRawPointer) {
    sodium_memzero(base, Self.slotByteCount)
    self.free.append(base)
  }
}

/// The place of one 32-byte key in a ``KeySlab``; erased and given back when the value ends (H-8).
package struct KeySlot: ~Copyable {
  private let slab: KeySlab

  /// The 32 bytes. Whoever takes the pointer answers for this value still being alive.
  let base: UnsafeMutableRawPointer

  fileprivate init(slab: KeySlab, base: UnsafeMutableRawPointer) {
    self.slab = slab
    self.base = base
  }

  deinit {
    self.slab.takeBack(self.base)
  }
}
