import BokbokTestSupport
import Foundation
import Testing

/// Expects that the command itself takes the report for a whole one of a run that did not come to its end, and that
/// `report.xml` and `report.html` beside it say so.
///
/// - Parameter text: how it ended, as the reports begin to tell it, for example `interrupted by SIGINT`.
func expectIncompleteRun(in folder: ScratchFolder, report: String, endedBy text: String) async throws {
  let check = try await run("conformance", "check-report", folder.file(report))
  #expect(check.status == 3, "\(check.output)")
  #expect(check.output.contains("the run is not complete: \(text)"), "\(check.output)")
  let word = text.prefix { $0 != " " }
  let junit = try folder.text("report.xml")
  #expect(junit.contains("<testcase classname=\"the run\" name=\"is complete\""))
  #expect(junit.contains("<error type=\"\(word)\" message=\"\(text)"), "\(junit.suffix(1000))")
  #expect(try folder.text("report.html").contains("✗ Not complete: \(text)"))
}

func isGone(_ process: pid_t) -> Bool { kill(process, 0) == -1 && errno == ESRCH }
