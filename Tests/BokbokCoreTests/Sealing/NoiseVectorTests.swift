import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// The published vectors, byte for byte, for both roles (specification, section 3).
@Suite struct NoiseVectorTests {
  @Test func theFileHoldsEveryPatternOnce() throws {
    let vectors = try NoiseVector.all()
    #expect(vectors.map(\.protocolName).sorted() == NoisePattern.all.map(\.name).sorted())
    #expect(vectors.allSatisfy { !$0.source.isEmpty && $0.messages.count >= 4 })
  }

  @Test(.clauses("H-2.c", "H-3.b", "H-9.a", "R-2.c", "R-2.d"), arguments: try NoiseVector.all())
  func messagesAreReproduced(vector: NoiseVector) throws {
    let pattern = try #require(NoisePattern.all.first { $0.name == vector.protocolName })
    var initiator = try HandshakeState(
      pattern: pattern,
      role: .initiator,
      prologue: bytes(hexadecimal: vector.initPrologue),
      ephemeral: SecretBytes(copying: bytes(hexadecimal: vector.initEphemeral))
    )
    var responder = try HandshakeState(
      pattern: pattern,
      role: .responder,
      prologue: bytes(hexadecimal: vector.respPrologue),
      ephemeral: SecretBytes(copying: bytes(hexadecimal: vector.respEphemeral))
    )
    for psk in vector.initPsks {
      try initiator.provide(presharedKey: SecretBytes(copying: bytes(hexadecimal: psk)))
    }
    for psk in vector.respPsks {
      try responder.provide(presharedKey: SecretBytes(copying: bytes(hexadecimal: psk)))
    }

    let message1 = try initiator.message(payload: bytes(hexadecimal: vector.messages[0].payload))
    #expect(hexadecimal(message1) == vector.messages[0].ciphertext)
    let payload1 = try responder.readMessage(message1).revealed()
    #expect(hexadecimal(payload1) == vector.messages[0].payload)

    let message2 = try responder.message(payload: bytes(hexadecimal: vector.messages[1].payload))
    #expect(hexadecimal(message2) == vector.messages[1].ciphertext)
    let payload2 = try initiator.readMessage(message2).revealed()
    #expect(hexadecimal(payload2) == vector.messages[1].payload)

    let hash = initiator.handshakeHash
    #expect(hash == responder.handshakeHash)
    if let expected = vector.handshakeHash {
      #expect(hexadecimal(hash) == expected)
    }

    let slab = KeySlab()
    var atInitiator = try initiator.split(slab: slab)
    var atResponder = try responder.split(slab: slab)
    for (index, message) in vector.messages.enumerated().dropFirst(2) {
      let plaintext = bytes(hexadecimal: message.payload)
      let ciphertext: ByteBuffer
      let opened: [UInt8]
      if index.isMultiple(of: 2) {
        ciphertext = try atInitiator.initiatorToResponder.seal(plaintext)
        opened = try atResponder.initiatorToResponder.open(ciphertext)
      } else {
        ciphertext = try atResponder.responderToInitiator.seal(plaintext)
        opened = try atInitiator.responderToInitiator.open(ciphertext)
      }
      #expect(hexadecimal(ciphertext) == message.ciphertext)
      #expect(opened == plaintext)
    }
  }

  @Test(.clauses("H-2.c", "H-3.b"))
  func theOrderOfThePresharedKeysMatters() throws {
    let vector = try #require(try NoiseVector.all().first { $0.protocolName == NoisePattern.bokbok.name })
    var initiator = try HandshakeState(
      pattern: .bokbok,
      role: .initiator,
      prologue: bytes(hexadecimal: vector.initPrologue),
      ephemeral: SecretBytes(copying: bytes(hexadecimal: vector.initEphemeral))
    )
    for psk in vector.initPsks.reversed() {
      try initiator.provide(presharedKey: SecretBytes(copying: bytes(hexadecimal: psk)))
    }
    let message1 = try initiator.message(payload: bytes(hexadecimal: vector.messages[0].payload))
    #expect(message1.readableBytes == 80)
    // The ephemeral public key is the same, what follows is not.
    #expect(hexadecimal(message1).prefix(64) == vector.messages[0].ciphertext.prefix(64))
    #expect(hexadecimal(message1) != vector.messages[0].ciphertext)
  }
}
