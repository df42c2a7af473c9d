internal import ArgumentParser
internal import BokbokCore

/// `bokbok key passphrase`: a new random passphrase.
struct KeyPassphraseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passphrase",
    abstract: "Make a new random passphrase to derive a key from.",
    discussion: """
      Prints seven words that can be pronounced, 112 random bits in all. Write them down where only the two sides can \
      read them, and run bokbok key derive at both.
      """
  )

  func run() throws {
    try StandardStream.output.write(Passphrase.random() + "\n")
  }
}
