import BokbokCore

/// Why something is not an address (specification, section 9).
///
/// Two errors are equal if their codes are.
public struct AddressError: Error, Equatable, Sendable {
  /// What is wrong with the address. Later versions may add codes.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the code, for example `missingPort`.
    public let description: String

    private init(_ name: String) {
      self.description = name
    }

    /// The address is empty.
    public static let empty = Code("empty")
    /// The address is of none of the forms, or has more than its form takes.
    public static let invalidForm = Code("invalidForm")
    /// A host stands without a port.
    public static let missingPort = Code("missingPort")
    /// The port is not a decimal number from 0 to 65535.
    public static let invalidPort = Code("invalidPort")
    /// The host is missing, or cannot be a name or an IP address.
    public static let invalidHost = Code("invalidHost")
    /// The path of a UNIX socket is missing, or holds a null character.
    public static let invalidPath = Code("invalidPath")
    /// The path of a UNIX socket is longer than the system takes.
    public static let pathTooLong = Code("pathTooLong")
    /// The command is missing, or a word of it holds a null character.
    public static let invalidCommand = Code("invalidCommand")
    /// A quote or backslash of a command has no end.
    public static let unclosedQuote = Code("unclosedQuote")
    /// A command asks for something that only a shell could do.
    public static let shellSyntax = Code("shellSyntax")
  }

  /// What is wrong.
  public let code: Code
  /// What was given, as it was given.
  public let given: String
  /// What is wrong, what was expected and what to do, for people.
  public let message: String

  init(_ code: Code, given: String, _ message: String) {
    self.code = code
    self.given = given
    self.message = message
  }

  /// Whether both have the same ``code``.
  public static func == (left: AddressError, right: AddressError) -> Bool {
    left.code == right.code
  }
}

extension AddressError: CustomStringConvertible {
  /// What was given, escaped and cut, and the message.
  public var description: String {
    "invalid address \"\(String(displaying: given))\": \(message)"
  }
}
