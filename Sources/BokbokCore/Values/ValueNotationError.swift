/// Why a text is not a value in the notation for people (RFC 9804, advanced form).
///
/// Two errors are equal if their codes and places are.
public struct ValueNotationError: Error, Equatable, Sendable {
  /// What is wrong with the text. Later versions may add codes.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the code, for example `unclosedList`.
    public let description: String

    private init(_ name: String) {
      self.description = name
    }

    /// There is no value: the text is empty or all white space.
    public static let empty = Code("empty")
    /// A list is not closed.
    public static let unclosedList = Code("unclosedList")
    /// A `)` stands where no list is open.
    public static let unopenedList = Code("unopenedList")
    /// Something follows the value.
    public static let trailingText = Code("trailingText")
    /// A character with which no value begins, or that may not stand where it does.
    public static let unexpectedCharacter = Code("unexpectedCharacter")
    /// A number stands alone, without what it would be the length of.
    public static let bareNumber = Code("bareNumber")
    /// A length is malformed, or is not that of what follows.
    public static let wrongLength = Code("wrongLength")
    /// A quoted string, hexadecimal or base-64 form is not closed.
    public static let unclosedAtom = Code("unclosedAtom")
    /// An escape in a quoted string is none of RFC 9804.
    public static let invalidEscape = Code("invalidEscape")
    /// The number of hexadecimal digits is odd.
    public static let oddHexadecimal = Code("oddHexadecimal")
    /// The base-64 form is incomplete, or its padding is wrong.
    public static let invalidBase64 = Code("invalidBase64")
    /// A `{…}` form does not hold the canonical encoding of one value.
    public static let invalidTransport = Code("invalidTransport")
    /// A display hint, `[`, which Bokbok's values do not have.
    public static let displayHint = Code("displayHint")
    /// Lists nest deeper than ``Value/depthMax``.
    public static let tooDeep = Code("tooDeep")
    /// There are more values than ``Value/valueCountMax``.
    public static let tooManyValues = Code("tooManyValues")
  }

  /// What is wrong.
  public let code: Code
  /// The line of the text, from 1. Lines end with LF, CR or both.
  public let line: Int
  /// The place in the line, in characters (Unicode scalars) from 1.
  public let column: Int
  /// What was found, what was expected, and what to write instead, for people.
  public let message: String

  /// Whether both have the same ``code``, ``line`` and ``column``.
  public static func == (left: ValueNotationError, right: ValueNotationError) -> Bool {
    left.code == right.code && left.line == right.line && left.column == right.column
  }
}

extension ValueNotationError: CustomStringConvertible {
  /// The place and the message.
  public var description: String {
    "line \(line), column \(column): \(message)"
  }
}
