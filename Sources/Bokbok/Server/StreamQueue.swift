internal import DequeModule

/// The streams that are not open or are ending, the one that has been among them longest first (O-12).
///
/// A stream that leaves stays in the order as a hole until it comes first or until holes outnumber the others.
struct StreamQueue {
  private struct Place {
    let id: ServerCore.StreamID
    let number: UInt64
  }

  private var order: Deque<Place> = []
  private var numbers: [ServerCore.StreamID: UInt64] = [:]
  private var lastNumber: UInt64 = 0

  var count: Int { self.numbers.count }

  /// Adds a stream as the newest.
  mutating func append(_ id: ServerCore.StreamID) {
    self.lastNumber += 1
    self.numbers[id] = self.lastNumber
    self.order.append(Place(id: id, number: self.lastNumber))
  }

  mutating func remove(_ id: ServerCore.StreamID) {
    self.numbers[id] = nil
    if self.order.count > 2 * self.numbers.count + 64 {
      self.order.removeAll { self.numbers[$0.id] != $0.number }
    }
  }

  mutating func popFirst() -> ServerCore.StreamID? {
    while let place = self.order.popFirst() {
      guard self.numbers[place.id] == place.number else { continue }
      self.numbers[place.id] = nil
      return place.id
    }
    return nil
  }
}
