import DequeModule

/// Exchanges that wait, first come, first served; any of them may leave the line before its turn.
///
/// An id stands in the line once at most. Leaving costs no search, and what those who left leave behind is bounded by
/// those who wait.
struct WaitingLine {
  struct Place {
    var id: ExchangeID
    var number: UInt64
  }

  /// Where those who wait stand; a place whose number is no longer that of its id has been left.
  private(set) var places: Deque<Place> = []
  private var numbers: [ExchangeID: UInt64] = [:]
  private var nextNumber: UInt64 = 0

  var isEmpty: Bool { numbers.isEmpty }

  mutating func append(_ id: ExchangeID) {
    numbers[id] = nextNumber
    places.append(Place(id: id, number: nextNumber))
    nextNumber += 1
  }

  /// Takes out the one that has waited longest.
  mutating func popFirst() -> ExchangeID? {
    while let place = places.popFirst() {
      guard numbers[place.id] == place.number else { continue }
      numbers[place.id] = nil
      return place.id
    }
    return nil
  }

  mutating func remove(_ id: ExchangeID) {
    guard numbers.removeValue(forKey: id) != nil, places.count > 2 * numbers.count + 16 else { return }
    places.removeAll { place in numbers[place.id] != place.number }
  }

  /// Takes all out, in their order.
  mutating func removeAll() -> [ExchangeID] {
    var ids: [ExchangeID] = []
    ids.reserveCapacity(numbers.count)
    while let id = popFirst() { ids.append(id) }
    return ids
  }
}
