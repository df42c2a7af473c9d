import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Places for the traffic keys of an event loop's connections.
@Suite struct KeySlabTests {
  /// Keeps slots, which no array can hold.
  private final class Chain {
    let slot: KeySlot
    let next: Chain?

    init(slot: consuming KeySlot, next: Chain?) {
      self.slot = slot
      self.next = next
    }
  }

  private func chain(slotCount: Int, slab: KeySlab) throws -> Chain? {
    var chain: Chain?
    for _ in 0..<slotCount {
      chain = Chain(slot: try slab.allocate(), next: chain)
    }
    return chain
  }

  @Test func aSlabWithoutSlotsHasNoMemory() {
    let slab = KeySlab()
    #expect(slab.capacity == 0)
    #expect(slab.usedSlotCount == 0)
  }

  @Test func aSlabGrowsByAChunkAndKeepsIt() throws {
    let slab = KeySlab()
    var chain = try self.chain(slotCount: KeySlab.chunkSlotCount, slab: slab)
    #expect(slab.capacity == KeySlab.chunkSlotCount)
    #expect(slab.usedSlotCount == KeySlab.chunkSlotCount)
    chain = Chain(slot: try slab.allocate(), next: chain)
    #expect(slab.capacity == 2 * KeySlab.chunkSlotCount)
    #expect(slab.usedSlotCount == KeySlab.chunkSlotCount + 1)
    #expect(chain != nil)
    chain = nil
    #expect(slab.usedSlotCount == 0)
    #expect(slab.capacity == 2 * KeySlab.chunkSlotCount)
  }

  @Test func slotsThatAreGivenBackAreUsedAgain() throws {
    let slab = KeySlab()
    for _ in 0..<10 * KeySlab.chunkSlotCount {
      let slot = try slab.allocate()
      #expect(slab.usedSlotCount == 1)
      _ = consume slot
      #expect(slab.usedSlotCount == 0)
    }
    #expect(slab.capacity == KeySlab.chunkSlotCount)
  }

  @Test func aCipherHoldsItsSlotAndTheSlab() throws {
    weak var observed: KeySlab?
    var cipher: CipherState?
    do {
      let slab = KeySlab()
      observed = slab
      cipher = try CipherState(key: SecretBytes(copying: UInt8(0)..<32), counter: 0, slab: slab)
    }
    #expect(observed?.usedSlotCount == 1)
    let sealed = try cipher?.seal("frames".utf8)
    #expect(sealed.map { hexadecimal($0) } == "7eca235cc89505f49d58897c2c1603648b83eb3a23a1")
    cipher = nil
    #expect(observed == nil)
  }

  @Test func everySlotHasBytesOfItsOwn() throws {
    let slab = KeySlab()
    final class Ciphers {
      var cipher: CipherState
      let next: Ciphers?

      init(cipher: consuming CipherState, next: Ciphers?) {
        self.cipher = cipher
        self.next = next
      }
    }
    let count = 2 * KeySlab.chunkSlotCount + 1
    var last: Ciphers?
    for index in 0..<count {
      let key = try SecretBytes(count: 32) { $0.storeBytes(of: UInt64(index), as: UInt64.self) }
      last = Ciphers(cipher: try CipherState(key: key, counter: 0, slab: slab), next: last)
    }
    var sealed: Set<[UInt8]> = []
    while let ciphers = last {
      let record = try ciphers.cipher.seal([1, 2, 3])
      sealed.insert(Array(record.readableBytesView))
      last = ciphers.next
    }
    #expect(sealed.count == count)
    #expect(slab.usedSlotCount == 0)
  }
}
