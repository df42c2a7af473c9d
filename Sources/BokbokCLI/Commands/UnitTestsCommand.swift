internal import ArgumentParser
internal import BokbokConformance

/// `bokbok conformance unit-tests`.
struct UnitTestsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unit-tests",
    abstract: "Check that the list of unit tests by clause is up to date, or write it.",
    discussion: """
      The list, Harness/Coverage/unit-tests.json, is made of the traits .clauses("F-1.a") in the source texts of the \
      tests, and built into this command, so that 'bokbok conformance --coverage' can tell without them. Without --write \
      this checks the list, and ends with 1 and each difference in a line where it is out of date.
      """
  )

  @ParentCommand var parent: ConformanceCommand

  @Option(help: "The project's folder, which holds Tests and Harness.", completion: .directory)
  var projectFolder = "."

  @Flag(help: "Write the list.")
  var write = false

  func validate() throws {
    try parent.checkSubcommand("unit-tests")
  }

  func run() throws {
    do {
      let file = try UnitTestFile(projectDirectory: projectFolder)
      if write { try file.write() }
      let differences = file.differences
      for line in differences { print(line) }
      guard differences.isEmpty else { throw ExitCode(1) }
      print(file.summary)
    } catch let error as ExitCode {
      throw error
    } catch {
      throw CommandFailure(.dataError, "\(error)")
    }
  }
}
