/// What is known of exchanges, by their ids.
///
/// A hash table of its own, because a dictionary takes a tenth of the time of a small message: here an id is found with a
/// multiplication, mostly in the first slot looked at. The peer chooses the ids of its exchanges; the multiplication is
/// seeded, so that it cannot choose those that meet, and X-6 limits how many there are.
struct ExchangeTable<Element> {
  struct Slot {
    /// 0, which no exchange has (F-1): the slot is free.
    var id: ExchangeID
    var element: Element?
  }

  /// None, or a power of two of which at most half are taken: an exchange is in the first free slot from its own on.
  private(set) var slots: ContiguousArray<Slot> = []
  private var shift: UInt64 = 0
  private let seed: ExchangeID
  /// How many exchanges there are.
  private(set) var count = 0

  /// Slots that an empty table keeps at most.
  private static var slotCountKeptMax: Int { 256 }

  init() {
    // Swift seeds its hash values anew in each process.
    seed = ExchangeID(truncatingIfNeeded: 0.hashValue)
  }

  var isEmpty: Bool { count == 0 }

  /// Setting nil takes the exchange out.
  subscript(id: ExchangeID) -> Element? {
    get {
      find(id).flatMap { slots[$0].element }
    }
    _modify {
      if let index = find(id) {
        defer { if slots[index].element == nil { free(index) } }
        yield &slots[index].element
      } else {
        var element: Element?
        defer { if let element { insert(id, element) } }
        yield &element
      }
    }
  }

  func contains(_ id: ExchangeID) -> Bool {
    find(id) != nil
  }

  /// Takes an exchange out where the condition holds for it, with one search.
  mutating func remove(_ id: ExchangeID, where condition: (borrowing Element) -> Bool) -> Element? {
    guard let index = find(id), let element = slots[index].element, condition(element) else { return nil }
    slots[index].element = nil
    free(index)
    return element
  }

  /// Takes an exchange out.
  @discardableResult
  mutating func remove(_ id: ExchangeID) -> Element? {
    guard let index = find(id) else { return nil }
    let element = slots[index].element.take()
    free(index)
    return element
  }

  /// The ids of the exchanges for which the condition holds, in no order.
  func ids(where condition: (Element) -> Bool) -> [ExchangeID] {
    slots.compactMap { slot in slot.element.map(condition) == true ? slot.id : nil }
  }

  /// All that is known, in no order.
  var values: [Element] {
    slots.compactMap(\.element)
  }

  // MARK: Slots

  private func firstIndex(of id: ExchangeID) -> Int {
    Int(truncatingIfNeeded: (UInt64(id ^ seed) &* 0x9E37_79B9_7F4A_7C15) &>> shift)
  }

  private func find(_ id: ExchangeID) -> Int? {
    guard count > 0, id != 0 else { return nil }
    let mask = slots.count &- 1
    var index = firstIndex(of: id)
    while slots[index].id != 0 {
      if slots[index].id == id { return index }
      index = (index &+ 1) & mask
    }
    return nil
  }

  /// Adds an exchange that is not in the table.
  mutating func insert(_ id: ExchangeID, _ element: Element) {
    assert(id != 0, "0 is the id of no exchange")
    if (count &+ 1) &* 2 > slots.count { grow() }
    place(Slot(id: id, element: element))
    count &+= 1
  }

  private mutating func place(_ slot: Slot) {
    let mask = slots.count &- 1
    var index = firstIndex(of: slot.id)
    while slots[index].id != 0 { index = (index &+ 1) & mask }
    slots[index] = slot
  }

  private mutating func grow() {
    let taken = slots.filter { $0.id != 0 }
    let slotCount = max(8, slots.count * 2)
    slots = ContiguousArray(repeating: Slot(id: 0, element: nil), count: slotCount)
    shift = UInt64(64 - slotCount.trailingZeroBitCount)
    for slot in taken { place(slot) }
  }

  /// Frees a slot whose exchange has been taken out, and moves up those that stand behind it for want of this one.
  private mutating func free(_ index: Int) {
    count &-= 1
    if count == 0, slots.count > Self.slotCountKeptMax {
      slots = []
      return
    }
    let mask = slots.count &- 1
    var hole = index
    var next = (hole &+ 1) & mask
    slots[hole].id = 0
    while slots[next].id != 0 {
      let distance = (next &- firstIndex(of: slots[next].id)) & mask
      if distance >= (next &- hole) & mask {
        slots.swapAt(hole, next)
        hole = next
      }
      next = (next &+ 1) & mask
    }
  }
}

/// What a driver keeps for exchanges: an object for each.
///
/// Not generic, because the compiler does not specialise across modules, and an unspecialised table takes longer than a
/// dictionary.
package struct ExchangeObjects {
  private var table = ExchangeTable<AnyObject>()

  package init() {}

  /// How many there are.
  package var count: Int { table.count }

  /// Whether there are none.
  package var isEmpty: Bool { table.isEmpty }

  /// All of them, in no order.
  package var all: [AnyObject] { table.values }

  /// The object of an exchange.
  package subscript(id: ExchangeID) -> AnyObject? { table[id] }

  /// Adds the object of an exchange that has none.
  package mutating func insert(_ id: ExchangeID, _ object: AnyObject) {
    table.insert(id, object)
  }

  /// Takes the object of an exchange out.
  @discardableResult
  package mutating func remove(_ id: ExchangeID) -> AnyObject? {
    table.remove(id)
  }
}
