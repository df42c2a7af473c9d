internal import BokbokCore

/// A sealed connection in which the recorder is an end of each leg: the server of the client, and the client of the
/// server, under the same user and key. What each record holds passes in a record of its own on the other leg.
///
/// A leg is called by the side at its other end: the leg `client` joins the client to the recorder. Neither side's
/// handshake is the other's, so that each leg has ephemerals and a session key of its own; the frames are the sides' own.
final class RelayedConnection: RecordedConnection {
  /// Whom the recorder stands for, on both legs.
  struct Identity {
    let user: [UInt8]
    let key: [UInt8]
  }

  private enum Phase {
    /// Of the client's opening, not all has come.
    case awaitingClient
    /// The client has proved that it has the key; the server has not answered.
    case awaitingServer
    case open
    /// Nothing passes any more; what still comes is recorded, and discarded.
    case over
  }

  private final class Leg {
    let role: SideRole
    let stream: ByteStream
    let secrets: KitSecrets
    /// What came and was not taken apart.
    var pending: [UInt8] = []
    var ciphers: KitCiphers?
    /// Sealed records in each direction, by who sent them.
    var recordCounts: [SideRole: Int] = [:]
    var hasEnded = false

    init(role: SideRole, stream: ByteStream, secrets: KitSecrets) {
      self.role = role
      self.stream = stream
      self.secrets = secrets
    }
  }

  let number: Int
  private let identity: Identity
  private let client: Leg
  private let server: Leg
  private let serverHandshake: KitHandshake
  private var phase = Phase.awaitingClient
  /// Message 2 for the client, kept until the server has taken the recorder's message 1.
  private var message2: [UInt8] = []

  init(number: Int, identity: Identity, client: ByteStream, server: ByteStream) {
    self.number = number
    self.identity = identity
    let entropy = KitEntropy()
    self.client = Leg(role: .client, stream: client, secrets: entropy.secrets(ofConnection: 0))
    self.server = Leg(role: .server, stream: server, secrets: entropy.secrets(ofConnection: 1))
    serverHandshake = KitHandshake(secrets: self.server.secrets)
  }

  var isOpen: Bool { client.stream.isOpen || server.stream.isOpen }

  func close() {
    client.stream.close()
    server.stream.close()
  }

  func pass(_ note: (Recording.Moment) throws -> Void) throws {
    let legs = [client, server]
    for leg in legs {
      let bytes = leg.stream.take(leg.stream.available.count)
      guard !bytes.isEmpty else { continue }
      try note(.init(.bytes(leg.role, bytes), leg: leg.role))
      if phase != .over { leg.pending += bytes }
    }
    try advance(note)
    for leg in legs { try passEnd(of: leg, note) }
    // What one side does not take, the other has to keep; nothing of the client is wanted before the server has answered.
    client.stream.isReadingPaused = phase != .over && (phase == .awaitingServer || !server.stream.isFlushed)
    server.stream.isReadingPaused = phase != .over && !client.stream.isFlushed
    let isLost = legs.contains { $0.hasEnded && $0.stream.hasOutputFailed }
    if isLost || legs.allSatisfy({ ($0.hasEnded && $0.stream.isFlushed) || !$0.stream.isOpen }) { close() }
  }

  // MARK: The opening

  private func advance(_ note: (Recording.Moment) throws -> Void) throws {
    if phase == .awaitingClient { try answerClient(note) }
    if phase == .awaitingServer { try takeServersAnswer(note) }
    guard phase == .open else { return }
    try passRecords(from: client, to: server, note)
    if phase == .open { try passRecords(from: server, to: client, note) }
  }

  private func answerClient(_ note: (Recording.Moment) throws -> Void) throws {
    let opening = client.pending
    guard opening.prefix(6).elementsEqual(WirePreamble.magic.prefix(opening.count)) else {
      // O-3.a: without a word.
      return try giveUp("the client does not speak this protocol", note)
    }
    guard opening.count >= WirePreamble.byteCount else { return }
    guard opening[6] == WirePreamble.version else { return try refuse("unsupported-version", "version 1 only", note) }
    guard opening[7] == WirePreamble.sealed else { return try refuse("mode-mismatch", "sealed only", note) }
    var offset = WirePreamble.byteCount
    guard let user = opening.recordContent(at: &offset), let message1 = opening.recordContent(at: &offset) else {
      return
    }
    client.pending.removeFirst(offset)
    guard user == identity.user else {
      return try refuse("the client names another user than the recorder stands for", note)
    }
    let preamble = Array(opening.prefix(WirePreamble.byteCount))
    // A message of another length is as wrong as one that does not authenticate (H-5.a).
    guard message1.count == 80,
      let answer = try? KitHandshake(secrets: client.secrets)
        .answer(message1: message1, preamble: preamble, user: user, key: identity.key, weakPublicKey: nil)
    else { return try refuse("message 1 does not authenticate: the client has another key", note) }
    client.ciphers = answer.ciphers
    message2 = answer.message2
    try note(.init(.secret(ephemeral: client.secrets.ephemeral, sessionKey: nil), leg: .client))

    let ownPreamble = WirePreamble.bytes(mode: WirePreamble.sealed)
    let ownMessage = try serverHandshake.message1(
      preamble: ownPreamble,
      user: identity.user,
      key: identity.key,
      weakPublicKey: nil
    )
    try note(.init(.secret(ephemeral: server.secrets.ephemeral, sessionKey: server.secrets.sessionKey), leg: .server))
    try send(ownPreamble + .record(identity.user) + .record(ownMessage), on: server, note)
    phase = .awaitingServer
  }

  private func takeServersAnswer(_ note: (Recording.Moment) throws -> Void) throws {
    let opening = server.pending
    guard opening.count >= WirePreamble.byteCount else { return }
    guard opening.starts(with: WirePreamble.magic) else {
      return try giveUp("the server does not speak this protocol", note)
    }
    var offset = WirePreamble.byteCount
    guard let content = opening.recordContent(at: &offset) else { return }
    let preamble = Array(opening.prefix(WirePreamble.byteCount))
    if preamble[7] == WirePreamble.refused {
      try remark("the server refuses, and so does the recorder", note)
      try send(Array(opening.prefix(offset)), on: client, note)
      return try finish(note)
    }
    guard preamble == WirePreamble.bytes(mode: WirePreamble.sealed) else {
      return try giveUp("the server does not speak this protocol", note)
    }
    server.pending.removeFirst(offset)
    guard content.count == 48, let ciphers = serverHandshake.ciphers(message2: content) else {
      return try refuse("message 2 does not authenticate: the server has another key", note)
    }
    server.ciphers = ciphers
    try send(preamble + .record(message2), on: client, note)
    phase = .open
  }

  // MARK: Records

  private func passRecords(from leg: Leg, to other: Leg, _ note: (Recording.Moment) throws -> Void) throws {
    var offset = 0
    defer { leg.pending.removeFirst(min(offset, leg.pending.count)) }
    while let content = leg.pending.recordContent(at: &offset) {
      guard content.count >= 16, let frames = leg.ciphers?.open(content), let sealed = try other.ciphers?.seal(frames)
      else {
        return try giveUp("record \(leg.recordCounts[leg.role] ?? 0) of the \(leg.role) does not authenticate", note)
      }
      try noteContent(frames, on: leg, from: leg.role, note)
      try noteContent(frames, on: other, from: leg.role, note)
      try send(.record(sealed), on: other, note)
    }
  }

  private func noteContent(
    _ frames: [UInt8],
    on leg: Leg,
    from role: SideRole,
    _ note: (Recording.Moment) throws -> Void
  ) throws {
    let index = leg.recordCounts[role] ?? 0
    leg.recordCounts[role] = index + 1
    try note(.init(.content(role, index: index, frames), leg: leg.role))
  }

  private func send(_ bytes: [UInt8], on leg: Leg, _ note: (Recording.Moment) throws -> Void) throws {
    try note(.init(.bytes(leg.role.other, bytes), leg: leg.role))
    leg.stream.send(bytes)
  }

  // MARK: Ends

  private func passEnd(of leg: Leg, _ note: (Recording.Moment) throws -> Void) throws {
    guard leg.stream.isOpen, !leg.hasEnded, let end = leg.stream.inputEnd else { return }
    leg.hasEnded = true
    try note(.init(.ends(leg.role, end), leg: leg.role))
    let other = leg.role == .client ? server : client
    if end == .reset {
      leg.stream.close()
      if other.stream.isOpen { try note(.init(.ends(leg.role, .reset), leg: other.role)) }
      return other.stream.reset()
    }
    guard phase != .over else { return }
    if !leg.pending.isEmpty { try remark("the \(leg.role) ends inside of a part, which does not pass", note) }
    if other.stream.isOpen { try note(.init(.ends(leg.role, .end), leg: other.role)) }
    other.stream.shutDownOutput()
  }

  /// H-4.a: nothing tells the client why.
  private func refuse(_ reason: String, _ note: (Recording.Moment) throws -> Void) throws {
    try remark(reason, note)
    try refuse("authentication-failed", "authentication failed", note)
  }

  private func refuse(_ code: String, _ message: String, _ note: (Recording.Moment) throws -> Void) throws {
    let refusal = try WireValues.encode([Value(code), Value(message)])
    try send(WirePreamble.bytes(mode: WirePreamble.refused) + .record(refusal), on: client, note)
    try finish(note)
  }

  /// Ends the client's leg after its last word (F-3.a), and leaves the server.
  private func finish(_ note: (Recording.Moment) throws -> Void) throws {
    phase = .over
    try note(.init(.ends(.server, .end), leg: .client))
    client.stream.shutDownOutput()
    if server.stream.isOpen { try note(.init(.ends(.client, .end), leg: .server)) }
    server.stream.close()
  }

  private func giveUp(_ reason: String, _ note: (Recording.Moment) throws -> Void) throws {
    phase = .over
    try remark(reason, note)
    for leg in [client, server] where leg.stream.isOpen {
      try note(.init(.ends(leg.role.other, .end), leg: leg.role))
    }
    close()
  }

  private func remark(_ text: String, _ note: (Recording.Moment) throws -> Void) throws {
    try note(.init(.remark(text)))
  }
}

extension [UInt8] {
  /// The content of the record at an offset, which moves behind it; nil if it is not all there.
  func recordContent(at offset: inout Int) -> [UInt8]? {
    guard count - offset >= 2 else { return nil }
    let end = offset + 2 + (Int(self[offset]) << 8 | Int(self[offset + 1]))
    guard end <= count else { return nil }
    defer { offset = end }
    return Array(self[(offset + 2)..<end])
  }
}
