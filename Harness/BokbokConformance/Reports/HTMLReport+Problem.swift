internal import BokbokCore

/// One case that did not pass, with all that is known about it.
extension HTMLReport {
  func problem(_ result: CaseResult) -> HTMLText {
    let (sign, name) = signature(of: result)
    return """
      <details class="case" id="\(result.path)">
      <summary><span class="sign \(name)">\(sign) \(result.state.rawValue)</span> <code>\(result.path)</code><br>\
      \(result.item.title)</summary>
      \(reasons(result))\(attempts(result))</details>

      """
  }

  private func signature(of result: CaseResult) -> (sign: String, name: String) {
    switch result.weight(isStrict: summary.isStrict) {
    case .failure: ("✗", "bad")
    case .trouble: ("?", "doubt")
    case .warning: ("!", "doubt")
    case .good: ("~", "doubt")
    }
  }

  private func reasons(_ result: CaseResult) -> HTMLText {
    var html: HTMLText = ""
    if let excuse = result.excuse {
      if result.state == .pass {
        html += "<p>It passes, though the manifest expects it to fail: \(excuse)</p>\n"
      } else {
        html += "<p>The manifest expects it to fail: \(excuse)</p>\n"
      }
    }
    var clauses = result.item.clauses
    if let broken = result.problem?.clause {
      clauses.removeAll { $0 == broken }
      clauses.insert(broken, at: 0)
    }
    let items = clauses.map { id -> HTMLText in
      let mark: HTMLText = id == result.problem?.clause ? " <strong>(broken)</strong>" : ""
      return "<dt>\(id)\(mark)</dt><dd>\(HTMLText(markdown: specification.text(of: id) ?? ""))</dd>\n"
    }
    html += "<dl>\n\(HTMLText.joined(items))<dt>Why</dt><dd>\(result.item.why)</dd>\n</dl>\n"
    return html
  }

  private func attempts(_ result: CaseResult) -> HTMLText {
    guard let problem = result.problem else { return "" }
    guard let first = result.firstAttempt else { return attempt(problem) }
    return "<h3>First attempt</h3>\n\(attempt(first))<h3>Second attempt, alone</h3>\n\(attempt(problem))"
  }

  private func attempt(_ problem: CaseResult.Problem) -> HTMLText {
    var html: HTMLText = "<dl>\n"
    if let step = problem.step {
      html += "<dt>Step \(step)</dt><dd><code>\(problem.stepSource ?? "")</code></dd>\n"
    } else {
      html += "<dt>Step</dt><dd>Outside of the steps: the opening, or what follows the last step.</dd>\n"
    }
    html += "<dt>Expected</dt><dd>\(String(displaying: problem.expected, charactersMax: 2000))</dd>\n"
    html += "<dt>Got</dt><dd>\(String(displaying: problem.got, charactersMax: 2000))</dd>\n</dl>\n"
    if !problem.trace.isEmpty { html += trace(problem.trace) }
    let errors = problem.errorText.split(separator: "\n").suffix(60)
    if !errors.isEmpty {
      let lines = errors.map { String(displaying: $0, charactersMax: 500) }.joined(separator: "\n")
      html += "<h3>The testee’s standard error</h3>\n<pre class=\"wide\" tabindex=\"0\">\(lines)</pre>\n"
    }
    return html
  }

  // MARK: The trace

  /// A table in the order of time: what the kit sent on the left, what the testee sent on the right.
  private func trace(_ trace: CaseTrace) -> HTMLText {
    let rows: [HTMLText] = trace.shown.map { shown in
      guard case .row(let row) = shown else {
        return "<tr><td></td><td class=\"remark\" colspan=\"2\">\(shown.remark ?? "")</td></tr>\n"
      }
      return self.row(row)
    }
    return """
      <h3>Trace</h3>
      <div class="wide" tabindex="0" role="region" aria-label="Trace">
      <table class="trace">
      <thead><tr><th scope="col">ms</th><th scope="col">The kit</th><th scope="col">The testee</th></tr></thead>
      <tbody>
      \(HTMLText.joined(rows))</tbody>
      </table>
      </div>

      """
  }

  private func row(_ row: TraceRow) -> HTMLText {
    let entry = entry(row)
    let cells: HTMLText
    switch row.side {
    case .kit, .command: cells = "<td class=\"\(row.side.rawValue)\">\(entry)</td><td></td>"
    case .testee, .answer: cells = "<td></td><td class=\"\(row.side.rawValue)\">\(entry)</td>"
    case .remark: cells = "<td class=\"remark\" colspan=\"2\">\(entry)</td>"
    }
    return "<tr><td class=\"time\">\(row.time.milliseconds)</td>\(cells)</tr>\n"
  }

  private func entry(_ row: TraceRow) -> HTMLText {
    let connection: HTMLText = row.connection.map { "<span class=\"name\">\($0)</span> " } ?? ""
    guard let annotation = row.annotation else {
      return "\(connection)\(String(displaying: row.text, charactersMax: 400))"
    }
    let shown = annotation.bytes.prefix(16).map { Hexadecimal.text([$0]) }.joined(separator: " ")
    let rest = annotation.bytes.count > 16 ? " …" : ""
    let place = annotation.isInsideSealedRecord ? "+\(annotation.offset)" : "\(annotation.offset)"
    let broken: HTMLText = annotation.clause.map { " <strong class=\"sign bad\">✗ breaks \($0)</strong>" } ?? ""
    let depth = min(annotation.depth, 3)
    return """
      <div class="depth\(depth)">\(connection)\(annotation.meaning)\(broken)<br>\
      <code>\(place): \(shown)\(rest)</code></div>
      """
  }
}
