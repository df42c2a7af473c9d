public import NIOCore

/// What requests and answers carry: an octet string (an atom) or a list of values.
///
/// There are no other types (specification, section 7): text is its UTF-8 bytes, a number is its decimal digits.
/// Literals make values directly, so that `["add", 1, 2]` is the list `(add "1" "2")`.
///
/// Two values are equal if they have the same shape and their atoms the same bytes: one value has one encoding (V-5).
///
/// Atoms of a decoded value are slices of the received message and keep it in memory. Copy a small atom that is kept
/// for long out of a large message, for example with ``bytes`` or ``text``.
///
/// A value that is nested much deeper than ``depthMax`` is never sent or received, but can be built by hand; comparing,
/// hashing and releasing it needs stack in proportion to its depth, as for any Swift value.
public enum Value: Hashable, Sendable {
  /// An octet string: the readable bytes of the buffer.
  case atom(ByteBuffer)
  /// A list of values, possibly empty.
  case list([Value])

  /// How deep lists may nest (V-3): 64.
  ///
  /// What counts is lists within lists. A list that holds only atoms is nested 1 deep; an atom adds no depth, wherever
  /// it stands. So 64 opening parentheses in a row are allowed, also around an atom, and the 65th is malformed.
  public static let depthMax = 64

  /// How many values a message may hold (V-6), atoms and lists, itself included: 1,048,576.
  public static let valueCountMax = 1_048_576
}

extension Value {
  /// The atom that holds the UTF-8 bytes of a text, as they are: nothing is normalized.
  ///
  /// This never parses anything: `Value("(a b)")` is an atom of five bytes. To read the notation for people, use
  /// ``init(notation:)``.
  public init(_ text: some StringProtocol) {
    self = .atom(ByteBuffer(bytes: text.utf8))
  }

  /// The atom that holds these bytes.
  public init(bytes: some Sequence<UInt8>) {
    self = .atom(ByteBuffer(bytes: bytes))
  }

  /// The atom that holds the decimal digits of a number, after a `-` if it is negative.
  ///
  /// ``integer(as:)`` reads it back.
  public init(_ integer: some BinaryInteger) {
    self = .atom(ByteBuffer(string: String(integer)))
  }

  /// The list of these values, in their order.
  public static func list(of values: some Sequence<Value>) -> Value {
    .list(Array(values))
  }

  /// Whether this is an octet string.
  public var isAtom: Bool {
    if case .atom = self { true } else { false }
  }

  /// Whether this is a list.
  public var isList: Bool {
    if case .list = self { true } else { false }
  }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  /// The atom that holds the UTF-8 bytes of the literal.
  public init(stringLiteral text: String) {
    self.init(text)
  }
}

extension Value: ExpressibleByIntegerLiteral {
  /// The atom that holds the decimal digits of the literal.
  public init(integerLiteral integer: Int) {
    self.init(integer)
  }
}

extension Value: ExpressibleByArrayLiteral {
  /// The list of these values.
  public init(arrayLiteral values: Value...) {
    self = .list(values)
  }
}
