internal import DequeModule
internal import NIOCore

/// The time limits of a connection's requests and pings, the next one first.
///
/// Limits that come in their order, as those of one length do, stand in a line; only those that come before one that is
/// there already go into a heap.
///
/// Entries of what has ended stay until they come first or until they outnumber the others, so that ending costs
/// nothing: all operations together take time in proportion to n log n.
struct DeadlineHeap<Element> {
  private struct Entry {
    var deadline: NIODeadline
    var element: Element
  }

  private var line: Deque<Entry> = []
  private var entries: [Entry] = []

  /// When the first entry that still counts is due; entries before it are dropped.
  mutating func next(where counts: (Element) -> Bool) -> NIODeadline? {
    while let first = self.line.first, !counts(first.element) { self.line.removeFirst() }
    while let first = self.entries.first, !counts(first.element) { self.removeFirst() }
    switch (self.line.first?.deadline, self.entries.first?.deadline) {
    case (let line?, let heap?): return min(line, heap)
    case (let deadline?, nil), (nil, let deadline?): return deadline
    case (nil, nil): return nil
    }
  }

  /// Adds an entry. `liveCount` is how many entries still count.
  mutating func insert(
    _ element: Element,
    deadline: NIODeadline,
    liveCount: Int,
    where counts: (Element) -> Bool
  ) {
    if self.line.count + self.entries.count > 2 * liveCount + 64 {
      self.line.removeAll { !counts($0.element) }
      self.entries.removeAll { !counts($0.element) }
      self.entries.sort { $0.deadline < $1.deadline }
    }
    guard let last = self.line.last, deadline < last.deadline else {
      self.line.append(Entry(deadline: deadline, element: element))
      return
    }
    self.entries.append(Entry(deadline: deadline, element: element))
    self.siftUp(self.entries.count - 1)
  }

  /// Takes the first entry if it is due.
  mutating func popFirst(dueAt now: NIODeadline) -> Element? {
    if let first = self.line.first, first.deadline <= now,
      self.entries.first.map({ first.deadline <= $0.deadline }) ?? true
    {
      self.line.removeFirst()
      return first.element
    }
    guard let first = self.entries.first, first.deadline <= now else { return nil }
    self.removeFirst()
    return first.element
  }

  private mutating func removeFirst() {
    self.entries.swapAt(0, self.entries.count - 1)
    self.entries.removeLast()
    self.siftDown(0)
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard self.entries[child].deadline < self.entries[parent].deadline else { return }
      self.entries.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in (2 * parent + 1)..<(2 * parent + 3) where child < self.entries.count {
        if self.entries[child].deadline < self.entries[least].deadline { least = child }
      }
      guard least != parent else { return }
      self.entries.swapAt(parent, least)
      parent = least
    }
  }
}
