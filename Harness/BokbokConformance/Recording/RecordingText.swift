/// A recording for people: what each side sent, part by part, in the order in which the parts were whole.
package struct RecordingText {
  /// A line: an annotation of bytes, or a remark.
  package struct Line: Sendable {
    /// The number of the connection.
    package let connection: Int
    /// Microseconds since the recording began.
    package let microseconds: Int
    /// `client` or `server`; nil for what concerns both.
    package let side: String?
    /// About bytes; nil for a remark.
    package let annotation: Annotation?
    /// What is said.
    package let text: String

    /// The line as the command prints it.
    package var line: String {
      let time = String(microseconds)
      let padding = String(repeating: " ", count: max(0, 10 - time.count))
      let direction = side.map { $0 == "client" ? "client →" : "← server" } ?? "        "
      return "\(connection) \(padding)\(time) µs \(direction) \(text)"
    }
  }

  /// All lines, in their order.
  package let lines: [Line]

  /// Explains a recording.
  ///
  /// - Parameter recording: the recording.
  package init(_ recording: Recording) {
    var lines: [Line] = []
    for connection in recording.connections {
      lines += Self.remarks(recording, connection)
      for role in SideRole.allCases { lines += Self.annotations(recording, connection, role) }
    }
    self.lines = lines.enumerated()
      .sorted { ($0.element.microseconds, $0.offset) < ($1.element.microseconds, $1.offset) }.map(\.element)
  }

  private static func remarks(_ recording: Recording, _ connection: Int) -> [Line] {
    recording.events.compactMap { event in
      guard event.connection == connection else { return nil }
      let (side, text): (SideRole?, String)
      switch event.happening {
      case .opens: (side, text) = (nil, "the connection opens")
      case .unreachable(let message): (side, text) = (nil, "the server cannot be reached: \(message)")
      case .ends(let role, .end): (side, text) = (role, "end of stream")
      case .ends(let role, .reset): (side, text) = (role, "reset")
      case .bytes: return nil
      }
      return Line(
        connection: connection,
        microseconds: event.microseconds,
        side: side?.rawValue,
        annotation: nil,
        text: text
      )
    }
  }

  private static func annotations(_ recording: Recording, _ connection: Int, _ role: SideRole) -> [Line] {
    var bytes: [UInt8] = []
    /// How many bytes had come at which time.
    var arrivals: [(byteCount: Int, microseconds: Int)] = []
    for event in recording.events where event.connection == connection {
      guard case .bytes(role, let more) = event.happening else { continue }
      bytes += more
      arrivals.append((bytes.count, event.microseconds))
    }
    let annotations = Annotator(sender: role == .client ? .client : .server).annotate(bytes)
    // A part with what is nested in it stands together, when its last byte has come: where the next one begins.
    let starts = annotations.filter { $0.depth == 0 }.map(\.offset) + [bytes.count]
    var group = 0
    return annotations.enumerated().map { index, annotation in
      if annotation.depth == 0, index > 0 { group += 1 }
      let end = group + 1 < starts.count ? starts[group + 1] : bytes.count
      let time = arrivals.first { $0.byteCount >= end }?.microseconds ?? arrivals.last?.microseconds ?? 0
      return Line(
        connection: connection,
        microseconds: time,
        side: role.rawValue,
        annotation: annotation,
        text: annotation.line
      )
    }
  }
}
