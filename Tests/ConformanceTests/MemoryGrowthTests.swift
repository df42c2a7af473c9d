import Testing

@testable import BokbokConformance

/// By how much memory grows with each repetition, whatever single samples say.
@Suite struct MemoryGrowthTests {
  private static func growth(_ byteCounts: [Int], every repetitions: Int = 1) -> MemoryGrowth {
    var growth = MemoryGrowth()
    for (index, byteCount) in byteCounts.enumerated() { growth.note(byteCount, after: index * repetitions) }
    return growth
  }

  @Test func whatEachRepetitionAddsIsTheSlope() {
    #expect(Self.growth([100, 140, 180, 220], every: 4).slope(from: 0) == 10)
    #expect(Self.growth([220, 180, 140, 100], every: 4).slope(from: 0) == -10)
  }

  @Test func whatStaysAsItIsHasNone() {
    #expect(Self.growth([100, 100, 100, 100]).slope(from: 0) == 0)
  }

  /// As of an allocator that takes a large piece at once, or of one that gives it back.
  @Test(arguments: [[0, 0, 0, 0, 0, 0, 0, 900], [0, 900, 900, 900, 900, 900, 900, 900], [900, 0, 0, 0, 0, 0, 0, 0]])
  func aSingleJumpDoesNotMoveIt(byteCounts: [Int]) {
    #expect(Self.growth(byteCounts).slope(from: 0) == 0)
  }

  /// As of a collector: the heap grows and is emptied, and grows again.
  @Test func aSawtoothThatComesBackIsLessThanItsRise() {
    let teeth = Self.growth([0, 10, 20, 30, 0, 10, 20, 30, 0, 10, 20, 30, 0, 10, 20, 30])
    #expect(abs(teeth.slope(from: 0)) < 5)
  }

  @Test func onlyTheLaterPartCounts() {
    let growth = Self.growth([0, 500, 1000, 1500, 1500, 1500, 1500], every: 2)
    #expect(growth.slope(from: 0) > 0)
    #expect(growth.slope(from: 6) == 0)
    #expect(growth.text(from: 6) == "1 KiB after 6 of them, 1 KiB after 12")
  }

  @Test func oneSampleHasNoSlope() {
    #expect(Self.growth([100]).slope(from: 0) == 0)
    #expect(Self.growth([]).slope(from: 0) == 0)
    #expect(Self.growth([100, 200]).slope(from: 1) == 0)
  }

  // MARK: The system's text

  @Test func memoryIsWhatIsNoFilesWithoutWhatIsGivenBack() {
    let text = """
      555cc8461000-7ffc60519000 ---p 00000000 00:00 0                          [rollup]
      Rss:                1628 kB
      Pss_Anon:            112 kB
      Anonymous:           112 kB
      LazyFree:             12 kB
      Swap:                  8 kB
      SwapPss:               8 kB
      """
    #expect(PrivateMemory.byteCount(rollup: text) == 108 * 1024)
    #expect(PrivateMemory.byteCount(rollup: "Anonymous:  4 kB\n") == 4096)
  }

  @Test(arguments: ["", "Rss:  1628 kB\n", "Anonymous: many kB\n"])
  func aTextWithoutItSaysNothing(text: String) {
    #expect(PrivateMemory.byteCount(rollup: text) == nil)
  }

  @Test func thereIsNoMemoryOfAProcessThatIsOnlyPlayed() {
    #expect(PrivateMemory.byteCount(process: -1) == nil)
  }
}
