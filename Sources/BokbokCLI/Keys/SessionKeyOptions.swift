internal import ArgumentParser
internal import BokbokConformance
internal import BokbokCore

/// What opens recorded sealed sessions.
struct SessionKeyOptions: ParsableArguments {
  @Option(help: "The user of the sealed sessions in the recording.")
  var user: String?

  @Option(help: ArgumentHelp("The file with that user's key, mode 0600.", valueName: "file"), completion: .file())
  var keyFile: String?

  @Option(
    name: .customLong("key-log"),
    help: ArgumentHelp(
      "A file that a testee wrote with --key-log: one side's ephemeral secrets; once or more.",
      valueName: "file"
    ),
    completion: .file()
  )
  var keyLogs: [String] = []

  private static let byteCountMax = 16 * 1024 * 1024

  func validate() throws {
    if let user { try UserArgument.check(user) }
    guard (user == nil) == (keyFile == nil), user != nil || keyLogs.isEmpty else {
      throw ValidationError(
        "--user NAME and --key-file FILE go together, and --key-log FILE with both: they open sealed sessions."
      )
    }
  }

  /// - Throws: a failure if a file cannot be read; `DataError` for a line of a key log that is none.
  func keys() throws -> SessionSecrets.Keys? {
    guard let user, let keyFile, let key = Hexadecimal.bytes(try KeyFile.read(keyFile).hexadecimal()) else {
      return nil
    }
    let logs = try keyLogs.map { path in
      (name: path, bytes: try POSIXFile.contents(of: path, byteCountMax: Self.byteCountMax))
    }
    return try SessionSecrets.Keys(user: user, key: key, keyLogs: logs)
  }
}
