/// The trace of a case: every record both ways, decoded and annotated, what went over the contract, and when.
enum TraceText {
  private static let lineCountMax = 400

  static func lines(
    connections: [KitConnection],
    testees: [TesteeProcess],
    start: ContinuousClock.Instant
  ) -> [String] {
    var entries: [(time: ContinuousClock.Instant, text: String)] = []
    for connection in connections { entries += lines(of: connection) }
    for entry in testees.flatMap(\.log) {
      entries.append((entry.time, (entry.isSent ? "command  " : "testee   ") + String(entry.line.prefix(300))))
    }
    let sorted = entries.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    var lines = sorted.map { "\(milliseconds($0.element.time - start)) \($0.element.text)" }
    if lines.count > lineCountMax {
      let dropped = lines.count - lineCountMax
      lines.replaceSubrange((lineCountMax / 2)..<(lineCountMax / 2 + dropped), with: ["… \(dropped) lines …"])
    }
    return lines
  }

  private static func lines(of connection: KitConnection) -> [(time: ContinuousClock.Instant, text: String)] {
    let trace = connection.trace
    var lines: [(time: ContinuousClock.Instant, text: String)] = []
    for (time, entry) in trace.entries {
      if case .remark(let text) = entry { lines.append((time, "\(trace.name)        \(text)")) }
    }
    for isSent in [true, false] {
      let arrow = isSent ? "kit →   " : "kit   ← "
      let isClientSide = isSent == trace.isClient
      let annotator = Annotator(sender: isClientSide ? .client : .server, opener: opener(trace, isSent: isSent))
      var time = trace.entries.first?.time ?? .now
      for annotation in annotator.annotate(trace.bytes(sent: isSent)) {
        // What stands inside a sealed record came with it.
        if !annotation.isInsideSealedRecord {
          time = trace.time(ofByte: annotation.offset, sent: isSent) ?? time
        }
        lines.append((time, "\(trace.name) \(arrow)\(annotation.line)"))
      }
    }
    return lines
  }

  /// What opened, or sealed, each record when it passed.
  private static func opener(_ trace: StreamTrace, isSent: Bool) -> Annotator.Opener? {
    if isSent { return { _, content in trace.sealedFrames[content] } }
    return { index, _ in trace.openedFrames.indices.contains(index) ? trace.openedFrames[index] : nil }
  }

  private static func milliseconds(_ duration: Duration) -> String {
    let text = "\(duration.milliseconds) ms"
    return String(repeating: " ", count: max(0, 8 - text.count)) + text
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
