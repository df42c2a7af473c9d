/// The matrix for programs: one JSON object a line, first a header, then one for each scenario, last a footer.
/// `Harness/Interop/interop-matrix.schema.json` describes it.
enum InteropJSONReport {
  static func lines(_ summary: InteropSummary) -> [JSON] {
    let header: JSON = [
      "type": "header", "report": 1, "kind": "interop-matrix",
      "implementations": .array(
        summary.implementations.map { ["name": .string($0.name), "version": .string($0.declaration.version)] }
      ),
      "notRun": .array(
        summary.absent.map { missing in
          [
            "name": .string(missing.name), "reason": .string(missing.reason),
            "setup": .array(missing.setup.map { .string($0) }),
          ]
        }
      ),
    ]
    var counts = JSON.Object()
    for state in InteropResult.State.allCases { counts[state.rawValue] = .integer(summary.count(state)) }
    let end: JSON = ["type": "footer"]
    let footer = end.merging(summary.ending.json(unmadeCount: summary.unmadeCount)).merging([
      "states": .object(counts), "milliseconds": .integer(summary.duration.milliseconds),
      "exitStatus": .integer(Int(summary.exitStatus)),
    ])
    return [header] + summary.results.map(line) + [footer]
  }

  private static func line(_ result: InteropResult) -> JSON {
    var object = JSON.Object([
      ("type", "interop"),
      ("path", .string(result.path)),
      ("client", .string(result.configuration.client.name)),
      ("server", .string(result.configuration.server.name)),
      ("configuration", .string(result.configuration.way)),
      ("scenario", .string(result.scenario.name)),
      ("title", .string(result.scenario.title)),
      ("state", .string(result.state.rawValue)),
      ("milliseconds", .integer(result.duration.milliseconds)),
    ])
    if let problem = result.problem {
      object["problem"] = [
        "expected": .string(problem.expected), "got": .string(problem.got),
        "trace": .array(problem.trace.map { .string($0) }),
      ]
    }
    return .object(object)
  }
}

/// The matrix in the XML that continuous integration knows: a suite for each configuration, a test for each scenario, and
/// a skipped test for each implementation that did not start (a failed one where all are required). A run that is not
/// complete is an error.
enum InteropJUnitReport {
  static func text(_ summary: InteropSummary) -> String {
    var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#, #"<testsuites name="interop matrix">"#]
    var suites: [(name: String, results: [InteropResult])] = []
    for result in summary.results {
      if suites.last?.name != result.configuration.path { suites.append((result.configuration.path, [])) }
      suites[suites.count - 1].results.append(result)
    }
    for (name, results) in suites {
      let duration = results.map(\.duration).reduce(.zero, +)
      lines.append(
        "  <testsuite name=\"\(JUnitReport.escape(name))\" tests=\"\(results.count)\""
          + " failures=\"\(results.count { $0.state == .fail })\" errors=\"0\""
          + " skipped=\"\(results.count { $0.state == .notDeclared })\" time=\"\(JUnitReport.seconds(duration))\">"
      )
      lines += results.flatMap(test)
      lines.append("  </testsuite>")
    }
    if !summary.absent.isEmpty { lines += absentSuite(summary) }
    lines += JUnitReport.incompleteness(summary.ending, summary.incompleteness)
    return (lines + ["</testsuites>"]).joined(separator: "\n") + "\n"
  }

  private static func test(_ result: InteropResult) -> [String] {
    let head =
      "    <testcase classname=\"\(JUnitReport.escape(result.configuration.path))\""
      + " name=\"\(result.scenario.name)\" time=\"\(JUnitReport.seconds(result.duration))\""
    guard let problem = result.problem else { return [head + "/>"] }
    if result.state == .notDeclared {
      return [head + ">", "      <skipped message=\"\(JUnitReport.escape(problem.got))\"/>", "    </testcase>"]
    }
    let message = JUnitReport.escape("expected \(problem.expected), got \(problem.got)")
    let trace = JUnitReport.escape(problem.trace.joined(separator: "\n"))
    return [head + ">", "      <failure message=\"\(message)\">\(trace)</failure>", "    </testcase>"]
  }

  private static func absentSuite(_ summary: InteropSummary) -> [String] {
    let count = summary.absent.count
    let element = summary.requiresAll ? "failure" : "skipped"
    return [
      "  <testsuite name=\"not run\" tests=\"\(count)\" failures=\"\(summary.requiresAll ? count : 0)\" errors=\"0\""
        + " skipped=\"\(summary.requiresAll ? 0 : count)\" time=\"0.000\">"
    ]
      + summary.absent.flatMap { missing in
        [
          "    <testcase classname=\"not run\" name=\"\(missing.name)\" time=\"0.000\">",
          "      <\(element) message=\"\(JUnitReport.escape(missing.reason))\"/>",
          "    </testcase>",
        ]
      } + ["  </testsuite>"]
  }
}
