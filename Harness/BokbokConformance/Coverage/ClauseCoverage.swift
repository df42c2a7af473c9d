/// What proves each clause of the specification.
package struct ClauseCoverage: Sendable {
  /// What proves one clause.
  package struct Clause: Sendable {
    package let id: String
    /// What it says.
    package let text: String
    package let cases: [Case]
    let vectors: [Vector]
    let faults: [Fault]
    package let tests: [UnitTest]

    var section: String { String(id.prefix { $0 != "-" }) }

    /// Why nothing proves it, and what to do about that; nil if something does. A case of the level `should` proves
    /// nothing: its failure fails no run.
    package var gap: String? {
      guard tests.isEmpty, !cases.contains(where: { $0.level == .must }) else { return nil }
      let found = cases.isEmpty ? "no case" : "only cases of the level should"
      return "\(id) has \(found) and no unit test that names it: add a case to \(CaseLoader.folder), or name it with "
        + ".clauses(\"\(id)\") in a unit test and run 'bokbok conformance unit-tests --write'"
    }

    /// Whether it has cases, and nothing shows that a breach of it is rejected: no negative case, no invalid vector.
    package var isPositiveOnly: Bool {
      !cases.isEmpty && !cases.contains(where: \.isNegative) && vectors.allSatisfy(\.isValid)
    }

    /// Whether unit tests alone prove it.
    var isOfUnitTestsOnly: Bool { cases.isEmpty && !tests.isEmpty }
  }

  /// In the order of the specification.
  package let clauses: [Clause]
  let suite: CaseSuite

  /// The clauses of a specification, and what proves each.
  init(
    specification: SpecificationIndex,
    suite: CaseSuite,
    vectors: [Vector],
    faults: [Fault],
    tests: UnitTestIndex
  ) {
    self.suite = suite
    let cases = Self.index(suite.cases, by: \.clauses)
    let vectors = Self.index(vectors, by: \.clauses)
    let faults = Self.index(faults) { [$0.clause] }
    clauses = specification.ids.map { id in
      Clause(
        id: id,
        text: specification.text(of: id) ?? "",
        cases: cases[id] ?? [],
        vectors: vectors[id] ?? [],
        faults: faults[id] ?? [],
        tests: tests.tests(of: id)
      )
    }
  }

  /// What the command carries, but for a folder of cases that is given. Throws ``DataError``.
  package init(casesDirectory: String? = nil) throws(DataError) {
    try self.init(specification: try SpecificationIndex.embedded(), casesDirectory: casesDirectory)
  }

  /// The same with another specification.
  package init(specification: SpecificationIndex, casesDirectory: String? = nil) throws(DataError) {
    let loader = try CaseLoader(specification: specification)
    let suite: CaseSuite
    if let casesDirectory {
      suite = try loader.suite(inDirectory: casesDirectory)
    } else {
      suite = try loader.embeddedSuite()
    }
    try self.init(specification: specification, suite: suite)
  }

  /// The same with a suite that has been read.
  init(specification: SpecificationIndex, suite: CaseSuite) throws(DataError) {
    self.init(
      specification: specification,
      suite: suite,
      vectors: try VectorSet(.embedded, checksSchema: false).files.flatMap(\.vectors),
      faults: try FaultLoader.embeddedFaults(specification),
      tests: try UnitTestIndex.embedded(specification)
    )
  }

  private static func index<Item>(_ items: [Item], by clauses: (Item) -> [String]) -> [String: [Item]] {
    var index: [String: [Item]] = [:]
    for item in items {
      for clause in Set(clauses(item)) { index[clause, default: []].append(item) }
    }
    return index
  }

  /// The clauses that nothing proves.
  package var gaps: [Clause] { clauses.filter { $0.gap != nil } }

  /// The letters of the sections, in the order of the specification.
  var sections: [String] {
    clauses.reduce(into: []) { if $0.last != $1.section { $0.append($1.section) } }
  }

  /// The exit status of the command: 0 without a gap, otherwise 1.
  var exitStatus: Int32 { gaps.isEmpty ? 0 : 1 }
}

/// How much proves some clauses. What proves several of them counts once.
struct CoverageCounts {
  let clauses: Int
  let cases: Int
  let negativeCases: Int
  let vectors: Int
  let faults: Int
  let tests: Int
  let gaps: Int

  init(_ clauses: [ClauseCoverage.Clause]) {
    let all = clauses.flatMap(\.cases)
    self.clauses = clauses.count
    cases = Set(all.map(\.id)).count
    negativeCases = Set(all.filter(\.isNegative).map(\.id)).count
    vectors = Set(clauses.flatMap(\.vectors).map(\.id)).count
    faults = Set(clauses.flatMap(\.faults).map(\.id)).count
    tests = Set(clauses.flatMap(\.tests)).count
    gaps = clauses.count { $0.gap != nil }
  }
}
