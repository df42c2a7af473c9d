/// What was wrong with a key, or with the text or passphrase that should become one.
///
/// Two errors are equal when their codes are. The message never contains a part of a key or passphrase.
public struct PresharedKeyError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kind of an error; more may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the code.
    public let description: String

    private init(_ description: String) {
      self.description = description
    }

    /// A key has exactly 32 bytes, as hexadecimal text 64 digits; other many were given.
    public static let wrongLength = Code("wrongLength")
    /// The text has characters that are not hexadecimal digits.
    public static let notHexadecimal = Code("notHexadecimal")
    /// A user name has at most 255 bytes of UTF-8.
    public static let userNameTooLong = Code("userNameTooLong")
    /// The system gave no memory for the key, or none for deriving it.
    public static let outOfMemory = Code("outOfMemory")
  }

  /// The kind of the error.
  public let code: Code
  /// What was given, what was expected and what to do.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { self.message }

  /// Whether the codes are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.code == right.code
  }
}
