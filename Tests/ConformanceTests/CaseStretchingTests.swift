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

  /// A handler that is to outlast a limit outlasts the longer one, too: else the fault that is looked for would not show.
  @Test(arguments: [
    ("C-5/no-limit-for-the-other", "drainMs", 1600, "5600"), ("A-3/no-signal-while-open", "endMs", 800, "3200"),
  ])
  func aSleepIsStretchedWithTheLimitsThatTheCaseSets(id: String, limit: String, time: Int, sleep: String) throws {
    let suite = try CaseLoader(specification: SpecificationIndex.embedded()).embeddedSuite()
    let item = try #require(suite.cases.first { $0.id == id }).stretched(by: 8)
    #expect(item.testee.limits?[limit]?.integer == time)
    var bodies: [[UInt8]] = []
    var answers: [FramePattern] = []
    for step in item.steps {
      switch step.action {
      case .send(let frames):
        for case .bytes(let bytes) in frames.map(\.body) { bodies.append(bytes) }
      case .expect(let patterns), .expectAnyOrder(let patterns): answers += patterns
      default: break
      }
    }
    #expect(bodies.contains(Array("(5:sleep4:\(sleep))".utf8)))
    #expect(answers.contains { $0.value?.matches(Array("(5:slept4:\(sleep))".utf8)) == true })
  }

  @Test func aSleepWithoutLimitsStaysAsItIs() throws {
    let suite = try CaseLoader(specification: SpecificationIndex.embedded()).embeddedSuite()
    let item = try #require(suite.cases.first { $0.id == "C-1/server-stops" }).stretched(by: 8)
    guard case .send(let frames) = try #require(item.steps.first).action, case .bytes(let bytes) = frames[0].body else {
      Issue.record("the case does not begin with a request")
      return
    }
    #expect(bytes == Array("(5:sleep3:200)".utf8))
  }
}
