#if os(Linux)
import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// No copy of a secret stays in the process's memory after its use (specification, H-8).
///
/// One test after the other, since what a search reads passes through memory that another would find it in.
@Suite(.serialized) struct ErasureTests {
  private static let preamble = Array("BOKBOK".utf8) + [1, 1]
  private static let userName = ByteBuffer(string: "alice")

  @Test(.clauses("H-8.a")) func aSecretIsErasedWhenItEnds() throws {
    let search: MemorySearch
    do {
      let secret = try SecretBytes.random(count: 32)
      search = try MemorySearch(for: secret)
      // The search does find a secret that is there, and each copy.
      let alone = try search.findings()
      #expect(alone.count == 1)
      let copy = try secret.copy()
      let both = try search.findings()
      #expect(both.count == 2)
      let isEqual = copy.constantTimeEquals(secret)
      #expect(isEqual)
    }
    let afterwards = try search.findings()
    #expect(afterwards.isEmpty)
  }

  @Test(.clauses("H-8.a")) func aKeyIsErasedWithItsLastReference() throws {
    let search: MemorySearch
    do {
      let key = try PresharedKey.random()
      search = try MemorySearch(for: key.secret())
      let alive = try search.findings()
      #expect(alive.count == 1, "\(alive)")
      #expect(key.description == "PresharedKey(redacted)")
    }
    let afterwards = try search.findings()
    #expect(afterwards.isEmpty)
  }

  @Test(.clauses("H-8.b")) func aTrafficKeyIsErasedWithItsCipherWhileTheSlabLives() throws {
    let slab = KeySlab()
    let neighbour = try CipherState(key: SecretBytes.random(count: 32), counter: 0, slab: slab)
    let search: MemorySearch
    do {
      let secret = try SecretBytes.random(count: 32)
      search = try MemorySearch(for: secret)
      let cipher = try CipherState(key: secret, counter: 0, slab: slab)
      let both = try search.findings()
      #expect(both.count == 2)
      let counter = cipher.counter
      #expect(counter == 0)
    }
    let afterwards = try search.findings()
    #expect(afterwards.isEmpty)
    #expect(slab.usedSlotCount == 1)
    let counter = neighbour.counter
    #expect(counter == 0)
  }

  /// Every secret of a handshake.
  private struct Secrets: ~Copyable {
    var userKey: SecretBytes
    var sessionKey: SecretBytes
    var clientEphemeral: SecretBytes
    var serverEphemeral: SecretBytes

    static func random() throws -> Secrets {
      let userKey = try SecretBytes.random(count: 32)
      let sessionKey = try SecretBytes.random(count: 32)
      let clientEphemeral = try SecretBytes.random(count: 32)
      let serverEphemeral = try SecretBytes.random(count: 32)
      return Secrets(
        userKey: userKey,
        sessionKey: sessionKey,
        clientEphemeral: clientEphemeral,
        serverEphemeral: serverEphemeral
      )
    }

    func searches() throws -> Searches {
      let userKey = try MemorySearch(for: self.userKey)
      let sessionKey = try MemorySearch(for: self.sessionKey)
      let clientEphemeral = try MemorySearch(for: self.clientEphemeral)
      let serverEphemeral = try MemorySearch(for: self.serverEphemeral)
      return Searches(
        userKey: userKey,
        sessionKey: sessionKey,
        clientEphemeral: clientEphemeral,
        serverEphemeral: serverEphemeral
      )
    }
  }

  /// A search for each of them.
  private struct Searches: ~Copyable {
    let userKey: MemorySearch
    let sessionKey: MemorySearch
    let clientEphemeral: MemorySearch
    let serverEphemeral: MemorySearch

    func findings() throws -> [String: [UInt: String]] {
      [
        "user key": try self.userKey.findings(),
        "session key": try self.sessionKey.findings(),
        "client's ephemeral": try self.clientEphemeral.findings(),
        "server's ephemeral": try self.serverEphemeral.findings(),
      ].filter { !$0.value.isEmpty }
    }
  }

  @Test(.clauses("H-8.a")) func nothingOfACompletedHandshakeStays() throws {
    let secrets = try Secrets.random()
    let searches = try secrets.searches()
    let slab = KeySlab()
    let serverKey = try secrets.userKey.copy()
    var client = try ClientHandshake(
      preamble: Self.preamble,
      userName: Self.userName,
      userKey: secrets.userKey,
      sessionKey: secrets.sessionKey,
      ephemeral: secrets.clientEphemeral
    )
    var message1 = ByteBuffer()
    try client.writeMessage1(into: &message1)
    let server = try ServerHandshake(
      preamble: Self.preamble,
      userName: Self.userName,
      ephemeral: secrets.serverEphemeral
    )
    var message2 = ByteBuffer()
    var atServer = try server.answer(message1: message1, userKey: serverKey, message2Into: &message2, slab: slab)
    var atClient = try client.readMessage2(message2, slab: slab)

    let findings = try searches.findings()
    #expect(findings.isEmpty)
    // The connection is still alive.
    let record = try atClient.sealing.seal("hello".utf8)
    let opened = try atServer.opening.open(record)
    #expect(opened == Array("hello".utf8))
  }

  @Test(.clauses("H-8.a")) func nothingOfARefusedHandshakeStays() throws {
    let secrets = try Secrets.random()
    let searches = try secrets.searches()
    let slab = KeySlab()
    do {
      var client = try ClientHandshake(
        preamble: Self.preamble,
        userName: Self.userName,
        userKey: secrets.userKey,
        sessionKey: secrets.sessionKey,
        ephemeral: secrets.clientEphemeral
      )
      var message1 = ByteBuffer()
      try client.writeMessage1(into: &message1)
      let server = try ServerHandshake(
        preamble: Self.preamble,
        userName: Self.userName,
        ephemeral: secrets.serverEphemeral
      )
      let otherKey = try SecretBytes.random(count: 32)
      var message2 = ByteBuffer()
      do throws(HandshakeError) {
        _ = try server.answer(message1: message1, userKey: otherKey, message2Into: &message2, slab: slab)
        Issue.record("the server took another key")
      } catch {
        #expect(error == .notAuthentic)
      }
      #expect(message2.readableBytes == 0)
      do throws(HandshakeError) {
        _ = try client.readMessage2(ByteBuffer(repeating: 9, count: 48), slab: slab)
        Issue.record("the client took a message 2 that nobody made")
      } catch {
        #expect(error == .notAuthentic)
      }
    }
    let findings = try searches.findings()
    #expect(findings.isEmpty)
    #expect(slab.usedSlotCount == 0)
  }

  @Test(.clauses("H-8.a")) func aFailureErasesAtOnceAndNotOnlyWithTheState() throws {
    let psk = try SecretBytes.random(count: 32)
    let ephemeral = try SecretBytes.random(count: 32)
    let pskSearch = try MemorySearch(for: psk)
    let ephemeralSearch = try MemorySearch(for: ephemeral)
    var responder = try HandshakeState(pattern: .bokbok, role: .responder, prologue: [], ephemeral: ephemeral)
    try responder.provide(presharedKey: psk)
    let before = try (pskSearch.findings().count, ephemeralSearch.findings().count)
    #expect(before == (1, 1))
    let error = failure(HandshakeError.self) {
      _ = try responder.readMessage(ByteBuffer(repeating: 9, count: 80))
    }
    #expect(error == .notAuthentic)
    let after = try (pskSearch.findings(), ephemeralSearch.findings())
    #expect(after.0.isEmpty)
    #expect(after.1.isEmpty)
    let again = failure(HandshakeError.self) {
      _ = try responder.readMessage(ByteBuffer(repeating: 9, count: 80))
    }
    #expect(again == .outOfOrder)
  }

  @Test(.clauses("H-8.a")) func aDerivedKeyLeavesNoCopy() throws {
    let search: MemorySearch
    do {
      let key = try PresharedKey.derive(passphrase: Passphrase.random(), user: "alice")
      search = try MemorySearch(for: key.secret())
      let alive = try search.findings()
      #expect(alive.count == 1, "\(alive)")
      #expect(key.description == "PresharedKey(redacted)")
    }
    let afterwards = try search.findings()
    #expect(afterwards.isEmpty)
  }
}
#endif
