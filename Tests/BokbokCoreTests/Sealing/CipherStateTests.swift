import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Records as Noise transport messages (specification, R-2 to R-4).
@Suite struct CipherStateTests {
  private let slab = KeySlab()

  private func cipher(counter: UInt64 = 0) throws -> CipherState {
    try CipherState(key: SecretBytes(copying: UInt8(0)..<32), counter: counter, slab: self.slab)
  }

  /// Computed with the ChaCha20-Poly1305 of Python's cryptography package: key 00 01 … 1f, no associated data.
  @Test(
    .clauses("R-2.c", "R-2.d"),
    arguments: [
      (0, "7eca235cc89505f49d58897c2c1603648b83eb3a23a1"),
      (1, "f9259232d0594babb6ba1e7fc7133f4b8284ec226b29"),
      (255, "694391ab153203857700eb27a112625acce648a67f8d"),
      (256, "9af3981490f98e0a55f01eff7dabcdbabd1b2bea7695"),
      (0x0102_0304_0506_0708, "963bcc89ce4a18621681a1a84b9f863280d323ba6b33"),
      (UInt64.max - 1, "36655b68494e5ae5751dcd91eb00c3532cc49fb1b950"),
    ] as [(UInt64, String)]
  )
  func theNonceIsTheLittleEndianCounter(counter: UInt64, expected: String) throws {
    var sealing = try self.cipher(counter: counter)
    let sealed = try sealing.seal("frames".utf8)
    #expect(hexadecimal(sealed) == expected)
    var opening = try self.cipher(counter: counter)
    let opened = try opening.open(sealed)
    #expect(opened == Array("frames".utf8))
  }

  @Test(.clauses("R-2.c")) func aRecordWithoutPlaintextIsOnlyATag() throws {
    var sealing = try self.cipher()
    let sealed = try sealing.seal([])
    #expect(hexadecimal(sealed) == "10324f800a160bd9a1794255be7ec29d")
    var opening = try self.cipher()
    let opened = try opening.open(sealed)
    #expect(opened.isEmpty)
  }

  @Test(.clauses("R-2.e"), arguments: [1, 15, 16, 63, 64, 65, 1024, 65_519])
  func everySizeOpensAgain(byteCount: Int) throws {
    let plaintext = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var sealing = try self.cipher()
    var opening = try self.cipher()
    for _ in 0..<3 {
      let sealed = try sealing.seal(plaintext)
      #expect(sealed.readableBytes == byteCount + 16)
      let opened = try opening.open(sealed)
      #expect(opened == plaintext)
    }
    let counters = (sealing.counter, opening.counter)
    #expect(counters == (3, 3))
  }

  @Test func sealingInPlaceTouchesOnlyItsRange() throws {
    var sealing = try self.cipher()
    var buffer = ByteBuffer(string: "<<framesTTTTTTTTTTTTTTTT>>")
    try sealing.seal(&buffer, at: 2, count: 6)
    #expect(
      hexadecimal(buffer) == hexadecimal("<<".utf8) + "7eca235cc89505f49d58897c2c1603648b83eb3a23a1"
        + hexadecimal(">>".utf8)
    )
    var opening = try self.cipher()
    buffer.moveReaderIndex(forwardBy: 2)
    try opening.open(&buffer, at: 2, count: 22)
    #expect(buffer.getString(at: 2, length: 6) == "frames")
    #expect(buffer.getString(at: 24, length: 2) == ">>")
  }

  @Test func aCopyOfTheBufferKeepsItsBytes() throws {
    var sealing = try self.cipher()
    var buffer = try sealing.seal("frames".utf8)
    let copy = buffer
    var opening = try self.cipher()
    try opening.open(&buffer, at: 0, count: 22)
    #expect(buffer.getString(at: 0, length: 6) == "frames")
    #expect(hexadecimal(copy) == "7eca235cc89505f49d58897c2c1603648b83eb3a23a1")
  }

  @Test(.clauses("R-3.a"), arguments: 0..<22)
  func aChangedByteIsNotAuthentic(position: Int) throws {
    var sealing = try self.cipher()
    let sealed = try sealing.seal("frames".utf8)
    for bit in 0..<8 {
      var changed = sealed
      let byte = try #require(changed.getInteger(at: position, as: UInt8.self))
      changed.setInteger(byte ^ 1 << bit, at: position)
      var opening = try self.cipher()
      let error = failure(CipherError.self) { _ = try opening.open(changed) }
      #expect(error == .notAuthentic)
      // The counter advances after success alone, so that the true record still opens.
      let opened = try opening.open(sealed)
      #expect(opened == Array("frames".utf8))
    }
  }

  @Test(.clauses("R-3.b")) func replayedReorderedAndDroppedRecordsAreNotAuthentic() throws {
    var sealing = try self.cipher()
    let records = [try sealing.seal([1]), try sealing.seal([2]), try sealing.seal([3])]
    var opening = try self.cipher()
    let early = failure(CipherError.self) { _ = try opening.open(records[1]) }
    #expect(early == .notAuthentic)
    _ = try opening.open(records[0])
    let replayed = failure(CipherError.self) { _ = try opening.open(records[0]) }
    #expect(replayed == .notAuthentic)
    let dropped = failure(CipherError.self) { _ = try opening.open(records[2]) }
    #expect(dropped == .notAuthentic)
    let counter = opening.counter
    #expect(counter == 1)
  }

  @Test(.clauses("R-1.b"), arguments: 0..<16)
  func whatIsShorterThanATagIsNotAuthentic(byteCount: Int) throws {
    var opening = try self.cipher()
    let error = failure(CipherError.self) {
      var buffer = ByteBuffer(repeating: 0, count: 40)
      try opening.open(&buffer, at: 3, count: byteCount)
    }
    #expect(error == .notAuthentic)
    let ofNothing = failure(CipherError.self) {
      var buffer = ByteBuffer()
      try opening.open(&buffer, at: 0, count: 0)
    }
    #expect(ofNothing == .notAuthentic)
  }

  @Test(.clauses("R-4.a")) func theCounterNeverWraps() throws {
    var sealing = try self.cipher(counter: .max - 2)
    let last = [try sealing.seal([1]), try sealing.seal([2])]
    var buffer = ByteBuffer(string: "frames")
    for _ in 0..<2 {
      let error = failure(CipherError.self) { try sealing.seal(&buffer, at: 0, count: 6) }
      #expect(error == .counterExhausted)
    }
    #expect(String(buffer: buffer) == "frames")

    var opening = try self.cipher(counter: .max - 2)
    _ = try opening.open(last[0])
    _ = try opening.open(last[1])
    for record in last {
      let error = failure(CipherError.self) { _ = try opening.open(record) }
      #expect(error == .counterExhausted)
    }
    let counters = (sealing.counter, opening.counter)
    #expect(counters == (.max, .max))
  }

  @Test(arguments: [(-1, 2), (0, -1), (0, 11), (11, 0), (4, 4), (9, 0), (.max, 1), (1, .max), (.min, .max)])
  func aRangeOutsideTheBufferIsAnErrorAndNoCrash(index: Int, count: Int) throws {
    var cipher = try self.cipher()
    // Readable are 1 ..< 10; a plaintext that neither ends the buffer nor leaves room for the tag is out of bounds too.
    var buffer = ByteBuffer(repeating: 7, count: 10)
    buffer.moveReaderIndex(to: 1)
    let sealing = failure(CipherError.self) { try cipher.seal(&buffer, at: index, count: count) }
    #expect(sealing == .outOfBounds)
    #expect(buffer == ByteBuffer(repeating: 7, count: 9))
    let counter = cipher.counter
    #expect(counter == 0)
  }

  @Test func aKeyOfAnotherLengthIsRefused() {
    let error = failure(SecretError.self) {
      _ = try CipherState(key: SecretBytes(copying: [1, 2, 3]), counter: 0, slab: KeySlab())
    }
    #expect(error == .wrongByteCount(given: 3, expected: 32))
  }
}
