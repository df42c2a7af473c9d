extension TraceRow {
  /// A row of a report that holds only its line. The bytes and their meaning stand in its text; a line of another form is
  /// a remark.
  init(line: String) {
    let text = line.drop { $0 == " " }
    guard let match = text.firstMatch(of: /^([0-9]{1,9}) ms (?s:(.*))$/), let milliseconds = Int(match.1) else {
      self.init(time: .zero, side: .remark, connection: nil, annotation: nil, text: line)
      return
    }
    let (side, connection, rest) = Self.parts(of: match.2)
    self.init(
      time: .milliseconds(milliseconds),
      side: side,
      connection: connection,
      annotation: nil,
      text: String(rest)
    )
  }

  private static func parts(of text: Substring) -> (side: Side, connection: String?, rest: Substring) {
    for (side, mark) in [(Side.command, "command  "), (.answer, "testee   ")] where text.hasPrefix(mark) {
      return (side, nil, text.dropFirst(mark.count))
    }
    let name = text.prefix { $0 != " " }
    for (side, mark) in [(Side.kit, " kit →   "), (.testee, " kit   ← "), (.remark, "        ")] {
      let rest = text.dropFirst(name.count)
      if rest.hasPrefix(mark) { return (side, name.isEmpty ? nil : String(name), rest.dropFirst(mark.count)) }
    }
    return (.remark, nil, text)
  }
}
