internal import ArgumentParser

extension ConformanceCommand {
  /// The names of the options that were given, each once, in the order of the help. A test compares them with the help.
  var givenOptions: [String] {
    let options: [(name: String, isGiven: Bool)] = [
      ("--testee", testee != nil),
      ("--implementation", implementation != nil),
      ("--case", !cases.isEmpty),
      ("--clause", !clauses.isEmpty),
      ("--section", !sections.isEmpty),
      ("--requirement-level", requirementLevel != nil),
      ("--level", level != nil),
      ("--split", split != nil),
      ("--split-ways", splitWays != nil),
      ("--suite", suite != nil),
      ("--configuration", !configurations.isEmpty),
      ("--list", list),
      ("--json", json != nil),
      ("--junit", junit != nil),
      ("--html", html != nil),
      ("--include", !includedFiles.isEmpty),
      ("--capsules", capsules != nil),
      ("--strict", strict),
      ("--jobs", jobs != nil),
      ("--check-contract", checkContract),
      ("--smoke", smoke),
      ("--from", from != nil),
      ("--cases-folder", casesFolder != nil),
      ("--time-limit", timeLimit != nil),
      ("--matrix", matrix),
      ("--implementations-folder", implementationsFolder != nil),
      ("--traces", showsTraces != nil),
      ("--kill-matrix", killMatrix),
      ("--fault", !faults.isEmpty),
      ("--faults-folder", faultsFolder != nil),
      ("--all-killers", allKillers),
      ("--coverage", coverage),
    ]
    return options.filter(\.isGiven).map(\.name)
  }

  /// Refuses the options of a run that were given with a subcommand, which would drop them.
  ///
  /// The parser takes for this command also what stands behind the subcommand's name; what the subcommand takes it has to
  /// look up here.
  ///
  /// - Parameters:
  ///   - name: the subcommand's name.
  ///   - taken: the options of a run that mean something in it.
  func checkSubcommand(_ name: String, takes taken: [String] = []) throws {
    let strangers = givenOptions.filter { !taken.contains($0) }
    guard !strangers.isEmpty else { return }
    throw ValidationError(
      "\(strangers.joined(separator: ", ")) means nothing with 'conformance \(name)', which runs no cases: leave it out."
    )
  }
}
