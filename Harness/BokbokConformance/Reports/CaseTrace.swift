/// The trace of a case: every record both ways, decoded and annotated, what went over the contract, and when.
package struct CaseTrace: Sendable {
  private static let rowCountMax = 400

  /// The rows in the order of time.
  package private(set) var rows: [TraceRow] = []
  /// How many rows were left out, and before which of the rows they stood; nil if none.
  package private(set) var omission: (index: Int, count: Int)?

  /// An empty trace.
  package init() {}

  init(connections: [KitConnection], testees: [any CaseTestee], start: ContinuousClock.Instant) {
    for connection in connections { rows += Self.rows(of: connection.trace, start: start) }
    for entry in testees.flatMap({ $0.log }) {
      let text = entry.shown(300)
      let side = entry.isSent ? TraceRow.Side.command : .answer
      rows.append(
        TraceRow(time: entry.time - start, side: side, connection: nil, annotation: nil, text: text)
      )
    }
    // What happened at the same time stays in its order.
    let sorted = rows.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    rows = sorted.map(\.element)
    if rows.count > Self.rowCountMax {
      let index = Self.rowCountMax / 2
      omission = (index, rows.count - Self.rowCountMax)
      rows.removeSubrange(index..<(index + rows.count - Self.rowCountMax))
    }
  }

  /// A trace that a report holds as lines of text.
  init(lines: [String]) {
    for line in lines {
      if let match = line.firstMatch(of: /^… ([0-9]{1,9}) lines …$/), let count = Int(match.1) {
        omission = (rows.count, count)
      } else {
        rows.append(TraceRow(line: line))
      }
    }
  }

  package var isEmpty: Bool { rows.isEmpty }

  /// The trace as lines of text.
  package var lines: [String] {
    var lines = rows.map(\.line)
    if let omission { lines.insert("… \(omission.count) lines …", at: omission.index) }
    return lines
  }

  private static func rows(of trace: StreamTrace, start: ContinuousClock.Instant) -> [TraceRow] {
    var rows: [TraceRow] = []
    for (time, entry) in trace.entries {
      guard case .remark(let remark) = entry else { continue }
      rows.append(
        TraceRow(time: time - start, side: .remark, connection: trace.name, annotation: nil, text: remark.text)
      )
    }
    for isSent in [true, false] {
      let isClientSide = isSent == trace.isClient
      let annotator = Annotator(sender: isClientSide ? .client : .server, opener: opener(trace, isSent: isSent))
      var time = trace.entries.first?.time ?? start
      for annotation in annotator.annotate(trace.bytes(sent: isSent)) {
        // What stands inside a sealed record came with it.
        if !annotation.isInsideSealedRecord {
          time = trace.time(ofByte: annotation.offset, sent: isSent) ?? time
        }
        rows.append(
          TraceRow(
            time: time - start,
            side: isSent ? .kit : .testee,
            connection: trace.name,
            annotation: annotation,
            text: annotation.meaning
          )
        )
      }
    }
    return rows
  }

  /// What opened, or sealed, each record when it passed.
  private static func opener(_ trace: StreamTrace, isSent: Bool) -> Annotator.Opener? {
    if isSent { return { _, content in trace.sealedFrames[content] } }
    return { index, _ in trace.openedFrames.indices.contains(index) ? trace.openedFrames[index] : nil }
  }
}

extension StreamTrace {
  /// When the byte at an offset of one direction passed.
  func time(ofByte offset: Int, sent: Bool) -> ContinuousClock.Instant? {
    var end = 0
    for (time, entry) in entries {
      switch entry {
      case .sent(let bytes) where sent: end += bytes.count
      case .received(let bytes) where !sent: end += bytes.count
      default: continue
      }
      if offset < end { return time }
    }
    return nil
  }
}
