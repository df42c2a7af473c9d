/// What went over one stream, with times, for the trace of a failing case.
final class StreamTrace {
  enum Entry {
    case sent([UInt8])
    case received([UInt8])
    case remark(Remark)
  }

  /// What happened to the stream besides bytes.
  enum Remark: Equatable {
    /// The incoming half has ended, and for a reset how the system calls it.
    case inputEnded(StreamEnd, reason: String)
    /// Something has come that the kit, which waits for it, does not read yet.
    case inputWaits
    case kitEndsSending
    case kitResets
    case kitCloses
    case kitCannotWrite(reason: String)
    /// Of the repetitions from here on only one that fails is kept.
    case repetitionsOmitted

    /// For people.
    var text: String {
      switch self {
      case .inputEnded(.end, _): "end of stream"
      case .inputEnded(.reset, let reason): "the stream was reset (\(reason))"
      case .inputWaits: "the testee has sent something, which the kit does not read yet"
      case .kitEndsSending: "the kit ends its sending half"
      case .kitResets: "the kit resets the stream"
      case .kitCloses: "the kit closes the stream"
      case .kitCannotWrite(let reason): "the kit cannot write any more (\(reason))"
      case .repetitionsOmitted: "further repetitions, of which the trace has only one that fails"
      }
    }
  }

  /// The name of the connection in the case.
  let name: String
  /// Whether the kit is the client.
  let isClient: Bool
  /// When the stream stood.
  var start: ContinuousClock.Instant
  private(set) var entries: [(time: ContinuousClock.Instant, entry: Entry)] = []

  /// The frames of the sealed records that were opened, in their order; nil for one that did not open.
  var openedFrames: [[UInt8]?] = []
  /// The frames of the sealed records that the kit made, by the records' contents.
  var sealedFrames: [[UInt8]: [UInt8]] = [:]

  private let keepsEntries: Bool
  private let clock: (any CaseClock)?

  /// - Parameters:
  ///   - keepsEntries: false where streams run for long, and their bytes are kept elsewhere.
  ///   - clock: what tells the time of an entry; nil: the system.
  init(name: String, isClient: Bool, keepsEntries: Bool = true, clock: (any CaseClock)? = nil) {
    self.start = clock?.timestamp ?? .now
    self.name = name
    self.isClient = isClient
    self.keepsEntries = keepsEntries
    self.clock = clock
  }

  func note(_ entry: Entry) {
    guard keepsEntries else { return }
    entries.append((clock?.timestamp ?? .now, entry))
  }

  /// A place in the trace.
  struct Bookmark {
    fileprivate let entryCount: Int
    fileprivate let openedCount: Int
    fileprivate let sealedFrames: [[UInt8]: [UInt8]]
  }

  var bookmark: Bookmark {
    Bookmark(entryCount: entries.count, openedCount: openedFrames.count, sealedFrames: sealedFrames)
  }

  func forget(since bookmark: Bookmark) {
    entries.removeSubrange(bookmark.entryCount...)
    openedFrames.removeSubrange(bookmark.openedCount...)
    sealedFrames = bookmark.sealedFrames
  }

  /// All bytes of one direction.
  func bytes(sent: Bool) -> [UInt8] {
    entries.flatMap { _, entry -> [UInt8] in
      switch entry {
      case .sent(let bytes): sent ? bytes : []
      case .received(let bytes): sent ? [] : bytes
      case .remark: []
      }
    }
  }
}
