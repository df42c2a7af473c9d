internal import BokbokCore
internal import NIOCore

/// What both sides of a recorded connection, or of one leg of it, sent, with the content of their records.
struct RecordedSides {
  let isSealed: Bool
  let secrets: SessionSecrets?
  let bytes: [SideRole: [UInt8]]
  /// In their order.
  let happenings: [Recording.Happening]
  /// The first clause that a side's bytes break.
  let brokenClauses: [SideRole: String]
  /// What each record holds, by the offset of its length.
  private let contents: [SideRole: [Int: [UInt8]]]

  /// - Throws: why the connection is nothing that a session vector can show.
  init(
    _ recording: Recording,
    connection: Int,
    leg: SideRole?,
    keys: SessionSecrets.Keys?
  ) throws(SessionPromotion.Failure) {
    guard (leg == nil) == (recording.user == nil) else {
      let message =
        leg == nil
        ? "the recorder was an end of each leg: say which is wanted, client or server"
        : "the recorder passed all bytes unchanged: there are no legs in this recording"
      throw .init(description: message)
    }
    let events = recording.events.filter { $0.connection == connection && $0.leg == leg }
    var bytes: [SideRole: [UInt8]] = [:]
    for role in SideRole.allCases { bytes[role] = recording.bytes(of: role, connection: connection, leg: leg) }
    let modes = SideRole.allCases.map { bytes[$0]?.prefix(WirePreamble.byteCount) ?? [] }
    isSealed = modes[0].elementsEqual(WirePreamble.bytes(mode: WirePreamble.sealed))
    let wanted = WirePreamble.bytes(mode: isSealed ? WirePreamble.sealed : WirePreamble.plain)
    for (role, head) in zip(SideRole.allCases, modes) where !head.elementsEqual(wanted) {
      let shown = head.isEmpty ? "none" : Hexadecimal.text(head)
      throw .init(
        description: "the \(role) opens no connection of the other side's kind, its first bytes are \(shown); "
          + "only connections that were open become session vectors"
      )
    }
    if isSealed {
      guard let keys else {
        throw .init(description: "the session is sealed: give the user's key with --user and --key-file")
      }
      secrets = try SessionSecrets(recording, connection: connection, leg: leg, keys: keys)
    } else {
      secrets = nil
    }
    self.bytes = bytes
    happenings = events.map(\.happening)
    var contents: [SideRole: [Int: [UInt8]]] = [:]
    var brokenClauses: [SideRole: String] = [:]
    for role in SideRole.allCases {
      let sent = bytes[role] ?? []
      let opened = Self.contents(of: role, sent, secrets)
      contents[role] = opened
      let inOrder = opened.sorted { $0.key < $1.key }.map(\.value)
      let opener: Annotator.Opener? = isSealed ? { index, _ in index < inOrder.count ? inOrder[index] : nil } : nil
      let annotator = Annotator(sender: role == .client ? .client : .server, opener: opener)
      brokenClauses[role] = annotator.annotate(sent).compactMap(\.clause).first
    }
    self.contents = contents
    self.brokenClauses = brokenClauses
  }

  /// Which sides may conform: first both.
  var candidates: [[SideRole]] {
    let able = SideRole.allCases.filter { role in
      brokenClauses[role] == nil && (secrets == nil || secrets?.ephemerals[role] != nil)
    }
    return able.count == 2 ? [able, [.server], [.client]] : able.isEmpty ? [] : [able]
  }

  /// The frames of the record at an offset, which moves behind it; nil if it is not all there, or does not open.
  func frames(of role: SideRole, at offset: inout Int) throws(VectorMismatch) -> [WireFrame]? {
    let start = offset
    guard bytes[role]?.recordContent(at: &offset) != nil, let content = contents[role]?[start] else { return nil }
    do throws(WireFault) {
      return try WireFrame.frames(in: content[...])
    } catch {
      throw VectorMismatch(place: "\(role), byte \(start)", message: error.message)
    }
  }

  /// What a side starts with.
  func plan(_ role: SideRole) throws(VectorMismatch) -> SidePlan {
    var plan = SidePlan(role: role, isSealed: isSealed)
    plan.settings = try settings(role)
    guard let secrets else { return plan }
    plan.ephemeral = secrets.ephemerals[role] ?? []
    switch role {
    case .client:
      plan.user = secrets.user
      plan.userKey = secrets.userKey
      plan.sessionKey = secrets.sessionKey
    case .server:
      plan.users = [SidePlan.User(name: secrets.user, key: secrets.userKey)]
      // Nobody unknown comes in a session that was open.
      plan.decoyKey = ReferenceHandshake.ascending(from: 0xA0)
    }
    return plan
  }

  /// The settings that a side announced.
  private func settings(_ role: SideRole) throws(VectorMismatch) -> JSON.Object {
    var object = JSON.Object()
    guard var offset = contents[role]?.keys.min(), let first = try frames(of: role, at: &offset)?.first,
      first.knownKind == .settings, let value = try? WireValues.decode(first.body), case .list(let settings) = value
    else { return object }
    for setting in settings {
      guard case .list(let parts) = setting, parts.count == 2, case .atom(let name) = parts[0],
        let number = try? parts[1].integer(as: Int.self)
      else { continue }
      let text = String(decoding: name.readableBytesView, as: UTF8.self)
      if WireSettings.names.contains(text) { object[text] = .integer(number) }
    }
    return object
  }

  /// The content of each record, up to the first that does not open: the counter then stands still.
  private static func contents(of role: SideRole, _ bytes: [UInt8], _ secrets: SessionSecrets?) -> [Int: [UInt8]] {
    var offset = WirePreamble.byteCount
    if secrets != nil {
      for _ in 0..<(role == .client ? 2 : 1) { _ = bytes.recordContent(at: &offset) }
    }
    var contents: [Int: [UInt8]] = [:]
    var start = offset
    while let content = bytes.recordContent(at: &offset) {
      if let secrets {
        guard let opened = secrets.open(role, contents.count, content) else { break }
        contents[start] = opened
      } else {
        contents[start] = content
      }
      start = offset
    }
    return contents
  }
}
