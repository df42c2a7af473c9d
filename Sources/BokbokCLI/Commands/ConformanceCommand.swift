internal import ArgumentParser
internal import BokbokConformance
internal import Foundation

/// `bokbok conformance`: runs the kit against an implementation.
struct ConformanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conformance",
    abstract: "Play the conformance cases against an implementation, and say which clauses it breaks.",
    discussion: """
      The kit starts the implementation's testee, a program that does over its standard input and output what the kit \
      asks for, and plays the other side of real connections: over TCP and UNIX sockets, plain and sealed, with the \
      testee as server and as client. Without --testee and --implementation it tests this command's own.

      Patterns may hold * for any characters. They are given once for each option, which may come several times.

      Exit status:
        0    everything that the testee declared ran and passed
        1    a failure
        2    wrong usage or data
        3    trouble of the kit's own, or a case without a clear outcome
        130  SIGINT ended the run; 143: SIGTERM did

      The first of these signals ends the run, and the reports are written with what was judged so far; a second one ends \
      the command at once.
      """,
    subcommands: [
      ReplayCommand.self, RelayCommand.self, LedgerCommand.self, CheckReportCommand.self, UnitTestsCommand.self,
    ]
  )

  private static let usualTimeLimit = 5
  private static let usualImplementationsFolder = "Harness/Implementations"
  private static let timeLimits = 1...600

  @Option(help: "The testee's command line, run by /bin/sh: 'python3 my_testee.py'.")
  var testee: String?

  @Option(help: "An implementation with a manifest: its name, or the manifest's path.", completion: .file())
  var implementation: String?

  @Option(
    name: .customLong("case"),
    help: "Run only these cases: ids or paths, such as 'F-1/*' or 'F-1/unknown-kind/sealed/unix/server'."
  )
  var cases: [String] = []

  @Option(
    name: [.customLong("clause"), .customLong("requirement")],
    help: "Run only cases that cover these clauses or requirements, such as F-1.a or F-1."
  )
  var clauses: [String] = []

  @Option(
    name: .customLong("section"),
    help: "Run only the cases of these sections, such as F, or subjects, such as frames."
  )
  var sections: [String] = []

  @Option(
    help: "Run only cases of this level: must or should.",
    transform: { word in
      guard let level = ConformanceOptions.RequirementLevel(rawValue: word) else {
        throw ValidationError("--requirement-level is must or should, not \(word).")
      }
      return level
    }
  )
  var requirementLevel: ConformanceOptions.RequirementLevel?

  @Option(
    help: """
      What the cases are played with: live, a testee over real streams, unless given; memory, this command's library over streams in \
      memory; core, its core alone.
      """,
    transform: { word in
      guard let level = ConformanceOptions.Level(rawValue: word) else {
        throw ValidationError("--level is core, memory or live, not \(word).")
      }
      return level
    }
  )
  var level: ConformanceOptions.Level?

  @Option(
    help: """
      How the kit's bytes are cut: whole, unless given; bytes, one by one; or, with --level core or memory, every, which is at every \
      place in turn.
      """,
    transform: { word in
      guard let splitting = ConformanceOptions.Splitting(rawValue: word) else {
        throw ValidationError("--split is whole, bytes or every, not \(word).")
      }
      return splitting
    }
  )
  var split: ConformanceOptions.Splitting?

  @Option(help: "With --split every, cut each case in so many ways at most, other ones for each case.")
  var splitWays: Int?

  @Option(help: "Run the cases of this version of the suite; the newest one unless given.")
  var suite: Int?

  @Option(
    name: .customLong("configuration"),
    help: "Run only these configurations, such as 'sealed/unix/server' or '*/client'."
  )
  var configurations: [String] = []

  @Flag(help: "List the selected cases, and run none.")
  var list = false

  @Option(help: "Write the report as JSON lines to this file; - is standard output.", completion: .file())
  var json: String?

  @Option(help: "Write the report in JUnit's XML to this file.", completion: .file())
  var junit: String?

  @Option(help: "Write the report as one HTML page, with the traces of what failed, to this file.", completion: .file())
  var html: String?

  @Option(
    name: .customLong("include"),
    help: """
      Include what another run has written with --json in the page of --html: the kill matrix, or the interop matrix. \
      The option may come once for each.
      """,
    completion: .file()
  )
  var includedFiles: [String] = []

  @Option(
    help: "Keep each failure as one file in this folder; 'bokbok conformance replay FILE' plays it again.",
    completion: .directory
  )
  var capsules: String?

  @Flag(help: "A failure of a case of the level 'should' fails the run.")
  var strict = false

  @Option(help: "How many groups of cases run at the same time, 1 to 64; eight for each processor unless given.")
  var jobs: Int?

  @Flag(help: "Check each message of the testee contract, both ways, against its schema.")
  var checkContract = false

  @Flag(help: "Try the testee step by step instead of running the cases, and say what to do next.")
  var smoke = false

  @Option(
    help: """
      Instead of running cases, make the reports of a run that has ended: of the file that its --json has written.
      """,
    completion: .file()
  )
  var from: String?

  @Option(help: "A folder of case files to use instead of those in this command.", completion: .directory)
  var casesFolder: String?

  @Option(help: "How long to wait for what should come at once, 1 to 600 seconds; 5 unless given.")
  var timeLimit: Int?

  @Flag(help: "Instead of cases, let every implementation with a manifest meet every other, as client and as server.")
  var matrix = false

  @Option(
    help: "With --matrix: the folder of the manifests; Harness/Implementations unless given.",
    completion: .directory
  )
  var implementationsFolder: String?

  @Flag(
    name: .customLong("traces"),
    inversion: .prefixedNo,
    help: "Show the whole trace of each failing case, which is usual, or its last lines."
  )
  var showsTraces: Bool?

  @Flag(help: "Plant faults in the Python implementation, one at a time, and tell which of them the cases find.")
  var killMatrix = false

  @Option(name: .customLong("fault"), help: "With --kill-matrix: only these faults, such as 'F-1.*'.")
  var faults: [String] = []

  @Option(help: "With --kill-matrix: a folder of fault files to use instead of Harness/Faults.", completion: .directory)
  var faultsFolder: String?

  @Flag(help: "With --kill-matrix: run every case of a fault's clause, and name faults that the same cases find.")
  var allKillers = false

  @Flag(help: "Instead of running cases, tell what proves each clause of the specification; a gap ends with 1.")
  var coverage = false

  func validate() throws {
    _ = try mode()
    guard testee == nil || implementation == nil else {
      throw ValidationError("--testee and --implementation both name what to test; give one of them.")
    }
    guard includedFiles.isEmpty || html != nil else {
      throw ValidationError("--include adds sections to the page that --html writes: give --html FILE too.")
    }
    guard split != .every || (level ?? .live) != .live else {
      throw ValidationError("--split every goes with --level core or memory; live, the kit writes whole or in bytes.")
    }
    guard splitWays == nil || (split == .every && (splitWays ?? 0) > 0) else {
      throw ValidationError("--split-ways goes with --split every, and is 1 or more.")
    }
    if let jobs, !(1...64).contains(jobs) { throw ValidationError("--jobs is 1 to 64, not \(jobs).") }
    if let timeLimit, !Self.timeLimits.contains(timeLimit) {
      throw ValidationError("--time-limit is 1 to 600 seconds, not \(timeLimit).")
    }
  }

  private func mode() throws -> ConformanceMode {
    do {
      return try ConformanceMode(givenOptions)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// How long to wait, in seconds.
  private var seconds: Int { timeLimit ?? Self.usualTimeLimit }

  func run() async throws {
    let status =
      switch try mode() {
      case .cases: try await untilSignal { stop in await ConformanceRun(runOptions, stop: stop).run() }
      case .list: await ConformanceRun(runOptions).run()
      case .smoke: try await untilSignal { stop in await ConformanceSmoke(runOptions, stop: stop).run() }
      case .matrix: try await untilSignal { stop in await InteropRun(interopOptions, stop: stop).run() }
      case .killMatrix: try await untilSignal { stop in await KillMatrix(killMatrixOptions, stop: stop).run() }
      case .coverage: runCoverage()
      case .saved: SavedReport(from ?? "", runOptions).run()
      }
    if status != 0 { throw ExitCode(status) }
  }

  private func runCoverage() -> Int32 {
    var run = CoverageRun()
    run.jsonPath = json
    run.htmlPath = html
    run.casesDirectory = casesFolder
    return run.run()
  }

  private var interopOptions: InteropOptions {
    var options = InteropOptions()
    options.implementationsFolder = implementationsFolder ?? Self.usualImplementationsFolder
    options.casePatterns = cases
    options.configurationPatterns = configurations
    options.jsonPath = json
    options.junitPath = junit
    options.htmlPath = html
    if let jobs { options.jobCount = jobs }
    // Two foreign runtimes, and many pairs of them at once: they may take their time.
    options.timeLimit = .seconds(seconds * 4)
    options.requiresAll = !(ProcessInfo.processInfo.environment["BOKBOK_REQUIRE"] ?? "").isEmpty
    return options
  }

  private var runOptions: ConformanceOptions {
    var options = ConformanceOptions()
    if let testee { options.testee = .shell(testee) }
    if let implementation { options.testee = .manifest(implementation) }
    options.casePatterns = cases
    options.clausePatterns = clauses
    options.configurationPatterns = configurations
    options.sectionPatterns = sections
    options.requirementLevel = requirementLevel
    options.suiteVersion = suite
    options.level = level ?? .live
    options.splitting = split ?? .whole
    options.splitWaysMax = splitWays
    options.listsOnly = list
    options.jsonPath = json
    options.junitPath = junit
    options.htmlPath = html
    options.includedPaths = includedFiles
    options.capsulesPath = capsules
    options.isStrict = strict
    if let jobs { options.jobCount = jobs }
    options.checksContract = checkContract
    options.casesDirectory = casesFolder
    options.timeLimit = .seconds(seconds)
    options.showsTraces = showsTraces ?? true
    return options
  }

  private var killMatrixOptions: KillMatrixOptions {
    var options = KillMatrixOptions()
    options.faultPatterns = faults
    options.faultsDirectory = faultsFolder
    options.casesDirectory = casesFolder
    options.findsAllKillers = allKillers
    options.jsonPath = json
    options.junitPath = junit
    options.htmlPath = html
    if let jobs { options.jobCount = jobs }
    options.timeLimit = .seconds(seconds)
    return options
  }
}
