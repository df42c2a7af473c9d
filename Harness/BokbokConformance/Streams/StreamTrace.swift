/// What went over one stream, with times, for the trace of a failing case.
final class StreamTrace {
  enum Entry {
    case sent([UInt8])
    case received([UInt8])
    case remark(String)
  }

  /// The name of the connection in the case.
  let name: String
  /// Whether the kit is the client.
  let isClient: Bool
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
    self.name = name
    self.isClient = isClient
    self.keepsEntries = keepsEntries
    self.clock = clock
  }

  func note(_ entry: Entry) {
    guard keepsEntries else { return }
    entries.append((clock?.now ?? .now, entry))
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
