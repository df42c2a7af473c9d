// What people see of a trace: runs of alike rows are folded. Programs get each row.

extension CaseTrace {
  /// One thing that is shown of a trace.
  package enum Shown: Sendable {
    case row(TraceRow)
    /// Rows that the trace does not have, since it would be too long with them.
    case omission(count: Int)
    /// So many rows more are like those before it, as many times as the count says; the rows that repeat are so many.
    case fold(count: Int, rowCount: Int)

    /// The text of what is no row; nil for one.
    package var remark: String? {
      switch self {
      case .row: nil
      case .omission(let count): "… \(count) lines …"
      case .fold(let count, 1): "… \(count) more like it"
      case .fold(let count, let rowCount): "… \(count) times more the \(rowCount) lines before"
      }
    }
  }

  /// How often the same has to come in a row, and how many rows it may have, to be folded. The first two are shown, and
  /// the last.
  private static let foldedCountMin = 5
  private static let foldedRowCountMax = 32
  private static let shownBeforeCount = 2

  /// The rows in their order, with alike ones folded: those that differ only in their numbers, times and bytes.
  package var shown: [Shown] {
    guard let omission else { return Self.folded(rows[...]) }
    return Self.folded(rows[..<omission.index]) + [.omission(count: omission.count)]
      + Self.folded(rows[omission.index...])
  }

  /// The trace as lines of text, with alike ones folded.
  package var shownLines: [String] {
    let indentation = String(repeating: " ", count: 9)
    return shown.map { shown in
      switch shown {
      case .row(let row): row.line
      case .omission: shown.remark ?? ""
      case .fold: indentation + (shown.remark ?? "")
      }
    }
  }

  private static func folded(_ rows: ArraySlice<TraceRow>) -> [Shown] {
    let keys = rows.map(\.likeness)
    let rows = Array(rows)
    var shown: [Shown] = []
    var next = 0
    while next < rows.count {
      guard let (rowCount, count) = repetition(keys[next...]) else {
        shown.append(.row(rows[next]))
        next += 1
        continue
      }
      let end = next + rowCount * count
      shown += rows[next..<(next + rowCount * shownBeforeCount)].map { .row($0) }
      shown.append(.fold(count: count - shownBeforeCount - 1, rowCount: rowCount))
      shown += rows[(end - rowCount)..<end].map { .row($0) }
      next = end
    }
    return shown
  }

  /// How many rows at the beginning come how often in a row; nil where that is not often enough. The fewest rows win: three
  /// times two equal ones are six times one.
  private static func repetition(_ keys: ArraySlice<String>) -> (rowCount: Int, count: Int)? {
    let start = keys.startIndex
    for rowCount in 1...foldedRowCountMax where rowCount * foldedCountMin <= keys.count {
      var end = start + rowCount
      while end < keys.endIndex, keys[end] == keys[end - rowCount] { end += 1 }
      let count = (end - start) / rowCount
      if count >= foldedCountMin { return (rowCount, count) }
    }
    return nil
  }
}

extension TraceRow {
  /// The same for rows that differ only in times, bytes and numbers.
  fileprivate var likeness: String {
    let what = annotation.map { "\($0.depth) \($0.meaning) \($0.clause ?? "")" } ?? text
    return "\(side.rawValue) \(connection ?? "") \(what.replacing(/[0-9]+/, with: "#"))"
  }
}
