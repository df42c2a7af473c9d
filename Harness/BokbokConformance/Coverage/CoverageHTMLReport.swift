/// What proves the clauses, as one page that needs nothing else: the sections, the gaps, and a row for each clause.
struct CoverageHTMLReport {
  let coverage: ClauseCoverage
  /// A cell that tells how the cases of a clause ended in the run that the page is about; nil for a page about none.
  var outcome: ((String) -> HTMLText)?

  func text() -> String {
    HTMLPage(
      title: "Coverage of the specification",
      introduction: "<p>\(verdict.html)</p>\n\(introduction)",
      sections: gaps + coverage.sections.map(section)
    ).text
  }

  /// The same as one section of a page about something else.
  var section: HTMLSection {
    HTMLSection(
      id: "coverage",
      title: "What proves each clause",
      verdict: verdict,
      content: """
        \(introduction)<p>“This run” tells how its cases of the clause ended, with the signs of “Requirements and \
        configurations”; nothing, where it had none.</p>

        """,
      sections: gaps + coverage.sections.map(section).map { $0.folded }
    )
  }

  private var introduction: HTMLText {
    let counts = CoverageCounts(coverage.clauses)
    return """
      <p>Suite \(coverage.versionText), digest \(coverage.suite.digest): \(counts.clauses) clauses, \(counts.cases) cases, \
      \(counts.vectors) vectors, \(counts.faults) planted faults, \(counts.tests) unit tests.</p>

      """
  }

  private var verdict: HTMLVerdict {
    let count = coverage.gaps.count
    guard count > 0 else { return HTMLVerdict(kind: .good, text: "✓ No gap") }
    return HTMLVerdict(kind: .bad, text: "✗ Gaps: \(count)")
  }

  private var gaps: [HTMLSection] {
    guard !coverage.gaps.isEmpty else { return [] }
    let items = coverage.gaps.map { clause -> HTMLText in "<li>\(clause.gap ?? "")</li>\n" }
    return [HTMLSection(id: "gaps", title: "Gaps", content: "<ul>\n\(HTMLText.joined(items))</ul>\n")]
  }

  private func section(_ letters: String) -> HTMLSection {
    HTMLSection(
      id: "section-\(letters)",
      title: CoverageReport.title(of: letters),
      content: .table(
        label: "Section \(letters)",
        heads: ["Clause", "What it says"] + (outcome == nil ? [] : ["This run"])
          + ["Positive cases", "Negative cases", "Vectors", "Faults", "Unit tests"],
        rows: coverage.clauses.filter { $0.section == letters }.map(row),
        class: "texts"
      )
    )
  }

  private func row(_ clause: ClauseCoverage.Clause) -> HTMLText {
    let sign: HTMLText = clause.gap == nil ? "" : " <span class=\"sign bad\">✗ gap</span>"
    let cells = [
      clause.cases.filter { !$0.isNegative }.map(\.name),
      clause.cases.filter(\.isNegative).map(\.name),
      clause.vectors.map { $0.isValid ? $0.id : "\($0.id) (invalid)" },
      clause.faults.map { "\($0.id) (\($0.roles.map(\.rawValue).joined(separator: ", ")))" },
      clause.tests.map { "\($0.name), \($0.file)" },
    ]
    return """
      <tr><th scope="row">\(clause.id)\(sign)</th><td class="says">\(HTMLText(markdown: clause.text))</td>\
      \(outcome?(clause.id) ?? "")\(HTMLText.joined(cells.map(cell)))</tr>

      """
  }

  /// How many, and which.
  private func cell(_ names: [String]) -> HTMLText {
    guard !names.isEmpty else { return "<td class=\"none\">–</td>" }
    let items = names.map { name -> HTMLText in "<li>\(name)</li>" }
    return "<td><details><summary>\(names.count)</summary><ul>\(HTMLText.joined(items))</ul></details></td>"
  }
}

extension Case {
  fileprivate var name: String { level == .must ? id : "\(id) (\(level.rawValue))" }
}
