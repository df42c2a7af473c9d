/// What the page of a run tells beside the run: what proves each clause, and what other runs found.
struct PageSupplement: Sendable {
  let coverage: ClauseCoverage
  let included: [IncludedDocument]

  /// What goes with a run of these cases. Throws ``DataError`` if a file to include cannot be, which is told before the run
  /// begins.
  init(suite: CaseSuite, specification: SpecificationIndex, includedPaths: [String]) throws(DataError) {
    included = try IncludedDocument.documents(includedPaths)
    coverage = try ClauseCoverage(specification: specification, suite: suite)
  }

  /// - Parameter outcome: a cell of a table that tells how the cases of a clause ended.
  func sections(
    suiteDigest: String,
    specification: SpecificationIndex,
    outcome: @escaping (String) -> HTMLText
  ) -> [HTMLSection] {
    included.map { $0.section(suiteDigest: suiteDigest, specification: specification) }
      + [CoverageHTMLReport(coverage: coverage, outcome: outcome).section]
  }
}
