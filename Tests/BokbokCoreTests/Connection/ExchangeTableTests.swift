import Testing

@testable import BokbokCore

/// The table of exchanges, compared with a dictionary.
@Suite struct ExchangeTableTests {
  @Test(arguments: UInt64(0)..<8)
  func itHoldsWhatADictionaryHolds(seed: UInt64) {
    var random = SplitMix(state: seed)
    var table = ExchangeTable<Int>()
    var expected: [ExchangeID: Int] = [:]
    // Few ids, so that they come again and meet; of all sizes, as a peer may choose them.
    let ids = (0..<400).map { index in
      index.isMultiple(of: 2) ? ExchangeID(index + 1) : ExchangeID(truncatingIfNeeded: random.next()) | 1 << 31
    }
    for step in 0..<20_000 {
      let id = ids[Int(random.next() % UInt64(ids.count))]
      switch random.next() % 6 {
      case 0, 1:
        table[id] = step
        expected[id] = step
      case 2:
        #expect(table.remove(id) == expected.removeValue(forKey: id))
      case 3:
        let isEven = expected[id]?.isMultiple(of: 2) == true
        #expect(table.remove(id) { $0.isMultiple(of: 2) } == (isEven ? expected.removeValue(forKey: id) : nil))
      case 4:
        table[id]? += 1
        expected[id]? += 1
      default:
        // Now and then all at once, so that the table grows and becomes empty again.
        guard random.next().isMultiple(of: 64) else { continue }
        for id in ids { table[id] = nil }
        expected = [:]
      }
      #expect(table[id] == expected[id])
      #expect(table.contains(id) == (expected[id] != nil))
      #expect(table.count == expected.count)
    }
    #expect(table.values.sorted() == expected.values.sorted())
    #expect(Set(table.ids { $0 > 10_000 }) == Set(expected.filter { $0.value > 10_000 }.keys))
  }

  @Test func anEmptyTableHasNoMemoryAndKeepsLittle() {
    var table = ExchangeTable<Int>()
    #expect(table.slots.isEmpty)
    for id in ExchangeID(1)...1000 { table[id] = 1 }
    for id in ExchangeID(1)...1000 { table[id] = nil }
    #expect(table.isEmpty)
    #expect(table.slots.isEmpty)
  }

  @Test func theIdOfNoExchangeIsNeverThere() {
    var table = ExchangeTable<Int>()
    table[1] = 1
    #expect(!table.contains(0))
    #expect(table.remove(0) == nil)
  }

  private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
      self.state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = self.state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}
