internal import ArgumentParser
internal import BokbokCore

/// `bokbok key derive`: the key that a passphrase gives.
struct KeyDeriveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "derive",
    abstract: "Derive a key from a passphrase.",
    discussion: """
      The passphrase is asked for without showing it; if standard input is not a terminal, it is all of standard input, \
      less one line break at the end. Prints 64 hexadecimal digits, unless --output or --users-line says otherwise.

      The same passphrase gives another key for each user name. With --group it gives the same key for everyone, and \
      the user name then proves nothing among those who know it.

      Whoever sees one connection begin can test guesses of the passphrase, so it must be random: see bokbok key \
      passphrase. A random key is better still: bokbok key generate.
      """
  )

  @Option(help: "The user whose key it is.")
  var user: String?

  @Flag(help: "Derive a key that does not depend on the user name.")
  var group = false

  @OptionGroup var output: KeyOutputOptions

  func validate() throws {
    if let user { try UserArgument.check(user) }
    guard group || user != nil else {
      throw ValidationError("Give the user whose key it is with --user NAME, or --group for a key of everyone's.")
    }
    if group, user != nil, !output.usersLine {
      throw ValidationError("With --group the key does not depend on a name: leave out --user, or add --users-line.")
    }
    if output.usersLine, user == nil {
      throw ValidationError("--users-line prints a line for one user: give the name with --user NAME.")
    }
  }

  func run() throws {
    let passphrase = try PassphraseEntry.read()
    if let weakness = Passphrase.weakness(of: passphrase) {  // K-2
      StandardStream.error.writeOrIgnore(
        "Warning: \(weakness). The key is derived all the same. For a better passphrase: bokbok key passphrase\n"
      )
    }
    let key: PresharedKey
    do {
      key = try PresharedKey.derive(passphrase: passphrase, user: group ? "" : user ?? "")
    } catch {
      throw CommandFailure(.systemError, "The key could not be derived: \(error).")
    }
    try output.write(key, user: user)
  }
}
