/// Why bytes are not the canonical encoding of one value (specification, section 7).
///
/// Two errors are equal if their codes are: the offset and the texts say more to people.
public struct ValueDecodingError: Error, Equatable, Sendable {
  /// What is wrong with the bytes. Later versions may add codes.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the code, for example `trailingBytes`.
    public let description: String

    private init(_ name: String) {
      self.description = name
    }

    /// The bytes end before the value does (V-1), also if there are none.
    public static let truncated = Code("truncated")
    /// Bytes follow the value (V-1).
    public static let trailingBytes = Code("trailingBytes")
    /// A `)` stands where no list is open (V-1).
    public static let unopenedList = Code("unopenedList")
    /// The length of an atom has a leading zero (V-2).
    public static let leadingZero = Code("leadingZero")
    /// The length of an atom is longer than what follows (V-2).
    public static let lengthTooLong = Code("lengthTooLong")
    /// A `:` without a length before it (V-2).
    public static let missingLength = Code("missingLength")
    /// Something else than `:` stands after the length of an atom (V-2).
    public static let missingColon = Code("missingColon")
    /// Lists nest deeper than ``Value/depthMax`` (V-3).
    public static let tooDeep = Code("tooDeep")
    /// A display hint, `[` (V-4).
    public static let displayHint = Code("displayHint")
    /// White space outside of atoms (V-4).
    public static let whiteSpace = Code("whiteSpace")
    /// A byte with which no value begins, also of the other forms of RFC 9804 (V-4).
    public static let unexpectedByte = Code("unexpectedByte")
    /// The bytes hold more values than ``Value/valueCountMax`` (V-6).
    public static let tooManyValues = Code("tooManyValues")
  }

  /// What is wrong.
  public let code: Code
  /// Where, counted in bytes from the first byte of the message.
  public let offset: Int
  /// What was found and what was expected, for people.
  public let message: String
  /// The requirement of the specification that the bytes break, for example `V-2`.
  public let requirement: String

  init(_ code: Code, requirement: String, offset: Int, message: String) {
    self.code = code
    self.offset = offset
    self.message = message
    self.requirement = requirement
  }

  /// Whether both have the same ``code``.
  public static func == (left: ValueDecodingError, right: ValueDecodingError) -> Bool {
    left.code == right.code
  }
}

extension ValueDecodingError: CustomStringConvertible {
  /// The message, with the offset and the requirement.
  public var description: String {
    "not a value: \(message), at byte \(offset) (\(requirement))"
  }
}
