/// Which cases run, and in which configurations.
struct CaseSelection {
  /// Patterns of one kind, one of which has to match.
  private struct Filter {
    /// The command's option, for messages.
    let option: String
    let patterns: [String]
    /// The texts that the patterns are for.
    let texts: (Case, Configuration) -> [String]

    func includes(_ item: Case, _ configuration: Configuration) -> Bool {
      patterns.isEmpty || patterns.contains { matches($0, item, configuration) }
    }

    func matches(_ pattern: String, _ item: Case, _ configuration: Configuration) -> Bool {
      texts(item, configuration).contains { Wildcard.matches(pattern, $0) }
    }
  }

  private let filters: [Filter]
  private let level: Case.Level?

  init(_ options: ConformanceOptions) {
    self.filters = [
      Filter(option: "--case", patterns: options.casePatterns) { [$0.id, "\($0.id)/\($1.path)"] },
      Filter(option: "--clause", patterns: options.clausePatterns) { item, _ in
        item.clauses + item.clauses.map { SpecificationIndex.requirement(of: $0) }
      },
      Filter(option: "--section", patterns: options.sectionPatterns) { item, _ in [item.section, item.subject] },
      Filter(option: "--configuration", patterns: options.configurationPatterns) { [$1.path] },
    ]
    self.level = options.requirementLevel.flatMap { Case.Level(rawValue: $0.rawValue) }
  }

  /// Whether a case runs in one of the configurations.
  func includes(_ item: Case, in configurations: [Configuration]) -> Bool {
    configurations.contains { includes(item, $0) }
  }

  func includes(_ item: Case, _ configuration: Configuration) -> Bool {
    item.applies(to: configuration) && (level.map { $0 == item.level } ?? true)
      && filters.allSatisfy { $0.includes(item, configuration) }
  }

  /// Throws ``DataError`` for a pattern that matches none of the cases, whatever the others match: whoever misspells one
  /// would otherwise never know that less is run than was meant.
  func checkPatterns(_ cases: [Case], _ configurations: [Configuration]) throws(DataError) {
    for filter in filters {
      for pattern in filter.patterns {
        let isUseful = cases.contains { item in
          configurations.contains { item.applies(to: $0) && filter.matches(pattern, item, $0) }
        }
        guard !isUseful else { continue }
        let message = "\"\(pattern)\" matches nothing: --list shows the cases, and * stands for any characters"
        throw DataError(file: filter.option, message: message)
      }
    }
  }
}
