import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// Every clause that shows outside has a planted fault in each role where it shows, or a reason.
@Suite struct FaultScopeTests {
  @Test func everyVisibleClauseHasAFaultOrAReason() throws {
    #expect(try FaultScope(projectDirectory: Project.root).problems == [])
  }

  @Test func aClauseWithoutAnyFaultIsProvedByAUnitTest() throws {
    let scope = try FaultScope(projectDirectory: Project.root)
    // Of what is only recommended, nothing has to be proved.
    let specification = try SpecificationIndex.embedded()
    let proved = try UnitTestIndex(scanning: Project.root, specification: specification).clauses
    let recommended = scope.clausesWithoutFault.filter { specification.text(of: $0)?.contains(" SHOULD ") == true }
    let missing = scope.clausesWithoutFault.filter { !proved.contains($0) && !recommended.contains($0) }
    #expect(missing == [])
  }

  @Test(arguments: [
    ("P-1.a", ["server"], "P-1.a has no fault with the testee as client, and no reason why"),
    ("C-1.b", ["server", "client"], "C-1.b does not bind the client, and has a fault or an exception there"),
    ("S-1.g", ["server", "client"], "S-1.g has a fault with the testee as client, and stands among those"),
  ])
  func whatIsMissingOrExcusedForNothingIsSaid(clause: String, roles: [String], problem: String) throws {
    let specification = try SpecificationIndex.embedded()
    let loader = FaultLoader(root: Project.root, specification: specification)
    let others = try loader.faults(inDirectory: "\(Project.root)/\(FaultLoader.folder)").filter { $0.clause != clause }
    let scope = try FaultScope(
      projectDirectory: Project.root,
      specification: specification,
      faults: others + [Self.fault(clause, roles.compactMap(Configuration.Role.init))]
    )
    #expect(scope.problems.count == 1)
    #expect(scope.problems.first?.hasPrefix(problem) == true)
  }

  // MARK: The report

  @Test func theReportFitsItsSchema() throws {
    let loader = FaultLoader(root: Project.root, specification: try SpecificationIndex.embedded())
    let schema = try loader.schema(KillMatrixReport.schemaPath)
    let suite = try CaseLoader(specification: SpecificationIndex.embedded()).embeddedSuite()
    let fault = Self.fault("P-1.a", [.server])
    let outcomes: [FaultTrial.Outcome] = [.killed, .survivalOnly, .survived, .broken, .trouble]
    let trials = outcomes.map { outcome in
      var trial = FaultTrial(fault, role: .server, cases: suite.cases)
      trial.outcome = outcome
      if outcome != .survived { trial.killer = Self.result(of: suite.cases[0]) }
      if outcome == .killed { trial.killers = [Self.result(of: suite.cases[0]).path] }
      return trial
    }
    for namesTwins in [false, true] {
      let report = KillMatrixReport(suite: suite.digest, trials: trials, duration: .seconds(1), namesTwins: namesTwins)
      #expect(schema.faults(of: report.json) == [])
      #expect(report.json["faults"] == 1)
      // Of the cases of P-1.a none is the one that kills here.
      #expect(report.json["positiveOnly"]?.array?.contains("P-1/pong") == namesTwins)
    }
    let incomplete = JSON.object(JSON.Object([("format", 1)]))
    #expect(!schema.faults(of: incomplete).isEmpty)
  }

  @Test(
    arguments: [
      ([.killed, .killed], 0), ([.killed, .survived], 1), ([.survivalOnly], 1), ([.killed, .trouble], 3),
      ([.broken, .survived], 2),
    ] as [([FaultTrial.Outcome], Int32)]
  )
  func aSurvivorFailsTheRun(outcomes: [FaultTrial.Outcome], status: Int32) {
    let trials = outcomes.map { outcome in
      var trial = FaultTrial(Self.fault("P-1.a", [.server]), role: .server, cases: [])
      trial.outcome = outcome
      return trial
    }
    let report = KillMatrixReport(suite: "", trials: trials, duration: .zero, namesTwins: false)
    #expect(report.exitStatus == status)
  }

  private static func fault(_ clause: String, _ roles: [Configuration.Role]) -> Fault {
    Fault(
      id: "\(clause)/planted",
      clause: clause,
      roles: roles,
      security: nil,
      processCount: 1,
      file: "machine.py",
      find: "a",
      put: "b",
      why: "A fault for the test.",
      source: "faults.json"
    )
  }

  private static func result(of item: Case) -> CaseResult {
    let configuration = Configuration(security: .plain, transport: .unix, role: .server)
    var result = CaseResult(item: item, configuration: configuration, state: .fail, duration: .zero)
    result.problem = CaseResult.Problem(expected: "this", got: "that")
    return result
  }
}
