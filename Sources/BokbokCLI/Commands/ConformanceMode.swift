/// What `bokbok conformance` does: each mode but the first is asked for by an option of its own, and takes only the options
/// that mean something in it. One that it would silently drop is refused.
enum ConformanceMode: CaseIterable {
  case cases
  case list
  case smoke
  case matrix
  case killMatrix
  case coverage
  case saved

  /// The option that asks for it; nil for playing the cases.
  var option: String? {
    switch self {
    case .cases: nil
    case .list: "--list"
    case .smoke: "--smoke"
    case .matrix: "--matrix"
    case .killMatrix: "--kill-matrix"
    case .coverage: "--coverage"
    case .saved: "--from"
    }
  }

  /// What it does, behind its option's name.
  var purpose: String {
    switch self {
    case .cases: "plays the cases against one implementation"
    case .list: "lists the selected cases and runs nothing"
    case .smoke: "tries one testee step by step and writes no report"
    case .matrix: "plays scenarios, not cases, between all implementations"
    case .killMatrix: "plays the cases of each planted fault against a testee of its own"
    case .coverage: "runs nothing and tells what proves each clause"
    case .saved: "runs nothing and makes the reports of a run that has ended"
    }
  }

  /// The options that mean something in it.
  var options: [String] {
    switch self {
    case .cases: Self.choosing + Self.playing + ["--json", "--junit", "--html", "--include", "--capsules"]
    // It is appended to the command line of a run, so that it takes also what says how the run plays.
    case .list: Self.choosing + Self.playing
    case .smoke: ["--testee", "--implementation", "--time-limit", "--check-contract"]
    case .matrix:
      [
        "--case", "--configuration", "--json", "--junit", "--html", "--jobs", "--time-limit",
        "--implementations-folder",
      ]
    case .killMatrix:
      [
        "--fault", "--faults-folder", "--all-killers", "--cases-folder", "--json", "--junit", "--html", "--jobs",
        "--time-limit",
      ]
    case .coverage: ["--cases-folder", "--json", "--html"]
    case .saved: ["--cases-folder", "--traces", "--junit", "--html", "--include"]
    }
  }

  private static let choosing = [
    "--case", "--clause", "--section", "--requirement-level", "--suite", "--configuration", "--cases-folder",
  ]

  private static let playing = [
    "--testee", "--implementation", "--level", "--split", "--split-ways", "--strict", "--jobs", "--check-contract",
    "--time-limit", "--traces",
  ]

  /// The mode that options ask for. Throws a text that says what is wrong, what was expected and what to do, if they ask
  /// for two or hold one that means nothing in the mode.
  ///
  /// - Parameter given: the names of the options of the command line, each once.
  init(_ given: [String]) throws(ConformanceUsage) {
    let asked = Self.allCases.filter { mode in mode.option.map(given.contains) ?? false }
    guard asked.count < 2 else {
      let names = asked.compactMap(\.option).joined(separator: " and ")
      throw ConformanceUsage("\(names) ask for different things: give one of them.")
    }
    let mode = asked.first ?? .cases
    let strangers = given.filter { $0 != mode.option && !mode.options.contains($0) }
    guard let first = strangers.first else {
      self = mode
      return
    }
    throw ConformanceUsage(mode.refusal(of: strangers, first: first))
  }

  private func refusal(of strangers: [String], first: String) -> String {
    let names = strangers.joined(separator: ", ")
    guard let option else {
      let homes = Self.allCases.filter { $0.options.contains(first) }.compactMap(\.option).joined(separator: " or ")
      return "\(names): without \(homes), this means nothing. Give \(homes) too, or leave it out."
    }
    return "\(names) means nothing with \(option), which \(purpose). Leave it out: of the options, \(option) takes "
      + options.dropLast().joined(separator: ", ") + " and \(options.last ?? "")."
  }
}

/// What is wrong with the command line, for its user.
struct ConformanceUsage: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
