import BokbokConformance
import Testing

/// What a run plays, and that it says so where that is nothing.
@Suite struct CaseSelectionTests {
  private static func status(_ change: (inout ConformanceOptions) -> Void) async -> Int32 {
    var options = ConformanceOptions()
    options.listsOnly = true
    change(&options)
    return await ConformanceRun(options).run()
  }

  @Test func patternsOfEveryKindSelect() async {
    #expect(await Self.status { $0.casePatterns = ["P-1/*"] } == 0)
    #expect(await Self.status { $0.casePatterns = ["*/sealed/unix/server"] } == 0)
    #expect(await Self.status { $0.clausePatterns = ["P-1", "C-2.b"] } == 0)
    #expect(await Self.status { $0.sectionPatterns = ["P", "hand*"] } == 0)
    #expect(await Self.status { $0.configurationPatterns = ["sealed/*"] } == 0)
    #expect(await Self.status { $0.requirementLevel = .must } == 0)
  }

  @Test func aPatternThatMatchesNothingIsWrongUsageAlsoBesideOneThatDoes() async {
    #expect(await Self.status { $0.casePatterns = ["P-1/*", "P-99/*"] } == 2)
    #expect(await Self.status { $0.clausePatterns = ["P-1.z"] } == 2)
    #expect(await Self.status { $0.sectionPatterns = ["P", "pnig"] } == 2)
    #expect(await Self.status { $0.configurationPatterns = ["sealed/udp/*"] } == 2)
  }

  @Test func patternsThatNothingMatchesTogetherAreWrongUsage() async {
    let status = await Self.status { options in
      options.casePatterns = ["P-1/*"]
      options.sectionPatterns = ["H"]
    }
    #expect(status == 2)
  }
}
