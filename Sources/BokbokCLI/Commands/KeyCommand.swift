internal import ArgumentParser

/// `bokbok key`: makes keys and passphrases.
struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make keys, and passphrases to derive them from.",
    discussion: """
      A key has 32 bytes and is written as 64 hexadecimal digits. Whoever has it can pose as either side, so each user \
      of a server gets one of their own, and neither a key nor a passphrase is ever given on a command line, where \
      other users of the system could see it.

      A key file holds one key on a line; a users file has a line for each user, a name and a key (see bokbok help \
      serve). Both have mode 0600.

      To let in a new user:
        bokbok key generate --output alice.key --user alice --users-line >> users
      """,
    subcommands: [KeyGenerateCommand.self, KeyDeriveCommand.self, KeyPassphraseCommand.self]
  )
}
