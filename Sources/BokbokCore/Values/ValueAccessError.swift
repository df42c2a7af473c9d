/// A value is not what a program asked for: a list instead of text, a number too large, …
///
/// Two errors are equal if their codes and paths are.
public struct ValueAccessError: Error, Equatable, Sendable {
  /// How the value differs from what was asked for. Later versions may add codes.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the code, for example `notAList`.
    public let description: String

    private init(_ name: String) {
      self.description = name
    }

    /// A list stands where an atom was asked for.
    public static let notAnAtom = Code("notAnAtom")
    /// An atom stands where a list was asked for.
    public static let notAList = Code("notAList")
    /// The bytes of the atom are not valid UTF-8.
    public static let notText = Code("notText")
    /// The bytes of the atom are not a decimal number in its canonical form.
    public static let notADecimalNumber = Code("notADecimalNumber")
    /// The number does not fit the type that was asked for.
    public static let outOfRange = Code("outOfRange")
    /// The list has more or fewer elements than were asked for.
    public static let wrongCount = Code("wrongCount")
    /// The list has no element at the index that was asked for.
    public static let noSuchElement = Code("noSuchElement")
  }

  /// How the value differs from what was asked for.
  public let code: Code
  /// What was asked for, for people, for example `a list of 2 values`.
  public let expected: String
  /// What is there, for people. It may quote text of the other side, escaped and cut (E-5).
  public let found: String
  /// Where, as indices from the outermost list inwards; empty for the value itself.
  public private(set) var path: [Int]

  private init(_ code: Code, expected: String, found: String) {
    self.code = code
    self.expected = expected
    self.found = found
    self.path = []
  }

  /// This error as seen from a list that holds the value at an index: the index is put before the ``path``.
  ///
  /// For own functions that take a value apart further down.
  public func inside(_ index: Int) -> ValueAccessError {
    var error = self
    error.path.insert(index, at: 0)
    return error
  }

  /// Whether both have the same ``code`` and ``path``.
  public static func == (left: ValueAccessError, right: ValueAccessError) -> Bool {
    left.code == right.code && left.path == right.path
  }
}

extension ValueAccessError: CustomStringConvertible {
  /// What was asked for, what is there, and where.
  public var description: String {
    let place = path.isEmpty ? "" : " at index " + path.map(String.init).joined(separator: ", index ")
    return "expected \(expected)\(place), found \(found)"
  }
}

extension ValueAccessError {
  static func notAnAtom(_ value: Value, expected: String) -> ValueAccessError {
    ValueAccessError(.notAnAtom, expected: expected, found: description(of: value))
  }

  static func notAList(_ value: Value, expected: String) -> ValueAccessError {
    ValueAccessError(.notAList, expected: expected, found: description(of: value))
  }

  static func notText(_ value: Value) -> ValueAccessError {
    ValueAccessError(
      .notText,
      expected: "text",
      found: "bytes that are not valid UTF-8, \(description(of: value))"
    )
  }

  static func notADecimalNumber(_ value: Value) -> ValueAccessError {
    ValueAccessError(
      .notADecimalNumber,
      expected: "a decimal number without leading zeros",
      found: description(of: value)
    )
  }

  static func outOfRange<Integer: FixedWidthInteger>(
    _ value: Value,
    of type: Integer.Type
  ) -> ValueAccessError {
    ValueAccessError(
      .outOfRange,
      expected: "a decimal number from \(Integer.min) to \(Integer.max)",
      found: description(of: value)
    )
  }

  static func wrongCount(_ found: Int, expected: Int) -> ValueAccessError {
    ValueAccessError(
      .wrongCount,
      expected: "a list of \(count(of: expected))",
      found: "a list of \(count(of: found))"
    )
  }

  static func noElement(at index: Int, count found: Int) -> ValueAccessError {
    ValueAccessError(
      .noSuchElement,
      expected: "a list with an element at index \(index)",
      found: "a list of \(count(of: found))"
    )
  }

  static func count(of values: Int) -> String {
    values == 1 ? "1 value" : "\(values) values"
  }

  /// A value for people: an atom by its bytes, a list only by its length.
  private static func description(of value: Value) -> String {
    switch value {
    case .atom(let bytes):
      "the atom \"\(String(displaying: bytes, charactersMax: 64))\""
    case .list(let elements):
      "a list of \(count(of: elements.count))"
    }
  }
}
