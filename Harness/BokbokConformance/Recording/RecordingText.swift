/// A recording for people: what each side sent, part by part, in the order in which the parts were whole.
package struct RecordingText {
  /// A line: an annotation of bytes, or a remark.
  package struct Line: Sendable {
    /// The number of the connection.
    package let connection: Int
    /// Microseconds since the recording began.
    package let microseconds: Int
    /// Where the recorder was an end of each leg: which, by the side at its other end.
    package let leg: String?
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
      let place = leg.map { $0 == "client" ? "client's leg " : "server's leg " } ?? ""
      return "\(connection) \(padding)\(time) µs \(place)\(direction) \(text)"
    }
  }

  /// All lines, in their order.
  package let lines: [Line]

  /// Explains a recording.
  ///
  /// - Parameters:
  ///   - recording: the recording.
  ///   - keys: what opens the sealed sessions in it that passed unchanged.
  package init(_ recording: Recording, keys: SessionSecrets.Keys? = nil) {
    var lines: [Line] = []
    for connection in recording.connections {
      lines += Self.remarks(recording, connection)
      let secrets = Self.secrets(recording, connection, keys, &lines)
      for leg in recording.legs {
        for role in SideRole.allCases { lines += Self.annotations(recording, connection, leg, role, secrets) }
      }
    }
    self.lines = lines.enumerated()
      .sorted { ($0.element.microseconds, $0.offset) < ($1.element.microseconds, $1.offset) }.map(\.element)
  }

  /// The secrets of a sealed connection that passed unchanged; nil, with a line, if the keys do not open it.
  private static func secrets(
    _ recording: Recording,
    _ connection: Int,
    _ keys: SessionSecrets.Keys?,
    _ lines: inout [Line]
  ) -> SessionSecrets? {
    let sealed = WirePreamble.bytes(mode: WirePreamble.sealed)
    guard let keys, recording.user == nil, recording.bytes(of: .server, connection: connection).starts(with: sealed)
    else { return nil }
    do {
      return try SessionSecrets(recording, connection: connection, leg: nil, keys: keys)
    } catch {
      let text = "cannot be opened: \(error.description)"
      lines.append(
        Line(connection: connection, microseconds: 0, leg: nil, side: nil, annotation: nil, text: text)
      )
      return nil
    }
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
      case .remark(let message): (side, text) = (nil, message)
      case .bytes, .content, .secret: return nil
      }
      return Line(
        connection: connection,
        microseconds: event.microseconds,
        leg: event.leg?.rawValue,
        side: side?.rawValue,
        annotation: nil,
        text: text
      )
    }
  }

  private static func annotations(
    _ recording: Recording,
    _ connection: Int,
    _ leg: SideRole?,
    _ role: SideRole,
    _ secrets: SessionSecrets?
  ) -> [Line] {
    var bytes: [UInt8] = []
    /// How many bytes had come at which time.
    var arrivals: [(byteCount: Int, microseconds: Int)] = []
    for event in recording.events where event.connection == connection && event.leg == leg {
      guard case .bytes(role, let more) = event.happening else { continue }
      bytes += more
      arrivals.append((bytes.count, event.microseconds))
    }
    let contents = recording.contents(of: role, connection: connection, leg: leg)
    let opener: Annotator.Opener? =
      if let secrets { { secrets.open(role, $0, $1) } } else if leg != nil { { index, _ in contents[index] } } else {
        nil
      }
    let annotations = Annotator(sender: role == .client ? .client : .server, opener: opener).annotate(bytes)
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
        leg: leg?.rawValue,
        side: role.rawValue,
        annotation: annotation,
        text: annotation.line
      )
    }
  }
}
