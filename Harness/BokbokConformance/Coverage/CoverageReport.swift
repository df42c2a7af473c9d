/// What proves the clauses, for people at a terminal and for programs.
package struct CoverageReport: Sendable {
  package static let schemaPath = "Harness/Coverage/coverage.schema.json"
  /// The version of the form for programs.
  private static let form = 1
  private static let width = 80

  let coverage: ClauseCoverage

  package init(_ coverage: ClauseCoverage) {
    self.coverage = coverage
  }

  // MARK: For people

  /// At most 80 columns: a table of sections, the clauses to look at, and the gaps.
  package var lines: [String] {
    let rows = coverage.sections.map { section in
      Self.row(Self.title(of: section), CoverageCounts(coverage.clauses.filter { $0.section == section }))
    }
    var lines = [
      "Coverage of the specification by suite \(coverage.versionText)",
      "digest \(coverage.suite.digest)",
      "",
      Self.row("", ["clauses", "cases", "negative", "vectors", "faults", "tests", "gaps"]),
    ]
    lines += rows + [Self.row("all", CoverageCounts(coverage.clauses))]
    lines += Self.list("Only positive cases, no invalid vector", coverage.clauses.filter(\.isPositiveOnly))
    lines += Self.list("Unit tests and no case", coverage.clauses.filter(\.isOfUnitTestsOnly))
    let gaps = coverage.gaps
    lines += [
      "", gaps.isEmpty ? "No gap: each clause has a case of the level must or a unit test." : "Gaps: \(gaps.count)",
    ]
    lines += gaps.flatMap { Self.wrap($0.gap ?? "") }
    return lines
  }

  static func title(of section: String) -> String {
    [section, TableReport.sectionNames[section]].compactMap { $0 }.joined(separator: " ")
  }

  private static func row(_ title: String, _ counts: CoverageCounts) -> String {
    let numbers = [
      counts.clauses, counts.cases, counts.negativeCases, counts.vectors, counts.faults, counts.tests, counts.gaps,
    ]
    return row(title, numbers.map(String.init))
  }

  private static func row(_ title: String, _ cells: [String]) -> String {
    let cells = cells.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }
    return title + String(repeating: " ", count: max(0, 14 - title.count)) + cells.joined()
  }

  private static func list(_ title: String, _ clauses: [ClauseCoverage.Clause]) -> [String] {
    guard !clauses.isEmpty else { return [] }
    return ["", "\(title): \(clauses.count)"] + wrap(clauses.map(\.id).joined(separator: " "))
  }

  private static func wrap(_ text: String) -> [String] {
    var lines: [String] = []
    var line = " "
    for word in text.split(separator: " ") {
      if line.count + 1 + word.count > width {
        lines.append(line)
        line = "   "
      }
      line += " " + word
    }
    return lines + [line]
  }

  // MARK: For programs

  /// One object, which fits the schema.
  package var json: JSON {
    [
      "type": "coverage",
      "form": .integer(Self.form),
      "suite": .string(coverage.suite.digest),
      "suiteVersion": coverage.version.map { version in
        ["number": .integer(version.number), "published": version.published.map { .string($0) } ?? .null]
      } ?? .null,
      "clauses": .array(coverage.clauses.map(Self.json)),
      "gaps": .array(coverage.gaps.map { .string($0.id) }),
    ]
  }

  private static func json(_ clause: ClauseCoverage.Clause) -> JSON {
    [
      "clause": .string(clause.id),
      "text": .string(clause.text),
      "cases": .array(
        clause.cases.map { item in
          [
            "id": .string(item.id),
            "level": .string(item.level.rawValue),
            "kind": item.isNegative ? "negative" : "positive",
          ]
        }
      ),
      "vectors": .array(
        clause.vectors.map { ["id": .string($0.id), "result": $0.isValid ? "valid" : "invalid"] }
      ),
      "faults": .array(
        clause.faults.map { fault in
          ["id": .string(fault.id), "roles": .array(fault.roles.map { .string($0.rawValue) })]
        }
      ),
      "unitTests": .array(clause.tests.map(\.json)),
      "gap": clause.gap.map { .string($0) } ?? .null,
    ]
  }
}

extension ClauseCoverage {
  var version: SuiteVersion? { suite.version ?? suite.ledger.map { SuiteVersion($0.newest) } }

  var versionText: String { version.map { "version \($0)" } ?? "without versions" }
}
