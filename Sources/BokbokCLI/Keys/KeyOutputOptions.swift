internal import ArgumentParser
internal import BokbokCore

/// Where a new key goes.
struct KeyOutputOptions: ParsableArguments {
  @Option(name: [.short, .long], help: "Write a key file with mode 0600 instead of printing the key.")
  var output: String?

  @Flag(help: "Replace the file if it exists. Its key is then lost.")
  var force = false

  @Flag(help: "Print the line for a users file: the name of --user and the key.")
  var usersLine = false

  func validate() throws {
    if force, output == nil { throw ValidationError("--force says to replace a file: give its name with --output.") }
  }

  /// Writes the key where it was asked for: to the file, as a line of a users file, or else as digits.
  func write(_ key: PresharedKey, user: String?) throws(CommandFailure) {
    if let output { try KeyFile.write(key, to: output, overwrites: force) }
    if usersLine, let user {
      try StandardStream.output.write(UsersFile.line(user: user, key: key) + "\n")
    } else if output == nil {
      try StandardStream.output.write(key.hexadecimal() + "\n")
    }
  }
}

/// A user name on a command line.
enum UserArgument {
  /// Refuses what is no user name (H-12).
  static func check(_ name: String) throws(ValidationError) {
    guard !name.isEmpty, name.utf8.count <= 255 else {
      throw ValidationError("A user name has 1 to 255 bytes of UTF-8; the one given has \(name.utf8.count).")
    }
  }
}
