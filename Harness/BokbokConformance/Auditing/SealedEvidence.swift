internal import BokbokCore

/// What the audit takes from one sealed connection: all of it from the testee's bytes, as they went over the wire.
struct SealedEvidence {
  /// The testee's ephemeral public key.
  var publicKey: [UInt8]?
  /// The session key that a testee chose as the client.
  var sessionKey: [UInt8]?
  /// The tags of its sealed records, at most those of the first and of the last ``recordCountMax``.
  var tags: [[UInt8]] = []
  /// Its refusal of a client that did not authenticate, all bytes.
  var refusal: [UInt8]?
  /// The first bytes that it sent.
  var head: [UInt8] = []
  /// Pieces of what its sealed records hold, long enough not to come by chance.
  var plaintexts: [[UInt8]] = []

  /// Enough to tell a stream of records by, and cheap for those that are long.
  static let recordCountMax = 16
  static let headByteCountMax = 4096
  private static let plaintextCountMax = 4
  private static let plaintextByteCount = 24

  /// - Parameters:
  ///   - sent: what the testee sent, from the first byte.
  ///   - isTesteeServer: its role.
  ///   - userKey: with which the kit played; nil where it played none.
  ///   - openedFrames: what the kit read in its sealed records; nil for one that did not open.
  init(sent: [UInt8], isTesteeServer: Bool, userKey: [UInt8]?, openedFrames: [[UInt8]?]) {
    var offset = WirePreamble.byteCount
    guard sent.count >= offset else { return }
    let preamble = Array(sent[..<offset])
    if preamble == WirePreamble.bytes(mode: WirePreamble.refused) {
      guard isTesteeServer, let content = sent.recordContent(at: &offset),
        let body = try? WireErrorBody(content, takesDetails: false, clause: "O-6.a"),
        body.code == "authentication-failed"
      else { return }
      refusal = sent
      return
    }
    guard preamble == WirePreamble.bytes(mode: WirePreamble.sealed) else { return }
    if isTesteeServer {
      guard let message2 = sent.recordContent(at: &offset), message2.count == SealedHandshake.message2ByteCount else {
        return
      }
      publicKey = Array(message2[..<32])
    } else {
      guard let user = sent.recordContent(at: &offset), let message1 = sent.recordContent(at: &offset),
        message1.count == SealedHandshake.message1ByteCount
      else { return }
      publicKey = Array(message1[..<32])
      if let userKey {
        sessionKey = KitHandshake.sessionKey(message1: message1, prologue: preamble + user, key: userKey)
      }
    }
    head = Array(sent[offset...].prefix(Self.headByteCountMax))
    while let content = sent.recordContent(at: &offset), content.count >= 16 {
      // A record that is sent again often is the last one.
      if tags.count == 2 * Self.recordCountMax { tags.remove(at: Self.recordCountMax) }
      tags.append(Array(content.suffix(16)))
    }
    for frames in openedFrames.compactMap({ $0 }).prefix(Self.plaintextCountMax) {
      let piece = frames.dropFirst(WireFrame.headerByteCount).prefix(Self.plaintextByteCount)
      if piece.count == Self.plaintextByteCount { plaintexts.append(Array(piece)) }
    }
  }

  /// The first bytes of the testee on a connection: long ones are not copied whole.
  init?(_ connection: KitConnection) {
    guard connection.isSealed else { return nil }
    var sent: [UInt8] = []
    for entry in connection.trace.entries {
      guard case .received(let bytes) = entry.entry else { continue }
      sent += bytes.prefix(Self.streamByteCountMax - sent.count)
      if sent.count == Self.streamByteCountMax { break }
    }
    self.init(
      sent: sent,
      isTesteeServer: connection.isClient,
      userKey: connection.userKey,
      openedFrames: connection.trace.openedFrames
    )
  }

  private static let streamByteCountMax = 65_536
}
