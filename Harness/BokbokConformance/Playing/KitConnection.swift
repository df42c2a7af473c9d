internal import BokbokCore

/// The kit's end of one connection: builds and reads what goes over its stream, and keeps what was sent and received.
///
/// It decides nothing: what is sent and expected, and when, is the case's business.
final class KitConnection {
  let name: String
  let isClient: Bool
  let isSealed: Bool
  let stream: any CaseStream
  let trace: StreamTrace
  /// The process at the other end.
  let testee: any CaseTestee
  /// What the testee's server or client was told.
  let testeeOptions: TesteeOptions

  /// How far the opening has come.
  var stage = Case.Start.stream
  let handshake: KitHandshake
  /// What the handshake takes from the kit's random source.
  let secrets: KitSecrets
  /// The user's key with which the kit's side has begun the handshake; nil before that.
  var userKey: [UInt8]?
  var ciphers: KitCiphers?
  /// The client's preamble and user name, and its message 1, as they went over the wire.
  var clientPreamble: [UInt8] = []
  var clientUser: [UInt8] = []
  var clientMessage1: [UInt8] = []

  /// The testee's name for this connection, once it has said so.
  var testeeID: String?
  /// Whether the testee has taken the connection for open: then it reports its end.
  var wasOpened = false
  /// Whether another connection has taken its name, to which replies about that name belong.
  var isReplaced = false
  /// Whether the testee's report of the end has been seen.
  var isClosedReported = false

  /// The testee's event `opened`, where it is the server.
  var openedEvent: JSON?
  var hasSentSettings = false

  var audit = PeerAudit()
  var peerSettings: WireSettings?

  /// Frames that have come and that no step has taken.
  private(set) var inbox: [WireFrame] = []
  private var nextRequestID: UInt32 = 0x4000_0000
  private var pingCount: UInt64 = 0
  private(set) var sentRecords: [[UInt8]] = []
  private(set) var receivedRecords: [[UInt8]] = []

  init(
    name: String,
    isClient: Bool,
    isSealed: Bool,
    stream: any CaseStream,
    trace: StreamTrace,
    testee: any CaseTestee,
    testeeOptions: TesteeOptions,
    secrets: KitSecrets
  ) {
    self.name = name
    self.isClient = isClient
    self.isSealed = isSealed
    self.stream = stream
    self.trace = trace
    self.testee = testee
    self.testeeOptions = testeeOptions
    self.secrets = secrets
    self.handshake = KitHandshake(secrets: secrets)
  }

  /// An exchange id that no case uses.
  func freshRequestID() -> UInt32 {
    defer { nextRequestID += 1 }
    return nextRequestID
  }

  /// A PING's body that was not used before on this connection.
  func freshPingBody() -> [UInt8] {
    pingCount += 1
    var body = Array("kit".utf8) + [0]
    body.append(bigEndian: UInt32(truncatingIfNeeded: pingCount))
    return body
  }

  // MARK: Sending

  /// The bytes of one record with these frames, sealed where the connection is.
  func recordBytes(_ frames: [WireFrame]) throws -> [UInt8] {
    for frame in frames { audit.noteSent(frame) }
    return try recordBytes(content: frames.reduce(into: []) { $0 += $1.bytes })
  }

  /// The bytes of one record with this content.
  func recordBytes(content: [UInt8], isUnsealed: Bool = false) throws -> [UInt8] {
    guard let ciphers, !isUnsealed else { return .record(content) }
    let sealed = try ciphers.seal(content)
    trace.sealedFrames[sealed] = content
    return .record(sealed)
  }

  /// Notes a record as sent, for templates that send it again.
  func noteSentRecord(_ bytes: [UInt8]) {
    sentRecords.append(bytes)
  }

  // MARK: Forgetting

  /// Where the connection's trace stands.
  struct Bookmark {
    fileprivate let trace: StreamTrace.Bookmark
    fileprivate let sentCount: Int
    fileprivate let receivedCount: Int
  }

  /// Says in the trace that what follows is not kept, and gives the place.
  func makeBookmark() -> Bookmark {
    if stream.isOpen { trace.note(.remark(.repetitionsOmitted)) }
    return Bookmark(trace: trace.bookmark, sentCount: sentRecords.count, receivedCount: receivedRecords.count)
  }

  func forget(since bookmark: Bookmark) {
    trace.forget(since: bookmark.trace)
    sentRecords.removeSubrange(bookmark.sentCount...)
    receivedRecords.removeSubrange(bookmark.receivedCount...)
  }

  // MARK: Sending frames

  func send(_ frames: [WireFrame]) throws {
    let bytes = try recordBytes(frames)
    noteSentRecord(bytes)
    stream.send(bytes)
  }

  // MARK: Receiving

  /// The content of the next plain record during the opening; nil while it has not come.
  func takeRecord() -> [UInt8]? {
    let available = stream.available
    guard available.count >= 2 else { return nil }
    let byteCount = Int(available[available.startIndex]) << 8 | Int(available[available.startIndex + 1])
    guard available.count >= 2 + byteCount else { return nil }
    let bytes = stream.take(2 + byteCount)
    receivedRecords.append(bytes)
    return Array(bytes[2...])
  }

  /// Reads the records that have come. Throws the rule that the testee breaks in them.
  func readFrames() throws(WireFault) {
    while let content = takeRecord() {
      var frames = content
      if let ciphers {
        guard content.count >= 16 else {
          throw WireFault(clause: "R-1.b", message: "a sealed record of \(content.count) bytes, shorter than its tag")
        }
        let opened = ciphers.open(content)
        trace.openedFrames.append(opened)
        guard let opened else {
          throw WireFault(clause: "R-2.c", message: "a sealed record of \(content.count) bytes does not authenticate")
        }
        frames = opened
      } else if content.isEmpty {
        throw WireFault(clause: "R-2.a", message: "a record of length 0")
      }
      for frame in try WireFrame.frames(in: frames) {
        try audit.noteReceived(frame)
        inbox.append(frame)
      }
    }
  }

  /// Takes the frame at a place in the inbox.
  func takeFrame(at index: Int = 0) -> WireFrame {
    inbox.remove(at: index)
  }
}
