internal import ArgumentParser
internal import BokbokCore

/// `bokbok key generate`: a new random key.
struct KeyGenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Make a new random key.",
    discussion: "Prints 64 hexadecimal digits, unless --output or --users-line says otherwise."
  )

  @Option(help: "The user whose key it is to be; for --users-line.")
  var user: String?

  @OptionGroup var output: KeyOutputOptions

  func validate() throws {
    guard output.usersLine == (user != nil) else {
      throw ValidationError("--user and --users-line go together: the name is only for the line of the users file.")
    }
    if let user { try UserArgument.check(user) }
  }

  func run() throws {
    let key: PresharedKey
    do {
      key = try PresharedKey.random()
    } catch {
      throw CommandFailure(.systemError, "No key could be made: \(error).")
    }
    try output.write(key, user: user)
  }
}
