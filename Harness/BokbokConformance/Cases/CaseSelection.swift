/// Which cases run, and in which configurations.
struct CaseSelection {
  private let cases: [String]
  private let clauses: [String]
  private let configurations: [String]

  init(_ options: ConformanceOptions) {
    self.cases = options.casePatterns
    self.clauses = options.clausePatterns
    self.configurations = options.configurationPatterns
  }

  /// Whether a case runs in some configuration.
  func includes(_ item: Case) -> Bool {
    Configuration.all.contains { includes(item, $0) }
  }

  func includes(_ item: Case, _ configuration: Configuration) -> Bool {
    item.applies(to: configuration) && matches(cases, [item.id, "\(item.id)/\(configuration.path)"])
      && matches(clauses, item.clauses + item.clauses.map { SpecificationIndex.requirement(of: $0) })
      && matches(configurations, [configuration.path])
  }

  private func matches(_ patterns: [String], _ texts: [String]) -> Bool {
    patterns.isEmpty || patterns.contains { pattern in texts.contains { Wildcard.matches(pattern, $0) } }
  }
}
