/// The report in the XML that continuous integration knows: a suite for each configuration, a test for each case.
enum JUnitReport {
  static func text(_ summary: RunSummary) -> String {
    var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#]
    lines.append("<testsuites name=\"\(escape("conformance of \(summary.implementation)"))\">")
    for configuration in Configuration.everywhere {
      let results = summary.results.filter { $0.configuration == configuration }
      guard !results.isEmpty else { continue }
      lines += suite(configuration, results, summary)
    }
    lines += uselessExcuses(summary)
    lines += incompleteness(summary.ending, summary.incompleteness)
    lines.append("</testsuites>")
    return lines.joined(separator: "\n") + "\n"
  }

  /// Patterns of expected failures that match no case fail the run: here, too, something has to be red.
  private static func uselessExcuses(_ summary: RunSummary) -> [String] {
    let count = summary.uselessExcuses.count
    guard count > 0 else { return [] }
    let tests = summary.uselessExcuses.flatMap { pattern in
      [
        "    <testcase classname=\"expected failures\" name=\"\(escape(pattern))\" time=\"0.000\">",
        "      <failure type=\"fail\" message=\"\(escape("the expected failure \"\(pattern)\" matches no case"))\"/>",
        "    </testcase>",
      ]
    }
    let head =
      "  <testsuite name=\"expected failures\" tests=\"\(count)\" failures=\"\(count)\" errors=\"0\" skipped=\"0\""
      + " time=\"0.000\">"
    return [head] + tests + ["  </testsuite>"]
  }

  /// A run that is not complete has to be red, also where everything that was judged has passed.
  ///
  /// - Parameter text: why it is not complete, for people; nil if it is.
  static func incompleteness(_ ending: RunEnding, _ text: String?) -> [String] {
    guard let text else { return [] }
    return [
      "  <testsuite name=\"the run\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" time=\"0.000\">",
      "    <testcase classname=\"the run\" name=\"is complete\" time=\"0.000\">",
      "      <error type=\"\(ending.word)\" message=\"\(escape(text))\"/>",
      "    </testcase>",
      "  </testsuite>",
    ]
  }

  private static func suite(_ configuration: Configuration, _ results: [CaseResult], _ summary: RunSummary) -> [String]
  {
    let weights = results.map { $0.weight(isStrict: summary.isStrict) }
    let duration = results.map(\.duration).reduce(.zero, +)
    let skippedCount = results.count { isSkipped($0, summary) }
    var lines = [
      "  <testsuite name=\"\(configuration.path)\" tests=\"\(results.count)\""
        + " failures=\"\(weights.count { $0 == .failure })\" errors=\"\(weights.count { $0 == .trouble })\""
        + " skipped=\"\(skippedCount)\" time=\"\(seconds(duration))\">"
    ]
    for result in results { lines += test(result, summary) }
    lines.append("  </testsuite>")
    return lines
  }

  private static func isSkipped(_ result: CaseResult, _ summary: RunSummary) -> Bool {
    let weight = result.weight(isStrict: summary.isStrict)
    return !result.state.isPlayed || weight == .warning || (weight == .good && result.state != .pass)
  }

  private static func test(_ result: CaseResult, _ summary: RunSummary) -> [String] {
    let head =
      "    <testcase classname=\"\(escape(result.configuration.path))\" name=\"\(escape(result.item.id))\""
      + " time=\"\(seconds(result.duration))\""
    var text = result.problem.map { "expected \($0.expected), got \($0.got)" } ?? result.state.rawValue
    if let excuse = result.excuse { text = "expected to fail (\(excuse)): \(text)" }
    let details = (result.problem?.trace.lines ?? []).joined(separator: "\n")
    let element: String
    switch result.weight(isStrict: summary.isStrict) {
    case .failure: element = "failure"
    case .trouble: element = "error"
    case .good, .warning:
      guard isSkipped(result, summary) else { return [head + "/>"] }
      return [
        head + ">", "      <skipped message=\"\(escape("\(result.state.rawValue): \(text)"))\"/>", "    </testcase>",
      ]
    }
    let message = "\(element) type=\"\(result.state.rawValue)\" message=\"\(escape(text))\""
    return [head + ">", "      <\(message)>\(escape(details))</\(element)>", "    </testcase>"]
  }

  static func seconds(_ duration: Duration) -> String {
    let milliseconds = duration.milliseconds
    let fraction = String(milliseconds % 1000 + 1000).dropFirst()
    return "\(milliseconds / 1000).\(fraction)"
  }

  /// Text for XML 1.0, which has no form at all for most control characters.
  static func escape(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case "\t": result += "&#9;"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
