internal import BokbokCore

/// The kill matrix for a page: first what no case killed, open; then a table for each section of the specification, with
/// a row for each fault.
struct KillMatrixPage {
  let document: KillMatrixDocument
  let specification: SpecificationIndex

  func text() -> String {
    HTMLPage(title: "Kill matrix", introduction: "<p>\(verdict.html)</p>\n", sections: sections).text
  }

  var verdict: HTMLVerdict {
    guard document.testeeFailures.isEmpty else {
      return HTMLVerdict(kind: .bad, text: "✗ Nothing was tried: the testee without a fault fails")
    }
    let count = document.trials.count { !$0.isKilled }
    if let text = document.incompleteness {
      return .incomplete(text, failures: count == 0 ? nil : "of what was tried, \(count) not killed")
    }
    switch document.exitStatus {
    case 0: return HTMLVerdict(kind: .good, text: "✓ Every fault was killed")
    case 3: return HTMLVerdict(kind: .doubt, text: "? Not decided: \(count)")
    default: return HTMLVerdict(kind: .bad, text: "✗ Not killed: \(count) of \(document.trials.count) trials")
    }
  }

  var sections: [HTMLSection] {
    let letters = clauses.reduce(into: [String]()) { letters, clause in
      let section = String(clause.prefix { $0 != "-" })
      if letters.last != section { letters.append(section) }
    }
    let summary = HTMLSection(id: "summary", title: "Summary", content: facts)
    guard document.testeeFailures.isEmpty else { return [summary, testeeFailures] }
    return [
      summary,
      HTMLSection(id: "survivors", title: "What was not killed", content: survivors),
      HTMLSection(id: "faults", title: "Faults by clause", content: Self.legend, sections: letters.map(section)),
    ] + remarks
  }

  // MARK: The summary

  private var facts: HTMLText {
    let trials = document.trials
    let outcomes = FaultTrial.Outcome.allCases.filter { document.count($0) > 0 }
    return .facts([
      ("Faults", "\(Set(trials.map(\.fault)).count) of \(clauses.count) clauses, in \(trials.count) trials"),
      ("Outcome", outcomes.map { "\(document.count($0)) \($0.name)" }.joined(separator: ", ")),
      ("Ran", "in \(document.milliseconds / 1000) s"),
      ("Suite", "digest \(document.suite)"),
    ])
  }

  private var testeeFailures: HTMLSection {
    let items = document.testeeFailures.map { failure -> HTMLText in
      """
      <details open class="case" id="testee-\(failure.path)">
      <summary><span class="sign bad">✗ \(failure.state)</span> <code>\(failure.path)</code></summary>
      <dl>
      <dt>Expected</dt><dd>\(String(displaying: failure.expected, charactersMax: 2000))</dd>
      <dt>Got</dt><dd>\(String(displaying: failure.got, charactersMax: 2000))</dd>
      </dl>
      </details>

      """
    }
    return HTMLSection(
      id: "testee",
      title: "What the testee without a fault does not pass",
      content: "<p>A fault shows only where a testee without it passes.</p>\n\(HTMLText.joined(items))"
    )
  }

  private static let legend: HTMLText = """
    <p>A row for each planted fault, with the roles in which the faulty testee was tried and the case that found it. \
    ✓ a step of the case failed, as it has to, or the audit of its connections did; ✗ neither; ? not decided; – not tried \
    in this role.</p>

    """

  // MARK: What was not killed

  private var survivors: HTMLText {
    // What proves nothing about the cases, a badly written fault, comes last.
    let order: [FaultTrial.Outcome] = [.survived, .survivalOnly, .trouble, .broken]
    let shown = order.flatMap { outcome in document.trials.filter { $0.outcome == outcome } }
    guard !document.trials.isEmpty else { return "<p>No fault was tried.</p>\n" }
    guard !shown.isEmpty else {
      return "<p>Every fault was killed: by a step of a case of its clause, or by the audit.</p>\n"
    }
    return HTMLText.joined(shown.map(survivor))
  }

  private func survivor(_ trial: KillMatrixDocument.Trial) -> HTMLText {
    var html: HTMLText = "<dl>\n<dt>The fault</dt><dd>\(trial.why)</dd>\n"
    html += "<dt>\(trial.clause)</dt><dd>\(HTMLText(markdown: specification.text(of: trial.clause) ?? ""))</dd>\n"
    html += "<dt>What it means</dt><dd>\(trial.outcome.meaning)</dd>\n"
    if let killer = trial.killer { html += "<dt>The case</dt><dd><code>\(killer)</code></dd>\n" }
    if let expected = trial.expected {
      html += "<dt>Expected</dt><dd>\(String(displaying: expected, charactersMax: 2000))</dd>\n"
    }
    if let got = trial.got { html += "<dt>Got</dt><dd>\(String(displaying: got, charactersMax: 2000))</dd>\n" }
    html += "</dl>\n"
    if trial.caseCount == 0 {
      html += "<p>No case of the level must covers \(trial.clause) in this role.</p>\n"
    } else if !trial.played.isEmpty {
      let items = trial.played.map { path -> HTMLText in "<li><code>\(path)</code></li>\n" }
      html += "<h3>What was played</h3>\n<ul>\n\(HTMLText.joined(items))</ul>\n"
    }
    let lines = trial.standardError.split(separator: "\n").suffix(60)
    if !lines.isEmpty {
      let text = lines.map { String(displaying: $0, charactersMax: 500) }.joined(separator: "\n")
      html += "<h3>The testee’s standard error</h3>\n<pre class=\"wide\" tabindex=\"0\">\(text)</pre>\n"
    }
    return """
      <details open class="case" id="\(anchor(trial))">
      <summary><span class="sign \(trial.outcome.kind.rawValue)">\(trial.outcome.sign) \(trial.outcome.name)</span> \
      <code>\(trial.fault)</code>, testee as \(trial.role.rawValue)</summary>
      \(html)</details>

      """
  }

  private func anchor(_ trial: KillMatrixDocument.Trial) -> String { "fault-\(trial.fault)-\(trial.role.rawValue)" }

  // MARK: The tables

  /// The clauses that faults break, in the order of the specification.
  private var clauses: [String] {
    let found = Set(document.trials.map(\.clause))
    // A document of an earlier version may know a clause that is no longer there.
    return specification.ids.filter(found.contains) + found.filter { !specification.contains($0) }.sorted()
  }

  private func section(_ letters: String) -> HTMLSection {
    let rows = clauses.filter { $0.hasPrefix("\(letters)-") }.flatMap(rows)
    return HTMLSection(
      id: letters,
      title: CoverageReport.title(of: letters),
      content: .table(
        label: "Faults of section \(letters)",
        heads: ["Clause", "Fault", "Testee as server", "Testee as client"],
        rows: rows,
        class: "texts"
      )
    )
  }

  /// What the clause says, and a row for each of its faults.
  private func rows(_ clause: String) -> [HTMLText] {
    let trials = document.trials.filter { $0.clause == clause }
    let faults = trials.reduce(into: [String]()) { if !$0.contains($1.fault) { $0.append($1.fault) } }
    let text = HTMLText(markdown: specification.text(of: clause) ?? "")
    let head: HTMLText = """
      <tr><th scope="rowgroup" rowspan="\(faults.count + 1)">\(clause)</th><td class="clause" colspan="3">\(text)</td></tr>

      """
    return [head] + faults.map { fault in row(fault, trials.filter { $0.fault == fault }) }
  }

  private func row(_ fault: String, _ trials: [KillMatrixDocument.Trial]) -> HTMLText {
    let name = fault.split(separator: "/", maxSplits: 1).last.map(String.init) ?? fault
    let cells = [Configuration.Role.server, .client].map { role in cell(trials.first { $0.role == role }) }
    return """
      <tr><td class="says"><code>\(name)</code><br>\(trials.first?.why ?? "")</td>\(HTMLText.joined(cells))</tr>

      """
  }

  private func cell(_ trial: KillMatrixDocument.Trial?) -> HTMLText {
    guard let trial else { return "<td class=\"none\">–</td>" }
    let (kind, sign) = (trial.outcome.kind.rawValue, trial.outcome.sign)
    let audit: HTMLText = trial.isByAudit ? " (by the audit)" : ""
    let killer: HTMLText = trial.killer.map { "<br><code>\($0)</code>\(audit)" } ?? ""
    guard !trial.isKilled else { return "<td class=\"\(kind)\">\(sign) \(trial.outcome.name)\(killer)</td>" }
    return "<td class=\"\(kind)\"><a href=\"#\(anchor(trial))\">\(sign) \(trial.outcome.name)</a>\(killer)</td>"
  }

  // MARK: With every case

  private var remarks: [HTMLSection] {
    var sections: [HTMLSection] = []
    func add(_ id: String, _ title: String, _ texts: [String]) {
      guard !texts.isEmpty else { return }
      let items = texts.map { text -> HTMLText in "<li>\(text)</li>\n" }
      sections.append(HTMLSection(id: id, title: title, content: "<ul>\n\(HTMLText.joined(items))</ul>\n"))
    }
    add("twins", "Faults that the same cases kill", document.twins.map { $0.joined(separator: ", ") })
    add("positive-only", "Cases that kill nothing", document.positiveOnly)
    return sections
  }
}

extension FaultTrial.Outcome {
  /// In the words of the terminal's summary.
  var name: String {
    switch self {
    case .killed, .survived, .broken: rawValue
    case .survivalOnly: "by survival checks only"
    case .trouble: "not decided"
    }
  }

  fileprivate var sign: String {
    switch self {
    case .killed: "✓"
    case .survivalOnly, .survived, .broken: "✗"
    case .trouble: "?"
    }
  }

  fileprivate var kind: HTMLVerdict.Kind {
    switch self {
    case .killed: .good
    case .survivalOnly, .survived, .broken: .bad
    case .trouble: .doubt
    }
  }

  /// What it says, and what to do about it.
  fileprivate var meaning: String {
    switch self {
    case .killed: "A step of a case of the clause failed."
    case .survived: "Every case passed: the clause wants a new case, or a sharper one."
    case .survivalOnly:
      "Cases failed only after their steps, in the close or the proof of survival: the clause wants a case with a step "
        + "that fails."
    case .broken: "The testee did not start, or stumbled over the edit itself: the fault is badly written."
    case .trouble: "The kit could not tell: run it again, alone with --fault."
    }
  }
}
