import Testing

@testable import BokbokConformance

/// What people see of long runs of alike lines in a trace.
@Suite struct TraceFoldingTests {
  /// Contract lines, each a millisecond after the one before, as a report has them.
  private static func timed(_ texts: [String]) -> [String] {
    texts.enumerated().map { index, text in "   \(100 + index) ms \(text)" }
  }

  /// What is shown of a report's lines, without the times.
  private static func shown(_ lines: [String]) -> [String] {
    CaseTrace(lines: lines).shownLines.map { line in
      String(line.drop { $0 == " " }).replacing(#/^[0-9]+ ms /#, with: "")
    }
  }

  private static func commands(_ count: Int) -> [String] {
    (0..<count).map { #"command  {"seq":\#($0),"command":"ping"}"# }
  }

  @Test func equalLinesAreFoldedToTheFirstTwoAndTheLast() {
    let lines = Self.commands(200)
    let expected = [lines[0], lines[1], "… 197 more like it", lines[199]]
    #expect(Self.shown(Self.timed(lines)) == expected)
  }

  @Test func repetitionsOfSeveralLinesAreFoldedTogether() {
    let repetitions = (0..<10).flatMap { [#"command  {"seq":\#($0)}"#, #"testee   {"seq":\#($0),"ok":{}}"#] }
    let lines = [#"command  {"command":"listen"}"#] + repetitions + [#"testee   {"event":"closed"}"#]
    var expected = Array(lines[...4])
    expected.append("… 7 times more the 2 lines before")
    expected += lines[19...]
    #expect(Self.shown(Self.timed(lines)) == expected)
  }

  @Test func fewLinesAndDifferentOnesStayAsTheyAre() {
    let few = Self.commands(4)
    #expect(Self.shown(Self.timed(few)) == few)
    let different = ["a", "b", "c", "d", "e", "f", "g"].map { #"command  {"command":"\#($0)"}"# }
    #expect(Self.shown(Self.timed(different)) == different)
    #expect(Self.shown([]).isEmpty)
  }

  @Test func whatWasLeftOutIsNoPartOfARun() {
    let lines = Self.commands(12)
    let timed = Self.timed(lines)
    let report = Array(timed[..<6]) + ["… 40 lines …"] + Array(timed[6...])
    let expected = [
      lines[0], lines[1], "… 3 more like it", lines[5], "… 40 lines …", lines[6], lines[7], "… 3 more like it",
      lines[11],
    ]
    #expect(Self.shown(report) == expected)
  }

  /// Programs get each line.
  @Test func theLinesOfAReportAreNotFolded() {
    let lines = Self.timed(Self.commands(50))
    let trace = CaseTrace(lines: lines)
    #expect(trace.lines.count == 50)
    #expect(trace.rows.count == 50)
  }
}
