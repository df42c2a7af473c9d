internal import ArgumentParser
internal import BokbokConformance

/// `bokbok conformance replay`: plays a capsule.
struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Play a failure again that a run has kept with --capsules.",
    discussion: """
      Without an implementation, this command's kit judges again what was recorded, with the recorded bytes and times, \
      and shows the annotated trace: the verdict is the recorded one, or it is said what differs. The implementation \
      that failed is not needed.

      With --testee, --implementation or a command after --, the case is played against that implementation, in the \
      recorded configuration and with the recorded secrets of the kit.

      Exit status:
        0    the same verdict; with an implementation: the case passes
        1    another verdict; with an implementation: the case does not pass
        2    wrong usage, or the file is no capsule
        3    trouble of the kit's own, or a case without a clear outcome
        130  SIGINT ended the play against an implementation; 143: SIGTERM did
      """
  )

  @ParentCommand var parent: ConformanceCommand

  @Argument(help: "The capsule.", completion: .file(extensions: ["capsule"]))
  var file: String

  @Option(help: "Play against this testee's command line, run by /bin/sh.")
  var testee: String?

  @Option(
    help: "Play against an implementation with a manifest: its name, or the manifest's path.",
    completion: .file()
  )
  var implementation: String?

  @Argument(parsing: .postTerminator, help: ArgumentHelp("Play against this testee's command.", valueName: "command"))
  var command: [String] = []

  func validate() throws {
    try parent.checkSubcommand("replay", takes: ["--testee", "--implementation"])
    let count = [playedTestee != nil, playedImplementation != nil, !command.isEmpty].count { $0 }
    guard count <= 1 else {
      throw ValidationError("--testee, --implementation and a command after -- each name an implementation; give one.")
    }
  }

  // The parser gives to the parent what both know.
  private var playedTestee: String? { testee ?? parent.testee }
  private var playedImplementation: String? { implementation ?? parent.implementation }

  func run() async throws {
    var played: ConformanceOptions.Testee?
    if let testee = playedTestee { played = .shell(testee) }
    if let implementation = playedImplementation { played = .manifest(implementation) }
    if !command.isEmpty { played = .command(command) }
    let (file, testee) = (file, played)
    let status = try await untilSignal { stop in await CapsuleReplay(file, testee: testee, stop: stop).run() }
    if status != 0 { throw ExitCode(status) }
  }
}
