/// A connection that a recorder stands in: a stream to each side.
protocol RecordedConnection: AnyObject {
  /// Counted from 1.
  var number: Int { get }
  /// Whether a stream is open.
  var isOpen: Bool { get }

  /// Passes on what has come, and notes it.
  func pass(_ note: (Recording.Moment) throws -> Void) throws

  /// Closes both streams.
  func close()
}

/// A connection whose bytes pass unchanged.
final class PassedConnection: RecordedConnection {
  let number: Int
  private let streams: [SideRole: ByteStream]
  private var ended: Set<SideRole> = []

  init(number: Int, client: ByteStream, server: ByteStream) {
    self.number = number
    streams = [.client: client, .server: server]
  }

  var isOpen: Bool { streams.values.contains { $0.isOpen } }

  func close() {
    for stream in streams.values { stream.close() }
  }

  func pass(_ note: (Recording.Moment) throws -> Void) throws {
    for role in SideRole.allCases where !ended.contains(role) {
      guard let stream = streams[role], let other = streams[role.other] else { continue }
      let bytes = stream.take(stream.available.count)
      if !bytes.isEmpty {
        try note(.init(.bytes(role, bytes)))
        other.send(bytes)
      }
      // What one side does not take, the other has to keep.
      stream.isReadingPaused = !other.isFlushed
      guard let end = stream.inputEnd else { continue }
      ended.insert(role)
      try note(.init(.ends(role, end)))
      switch end {
      case .end: other.shutDownOutput()
      case .reset:
        other.reset()
        stream.close()
      }
    }
    let isFlushed = streams.values.allSatisfy(\.isFlushed)
    let isOver = ended.count == SideRole.allCases.count && isFlushed
    // Where a side is gone for good, nothing more can reach it.
    let isLost = SideRole.allCases.contains { ended.contains($0) && streams[$0]?.hasOutputFailed == true }
    if isOver || isLost { close() }
  }
}
