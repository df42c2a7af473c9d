internal import ArgumentParser
internal import BokbokConformance
internal import Foundation

/// `bokbok conformance check-report`.
struct CheckReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-report",
    abstract: "Check a report for programs: its form, its footer, and that its lines agree.",
    discussion: """
      The report may be of a run of cases, of --matrix or of --kill-matrix. Ends with 0 for a report that is whole and of \
      a complete run, whatever it reports; with 1 and each fault in a line for one that is not whole, such as one without \
      a footer, which was cut off; with 3 for a whole report of a run that a signal or a bad testee ended before all cases \
      had run; with 65 if the file cannot be read.
      """
  )

  @ParentCommand var parent: ConformanceCommand

  @Argument(help: "The file that --json has written.", completion: .file())
  var file: String

  func validate() throws {
    try parent.checkSubcommand("check-report")
  }

  func run() throws {
    guard let text = FileManager.default.contents(atPath: file) else {
      throw CommandFailure(.dataError, "\(file) cannot be read: give the path of a file that --json has written")
    }
    let check = try ReportCheck(text)
    for fault in check.faults { print("\(file): \(fault)") }
    guard check.faults.isEmpty else { throw ExitCode(1) }
    print(check.summary)
    if let text = check.incompleteness {
      print("\(file): the run is not complete: \(text)")
      throw ExitCode(3)
    }
  }
}
