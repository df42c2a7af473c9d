import Testing

@testable import BokbokConformance

/// On a slow machine the times of a case are stretched, and those of the specification are not.
@Suite struct CaseStretchingTests {
  private static func times(of id: String) throws -> [Duration] {
    let suite = try CaseLoader(specification: SpecificationIndex.embedded()).embeddedSuite()
    let item = try #require(suite.cases.first { $0.id == id })
    return item.stretched(by: 8).steps.compactMap { step in
      switch step.action {
      case .relay(.terminated(let duration)), .relay(.killed(let duration)): duration
      default: nil
      }
    }
  }

  @Test func theTimesOfACommandAreStretchedWithTheLimitsThatTheCaseSets() throws {
    #expect(try Self.times(of: "A-3/lingering-command-is-terminated") == [.milliseconds(1600)])
  }

  @Test func theDefaultTimesOfACommandStayAsTheyAre() throws {
    #expect(try Self.times(of: "A-3/times-unless-set") == [.milliseconds(1500), .milliseconds(1500)])
  }
}
