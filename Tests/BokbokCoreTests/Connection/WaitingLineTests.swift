import Testing

@testable import BokbokCore

/// First come, first served, where those who wait may leave.
@Suite struct WaitingLineTests {
  @Test func thoseWhoWaitComeInTheirOrder() {
    var line = WaitingLine()
    for id in [ExchangeID(5), 1, 9, 2] { line.append(id) }
    line.remove(9)
    line.remove(7)
    #expect(line.popFirst() == 5)
    line.append(5)
    #expect(line.removeAll() == [1, 2, 5])
    #expect(line.isEmpty)
    #expect(line.popFirst() == nil)
  }

  @Test func oneWhoLeftAndCameAgainStandsAtTheEnd() {
    var line = WaitingLine()
    for id in [ExchangeID(1), 2] { line.append(id) }
    line.remove(1)
    line.append(1)
    #expect(line.removeAll() == [2, 1])
  }

  @Test func thoseWhoLeftLeaveNothingBehind() {
    var line = WaitingLine()
    line.append(1)
    for _ in 0..<10_000 {
      line.append(2)
      line.remove(2)
    }
    #expect(line.places.count < 100)
    #expect(line.popFirst() == 1)
  }
}
