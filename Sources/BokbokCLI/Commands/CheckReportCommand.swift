internal import ArgumentParser
internal import BokbokConformance
internal import Foundation

/// `bokbok conformance check-report`.
struct CheckReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-report",
    abstract: "Check a report for programs: its form, its footer, and that its lines agree.",
    discussion: """
      Ends with 0 for a report that is whole, whatever it reports; with 1 and each fault in a line for one that is not, \
      such as one without a footer, which is of a run that did not end; with 65 if the file cannot be read.
      """
  )

  @Argument(help: "The file that --json has written.", completion: .file())
  var file: String

  func run() throws {
    guard let text = FileManager.default.contents(atPath: file) else {
      throw CommandFailure(.dataError, "\(file) cannot be read: give the path of a file that --json has written")
    }
    let check = try ReportCheck(text)
    for fault in check.faults { print("\(file): \(fault)") }
    guard check.faults.isEmpty else { throw ExitCode(1) }
    print(check.summary)
  }
}
