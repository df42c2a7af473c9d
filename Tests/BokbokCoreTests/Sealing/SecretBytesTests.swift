import BokbokCore
import BokbokTestSupport
import Testing

/// Secret memory.
@Suite struct SecretBytesTests {
  @Test(arguments: [0, 1, 15, 16, 31, 32, 33, 4096, 5000])
  func bytesAreKept(count: Int) throws {
    let original = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let fromCollection = try SecretBytes(copying: original)
    let fromPointer = try fromCollection.withUnsafeBytes { bytes throws(SecretError) in
      try SecretBytes(copying: bytes)
    }
    let fromClosure = try SecretBytes(count: count) { $0.copyBytes(from: original) }
    let copy = try fromCollection.copy()
    let all = [fromCollection.revealed(), fromPointer.revealed(), fromClosure.revealed(), copy.revealed()]
    #expect(all == Array(repeating: original, count: 4))
    let counts = [fromCollection.count, fromPointer.count, fromClosure.count, copy.count]
    #expect(counts == Array(repeating: count, count: 4))
  }

  @Test func whatIsNotInitialisedIsZero() throws {
    let secret = try SecretBytes(count: 5) { $0[1] = 7 }
    let bytes = secret.revealed()
    #expect(bytes == [0, 7, 0, 0, 0])
  }

  @Test func comparisonSeesEveryByteAndTheCount() throws {
    let original = Array(UInt8(0)..<32)
    let secret = try SecretBytes(copying: original)
    let isEqual = try secret.constantTimeEquals(SecretBytes(copying: original))
    #expect(isEqual)
    for index in original.indices {
      var changed = original
      changed[index] ^= 0x80
      let isStillEqual = try secret.constantTimeEquals(SecretBytes(copying: changed))
      #expect(!isStillEqual)
    }
    let isEqualToShorter = try secret.constantTimeEquals(SecretBytes(copying: original.dropLast()))
    #expect(!isEqualToShorter)
  }

  @Test(.clauses("H-7.a", "H-7.b")) func randomBytesDiffer() throws {
    var seen: Set<[UInt8]> = []
    for _ in 0..<64 {
      let bytes = try SecretBytes.random(count: 32).revealed()
      #expect(bytes.count == 32)
      seen.insert(bytes)
    }
    #expect(seen.count == 64)
    // Of 2048 random bytes all but a few values turn up.
    #expect(Set(seen.joined()).count > 240)
  }

  @Test(arguments: [Int.max, Int.max - 65_536, 1 << 60, -1, Int.min])
  func anAllocationThatFailsIsAnErrorAndNoCrash(count: Int) {
    let expected = SecretError.outOfMemory(byteCount: count)
    #expect(failure(SecretError.self) { _ = try SecretBytes(count: count) { _ in } } == expected)
    #expect(failure(SecretError.self) { _ = try SecretBytes.random(count: count) } == expected)
  }
}
