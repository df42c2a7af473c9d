import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// What a run plays, and that it says so where that is nothing.
@Suite struct CaseSelectionTests {
  private static func status(_ change: (inout ConformanceOptions) -> Void) async -> Int32 {
    var options = ConformanceOptions()
    options.listsOnly = true
    change(&options)
    return await ConformanceRun(options).run()
  }

  /// Options, and which of all runs they mean.
  struct Selection: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let change: @Sendable (inout ConformanceOptions) -> Void
    let isMeant: @Sendable (Case, Configuration) -> Bool

    init(
      _ name: String,
      _ change: @escaping @Sendable (inout ConformanceOptions) -> Void,
      _ isMeant: @escaping @Sendable (Case, Configuration) -> Bool
    ) {
      self.testDescription = name
      self.change = change
      self.isMeant = isMeant
    }
  }

  static let selections = [
    Selection("nothing is said", { _ in }, { _, _ in true }),
    Selection("an id", { $0.casePatterns = ["P-1/pong"] }, { item, _ in item.id == "P-1/pong" }),
    // A pattern means a whole name, not its beginning.
    Selection(
      "the ids of a requirement",
      { $0.casePatterns = ["P-1/*"] },
      { item, _ in item.requirement == "P-1" }
    ),
    Selection(
      "paths, and one of them whole",
      { $0.casePatterns = ["*/sealed/*/server", "P-1/pong/plain/unix/client"] },
      { item, configuration in
        (configuration.security == .sealed && configuration.role == .server)
          || (item.id == "P-1/pong" && configuration.path == "plain/unix/client")
      }
    ),
    Selection(
      "a requirement and a clause",
      { $0.clausePatterns = ["P-1", "C-2.b"] },
      { item, _ in item.clauses.contains { $0.hasPrefix("P-1.") || $0 == "C-2.b" } }
    ),
    Selection(
      "clauses by a wildcard",
      { $0.clausePatterns = ["X-*.a"] },
      { item, _ in item.clauses.contains { $0.hasPrefix("X-") && $0.hasSuffix(".a") } }
    ),
    Selection(
      "a section and a subject",
      { $0.sectionPatterns = ["P", "hand*"] },
      { item, _ in item.section == "P" || item.subject == "handshake" }
    ),
    Selection(
      "configurations",
      { $0.configurationPatterns = ["sealed/*", "*/client"] },
      { _, configuration in configuration.security == .sealed || configuration.role == .client }
    ),
    Selection("a level", { $0.requirementLevel = .should }, { item, _ in item.level == .should }),
    Selection(
      "all of it together",
      { options in
        options.casePatterns = ["X-*"]
        options.sectionPatterns = ["X"]
        options.configurationPatterns = ["plain/*/server"]
        options.requirementLevel = .must
      },
      { item, configuration in
        item.section == "X" && item.level == .must && configuration.security == .plain && configuration.role == .server
      }
    ),
  ]

  /// Read once: it takes its time.
  private static let suite = Result { try CaseLoader(specification: SpecificationIndex.embedded()).embeddedSuite() }

  @Test(arguments: selections, [Configuration.Level.live, .memory, .core])
  func patternsSelectWhatTheyNameAndNothingElse(selection: Selection, level: Configuration.Level) throws {
    var options = ConformanceOptions()
    selection.change(&options)
    let chosen = CaseSelection(options)
    let suite = try Self.suite.get()
    let configurations = Configuration.all(on: level)
    try chosen.checkPatterns(suite.cases, Configuration.everywhere)
    var count = 0
    for item in suite.cases {
      for configuration in configurations where item.applies(to: configuration) {
        let isSelected = chosen.includes(item, configuration)
        if isSelected { count += 1 }
        #expect(isSelected == selection.isMeant(item, configuration), "\(item.id)/\(configuration.path)")
      }
    }
    #expect(count > 0)
  }

  /// A run plays what is selected, and the report has a line for nothing else.
  @Test func aRunPlaysWhatIsSelected() async throws {
    let folder = try ScratchFolder()
    var options = ConformanceOptions()
    options.level = .core
    options.casePatterns = ["P-*/*/sealed/*/server"]
    options.clausePatterns = ["P-1"]
    options.jsonPath = "\(folder.path)/report"
    #expect(await ConformanceRun(options).run() == 0)
    let text = try String(contentsOfFile: "\(folder.path)/report", encoding: .utf8)
    let lines = try text.split(separator: "\n").map { try JSON(parsing: String($0)) }.dropFirst().dropLast()
    #expect(lines.contains { $0["case"] == "P-1/pong" })
    for line in lines {
      #expect(line["configuration"] == "sealed/core/server")
      #expect((line["clauses"]?.array ?? []).contains { $0.string?.hasPrefix("P-1.") == true })
      #expect(line["case"]?.string?.hasPrefix("P-") == true)
    }
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
