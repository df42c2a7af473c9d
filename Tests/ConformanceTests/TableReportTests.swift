import Foundation
import Testing

@testable import BokbokConformance

/// The table for people fits in the window that it is read in.
@Suite struct TableReportTests {
  private static func lines(
    columnCount: Int,
    judge: (inout CaseResult) -> Void = { _ in }
  ) throws -> [String] {
    let specification = try SpecificationIndex.embedded()
    let suite = try CaseLoader(specification: specification).embeddedSuite()
    let item = try #require(suite.cases.first { $0.section == "P" })
    let summary = RunSummary(
      implementation: "test",
      declaration: try Declaration(reply: ["ok": LibraryTestee.declaration]),
      suiteDigest: suite.digest,
      suiteVersion: nil,
      suiteCaseCount: suite.cases.count,
      results: Configuration.all(on: .live).map {
        var result = CaseResult(item: item, configuration: $0, state: .pass, duration: .zero)
        judge(&result)
        return result
      },
      uselessExcuses: [],
      unplayedTransports: [],
      unmadeCount: 0,
      isStrict: false,
      duration: .zero
    )
    return TableReport(
      summary: summary,
      specification: specification,
      showsTraces: true,
      columnCount: columnCount
    ).lines()
  }

  /// In 80 columns six configurations stand beside each other, and in 122 all twelve.
  @Test(arguments: [(10, 12), (32, 6), (80, 2), (121, 2), (122, 1), (400, 1)])
  func theTableIsFoldedIntoAsManyAsTheWidthTakes(columnCount: Int, tableCount: Int) throws {
    let lines = try Self.lines(columnCount: columnCount)
    let rows = lines.filter { $0.hasPrefix("P ping") }
    #expect(rows.count == tableCount)
    #expect(rows.joined(separator: " ").split(separator: " ").count { $0 == "1" } == 12)
    #expect(Set(rows.map(\.count)).count == 1, "the tables are not of the same size")
    if columnCount > 23 { #expect(rows.allSatisfy { $0.count <= columnCount }) }
    let heads = lines.filter { $0.hasPrefix("    ") }.joined(separator: " ").split(separator: " ")
    for (word, count) in [
      ("plain", 6), ("sealed", 6), ("tcp", 4), ("unix", 4), ("stdio", 4), ("server", 6), ("client", 6),
    ] {
      #expect(heads.count { $0 == word } == count, "\(word)")
    }
  }

  /// A report of the kill matrix in which every planted fault is decided by the case with the longest path.
  private static func killMatrix() throws -> KillMatrixReport {
    let specification = try SpecificationIndex.embedded()
    let suite = try CaseLoader(specification: specification).embeddedSuite()
    let item = try #require(suite.cases.max { $0.id.count < $1.id.count })
    var trials = try FaultLoader.embeddedFaults(specification).flatMap { fault in
      fault.roles.map { FaultTrial(fault, role: $0, cases: suite.cases) }
    }
    for index in trials.indices {
      let configuration = Configuration(security: .sealed, transport: .stdio, role: trials[index].role)
      var result = CaseResult(item: item, configuration: configuration, state: .fail, duration: .zero)
      let long = String(repeating: "a long text ", count: 20)
      result.problem = CaseResult.Problem(expected: long, got: long)
      if index.isMultiple(of: 7) { result.problem?.moment = .auditing }
      trials[index].outcome = index.isMultiple(of: 50) ? .survivalOnly : .killed
      trials[index].killer = result
    }
    trials[1].outcome = .survived
    trials[1].killer = nil
    let digest = String(repeating: "0", count: 64)
    var report = KillMatrixReport(suite: digest, trials: trials, duration: .zero, namesTwins: false)
    report.ending = .interrupted(signal: SIGTERM)
    report.unmadeCount = 1000
    return report
  }

  /// Each trial is one line where that fits; else the fault stands over its trials, and nothing of them is lost.
  @Test(arguments: [80, 100, 120, 200])
  func theKillMatrixFitsTheWidth(columnCount: Int) throws {
    let report = try Self.killMatrix()
    let lines = report.lines(columnCount: columnCount)
    let tooLong = lines.filter { $0.count > columnCount }
    #expect(tooLong == [])
    let isTable = columnCount == 200
    let text = lines.joined(separator: "\n")
    let words = text.split { $0 == "\n" || $0 == " " }
    for (index, trial) in report.trials.enumerated() {
      let rows = lines.enumerated().filter { $0.element.split(separator: " ").first.map(String.init) == trial.fault.id }
      #expect(rows.count == (isTable ? trial.fault.roles.count : 1), "\(trial.fault.id)")
      guard index == 0, !isTable, let row = rows.first else { continue }
      let path = try #require(trial.killer?.path)
      #expect(lines[row.offset + 1].hasPrefix("  survival-only:"))
      #expect(lines[row.offset...].prefix(3).joined(separator: " ").contains(path))
    }
    let survivor = "as \(report.trials[1].role.rawValue), of \(report.trials[1].caseCount) cases"
    #expect(isTable || lines.contains("  survived: \(survivor)"))
    let killers = report.trials.compactMap(\.killer?.path)
    #expect(words.count { killers.contains($0.description.replacing(",", with: "")) } == killers.count)
    let folded = text.replacing(/\s+/, with: " ")
    let byAudit = report.trials.count { $0.isKilledByAudit }
    #expect(byAudit > 50)
    #expect(folded.matches(of: /, by the audit/).count == byAudit)
    #expect(folded.hasSuffix("NOT COMPLETE: interrupted by SIGTERM: 1000 trials were not made"))
    #expect(folded.contains(" 1 survived, 0 broken, 0 not decided;"))
  }

  /// A fault of the protocol layer shows in every configuration: its trace is read once.
  @Test func whatFailsInTheSameMannerIsToldOnce() throws {
    let lines = try Self.lines(columnCount: 80) { result in
      guard result.configuration.transport != .stdio else { return }
      result.state = .fail
      let got = result.configuration.role == .server ? "a PONG" : "nothing"
      result.problem = CaseResult.Problem(step: "1", expected: "a RESPONSE", got: got)
    }
    let first = try #require(lines.firstIndex { $0.hasPrefix("FAIL  P-1/") && $0.hasSuffix("/plain/tcp/server") })
    #expect(lines[first + 1] == "  also: plain/unix/server, sealed/tcp/server, sealed/unix/server")
    #expect(lines.count { $0.hasPrefix("FAIL  ") } == 2)
    #expect(lines.count { $0 == "  got: a PONG" } == 1)
    #expect(lines.count { $0 == "  got: nothing" } == 1)
    #expect(lines.contains { $0.hasPrefix("12 run") && $0.hasSuffix("4 pass, 8 fail") })
  }

  /// Four implementations, the longest of whose names has 17 letters: five columns of 20.
  @Test(arguments: [(10, 4), (59, 4), (60, 2), (80, 2), (99, 2), (100, 1), (200, 1)])
  func theTableOfTheInteropMatrixIsFoldedToo(columnCount: Int, tableCount: Int) throws {
    let declaration = try Declaration(reply: ["ok": LibraryTestee.declaration])
    let names = ["bokbok-chicken", "bokbok-javascript", "bokbok-python", "bokbok-swift"]
    let implementations = names.map { name in
      InteropImplementation(implementation: Implementation(name: name, command: []), declaration: declaration)
    }
    let scenario = try #require(InteropScenario.all.first)
    let results = InteropConfiguration.all(of: implementations).filter { $0.way == "sealed/unix" }.map {
      InteropResult(configuration: $0, scenario: scenario, state: .pass)
    }
    let summary = InteropSummary(
      implementations: implementations,
      absent: [],
      results: results,
      requiresAll: false,
      duration: .zero
    )
    let lines = InteropTable.lines(summary, columnCount: columnCount)
    let heads = lines.filter { $0.hasPrefix("sealed/unix") }
    #expect(heads.count == tableCount)
    let servers = heads.flatMap { $0.split(separator: " ").filter { $0.hasPrefix("bokbok") }.map(String.init) }
    #expect(servers == names)
    for name in names {
      let rows = lines.filter { $0.hasPrefix(name) }
      #expect(rows.count == tableCount)
      #expect(rows.joined(separator: " ").split(separator: " ").count { $0 == "1" } == 4)
    }
    let tables = lines.filter { $0.contains("bokbok") }
    if columnCount >= 40 { #expect(tables.allSatisfy { $0.count <= columnCount }) }
  }
}
