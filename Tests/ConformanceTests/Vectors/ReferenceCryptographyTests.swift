import Testing

@testable import BokbokConformance

/// The code that makes the inputs of vectors, against published values: what it makes is only worth what it is worth.
@Suite struct ReferenceCryptographyTests {
  private func bytes(_ digits: String) throws -> [UInt8] {
    try #require(Hexadecimal.bytes(digits))
  }

  @Test func `the authenticated encryption is that of RFC 8439, section 2.8.2`() throws {
    let key = (0x80...0x9F).map { UInt8($0) }
    let nonce = try bytes("070000004041424344454647")
    let data = try bytes("50515253c0c1c2c3c4c5c6c7")
    let plaintext = Array(
      """
      Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.
      """.utf8
    )
    let expected = try bytes(
      """
      d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6 3dbea45e8ca9671282fafb69da92728b
      1a71de0a9e060b2905d6a5b67ecd3b36 92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b 61161ae10b594f09e26a7e902ecbd060 0691
      """
    )
    let sealed = ReferenceChaCha20Poly1305.seal(plaintext, key: key, nonce: nonce, associatedData: data)
    #expect(sealed == expected)
    #expect(ReferenceChaCha20Poly1305.open(sealed, key: key, nonce: nonce, associatedData: data) == plaintext)
    #expect(ReferenceChaCha20Poly1305.open(sealed, key: key, nonce: nonce) == nil)
  }

  @Test func `the authenticator is that of RFC 8439, section 2.5.2`() throws {
    let key = try bytes("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
    let tag = ReferenceChaCha20Poly1305.poly1305(Array("Cryptographic Forum Research Group".utf8), key: key)
    #expect(tag == (try bytes("a8061dc1305136c6c22b8baf0c0127a9")))
  }

  @Test(
    arguments: [
      // RFC 8439, appendix A.3, vectors 7 to 11: sums that reach the modulus, and that carry far.
      ("02", "ffffffffffffffffffffffffffffffff", "00", "03000000000000000000000000000000"),
      ("02", "02000000000000000000000000000000", "ff", "03000000000000000000000000000000"),
      (
        "01", "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff11000000000000000000000000000000", "00",
        "05000000000000000000000000000000"
      ),
      (
        "01", "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe01010101010101010101010101010101", "00",
        "00000000000000000000000000000000"
      ),
      ("02", "fdffffffffffffffffffffffffffffff", "00", "faffffffffffffffffffffffffffffff"),
    ]
  )
  func `the authenticator carries as RFC 8439 says`(
    factor: String,
    message: String,
    pad: String,
    tag: String
  ) throws {
    let key = try bytes(factor + String(repeating: "00", count: 15) + String(repeating: pad, count: 16))
    #expect(ReferenceChaCha20Poly1305.poly1305(try bytes(message), key: key) == (try bytes(tag)))
  }

  @Test(
    arguments: [
      // RFC 7748, section 5.2.
      (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
      ),
      (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
      ),
      // The first step of the iteration there.
      (
        "0900000000000000000000000000000000000000000000000000000000000000",
        "0900000000000000000000000000000000000000000000000000000000000000",
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
      ),
    ]
  )
  func `the key exchange is that of RFC 7748, section 5.2`(scalar: String, point: String, result: String) throws {
    #expect(ReferenceX25519.sharedSecret(of: try bytes(scalar), with: try bytes(point)) == (try bytes(result)))
  }

  @Test func `weak public keys make a shared secret of zeros`() {
    for (name, key) in HandshakeVectors.weakPublicKeys {
      #expect(key.count == 32)
      let secret = ReferenceX25519.sharedSecret(of: ReferenceHandshake.ascending(from: 0x60), with: key)
      #expect(secret == [UInt8](repeating: 0, count: 32), "\(name)")
    }
  }

  @Test func `the handshake is the one that the specification prints`() throws {
    let handshake = ReferenceHandshake()
    let specification = try #require(EmbeddedFiles.contents(of: SpecificationIndex.path))
    let text = String(decoding: specification, as: UTF8.self)
    for (name, value) in [
      ("client's ephemeral public key", handshake.clientPublicKey),
      ("server's ephemeral public key", handshake.serverPublicKey),
      ("DH(e, e)", handshake.sharedSecret),
      ("handshake hash h at the end", handshake.handshakeHash),
      ("key, client to server", handshake.clientToServerKey),
      ("key, server to client", handshake.serverToClientKey),
    ] {
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + " ") }, "\(name)")
      #expect(line.hasSuffix(" " + Hexadecimal.text(value)), "\(name)")
    }
    // The printed bytes, without the blanks and remarks between them.
    let printed = printedBytes(in: text)
    #expect(printed.contains(Hexadecimal.text(handshake.message1)))
    #expect(printed.contains(Hexadecimal.text(handshake.message2)))
  }

  @Test func `the records of the example are those that the specification prints`() throws {
    let specification = try #require(EmbeddedFiles.contents(of: SpecificationIndex.path))
    let printed = printedBytes(in: String(decoding: specification, as: UTF8.self))
    let example = try #require(HandshakeVectors.all.first { $0.id == "handshakes/example" })
    for name in ["clientRecords", "serverRecords"] {
      let records = try #require(example[name]?.array)
      #expect(records.count == 3)
      for record in records { #expect(printed.contains(try #require(record["record"]?.string))) }
    }
    #expect(printed.contains(try #require(example["clientSends"]?.string)))
    #expect(printed.contains(try #require(example["serverSends"]?.string)))
  }

  /// The digits of all lines of bytes in the reading guide, one after the other.
  private func printedBytes(in text: String) -> String {
    var digits = ""
    for line in text.split(separator: "\n") {
      guard let match = line.prefixMatch(of: /(?:C →|S ←|   ) ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: |$)/) else { continue }
      digits += match.1.filter { $0 != " " }
    }
    return digits
  }
}
