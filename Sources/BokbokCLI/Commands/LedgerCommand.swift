internal import ArgumentParser
internal import BokbokConformance

/// `bokbok conformance ledger`.
struct LedgerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger",
    abstract: "Check that the ids of the conformance cases keep their promise, and keep their ledger.",
    discussion: """
      The ledger, Ledger/ledger.json in the folder of the cases, holds every id that was ever published. An id is never \
      used for something else, never goes without a tombstone, and what a published case demands does not change \
      without a word. Without an option this checks that, and ends with 1 where it does not hold.
      """
  )

  @ParentCommand var parent: ConformanceCommand

  @Option(help: "The folder of the cases; Harness/Cases unless given.", completion: .directory)
  var casesFolder: String?

  @Flag(help: "Add what is new to the ledger; with --reason also cases that demand something else than before.")
  var write = false

  @Option(help: "Withdraw this published case; needs --reason.")
  var withdraw: String?

  @Option(help: "With --withdraw: the id of a case that proves the same now; may come several times.")
  var replacement: [String] = []

  @Option(help: "Why a case is withdrawn, or demands something else than before.")
  var reason: String?

  @Option(help: "Publish the newest version of the suite, on a day such as 2026-01-31.")
  var publish: String?

  func validate() throws {
    try parent.checkSubcommand("ledger", takes: ["--cases-folder"])
    guard withdraw == nil || reason != nil else { throw ValidationError("--withdraw needs a --reason.") }
    guard withdraw != nil || replacement.isEmpty else { throw ValidationError("--replacement goes with --withdraw.") }
    guard reason == nil || write || withdraw != nil else {
      throw ValidationError("--reason goes with --write or --withdraw.")
    }
    guard (reason?.count ?? 10) >= 10 else { throw ValidationError("--reason needs at least 10 characters.") }
  }

  func run() throws {
    do {
      var ledger = try LedgerFile(casesDirectory: casesFolder ?? parent.casesFolder ?? "Harness/Cases")
      if let withdraw { try ledger.withdraw(withdraw, reason: reason ?? "", replacement: replacement) }
      if write { ledger.update(reason: withdraw == nil ? reason : nil) }
      if let publish { try ledger.publish(on: publish) }
      if write || withdraw != nil || publish != nil { try ledger.write() }
      print(ledger.summary)
      let disagreements = ledger.disagreements
      for line in disagreements { print(line) }
      guard disagreements.isEmpty else { throw ExitCode(1) }
    } catch let error as ExitCode {
      throw error
    } catch {
      throw CommandFailure(.dataError, "\(error)")
    }
  }
}
