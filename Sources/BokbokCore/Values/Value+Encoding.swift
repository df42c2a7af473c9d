public import NIOCore

extension Value {
  /// The canonical encoding of this value: the only one it has (V-5).
  ///
  /// - Throws: ``ValueEncodingError`` if the value nests too deep, holds too many values (E-4) or is too long for a
  ///   message.
  public func encoded() throws(ValueEncodingError) -> ByteBuffer {
    let byteCount = try encodedByteCount()
    guard byteCount <= Value.encodedByteCountMax else { throw .tooLong(byteCount: byteCount) }
    var buffer = ByteBuffer()
    encode(into: &buffer, byteCount: byteCount)
    return buffer
  }

  /// The longest message that the protocol can speak of: the largest number in SETTINGS (S-2).
  private static let encodedByteCountMax = 4_294_967_295

  /// The length in bytes of the canonical encoding.
  ///
  /// - Throws: ``ValueEncodingError`` if the value nests deeper than ``depthMax`` or holds more than ``valueCountMax``
  ///   values (E-4), whatever its depth: no more of it is looked at.
  package func encodedByteCount() throws(ValueEncodingError) -> Int {
    switch self {
    case .atom(let bytes):
      return Value.encodedByteCount(ofAtom: bytes)
    case .list(let elements):
      var valueCount = 1
      return try Value.encodedByteCount(ofList: elements, depth: 1, valueCount: &valueCount)
    }
  }

  /// - Parameters:
  ///   - depth: how deep the list is nested, itself included.
  ///   - valueCount: how many values have been found so far, the list included.
  private static func encodedByteCount(
    ofList elements: [Value],
    depth: Int,
    valueCount: inout Int
  ) throws(ValueEncodingError) -> Int {
    guard depth <= depthMax else { throw .tooDeep }
    // The elements are counted before any is looked at, so no more than the limit are ever looked at.
    valueCount += elements.count
    guard valueCount <= valueCountMax else { throw .tooManyValues }
    var byteCount = 2
    // Atoms are taken here and by index, which takes no reference to them: most of the time goes into that otherwise.
    for index in elements.indices {
      switch elements[index] {
      case .atom(let bytes):
        byteCount += encodedByteCount(ofAtom: bytes)
      case .list(let elements):
        byteCount += try encodedByteCount(ofList: elements, depth: depth + 1, valueCount: &valueCount)
      }
    }
    return byteCount
  }

  private static func encodedByteCount(ofAtom bytes: ByteBuffer) -> Int {
    let length = bytes.readableBytes
    return decimalDigitCount(of: length) + 1 + length
  }

  /// Appends the canonical encoding.
  ///
  /// Only after ``encodedByteCount()`` has succeeded for this value; nothing is written of one that cannot be sent.
  package func encode(into buffer: inout ByteBuffer) {
    guard let byteCount = try? encodedByteCount() else {
      return assertionFailure("a value is encoded that cannot be sent (E-4)")
    }
    encode(into: &buffer, byteCount: byteCount)
  }

  /// - Parameter byteCount: what ``encodedByteCount()`` has given.
  private func encode(into buffer: inout ByteBuffer, byteCount: Int) {
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { memory in
      guard var position = memory.baseAddress else { return 0 }
      write(to: &position)
      return byteCount
    }
  }

  /// Atoms of so many bytes are not worth a copy.
  private static let longAtomByteCount = 16_384

  /// Gives the canonical encoding piece by piece: a long atom that is this value, or stands in the list that it is, is
  /// a piece of its own, which shares the atom's storage.
  ///
  /// Only after ``encodedByteCount()`` has succeeded for this value.
  func encode(_ append: (ByteBuffer) -> Void) {
    var piece = ByteBuffer()
    func write(_ element: Value) {
      guard case .atom(let bytes) = element, bytes.readableBytes >= Value.longAtomByteCount else {
        return element.encode(into: &piece)
      }
      piece.writeString("\(bytes.readableBytes):")
      append(piece)
      append(bytes)
      piece = ByteBuffer()
    }
    switch self {
    case .list(let elements) where elements.contains(where: \.isLongAtom):
      piece.writeInteger(UInt8(ascii: "("))
      for element in elements { write(element) }
      piece.writeInteger(UInt8(ascii: ")"))
    default:
      write(self)
    }
    if piece.readableBytes > 0 { append(piece) }
  }

  private var isLongAtom: Bool {
    if case .atom(let bytes) = self { bytes.readableBytes >= Value.longAtomByteCount } else { false }
  }

  /// Writes as many bytes as ``encodedByteCount()`` has given, and moves the position behind them.
  func write(to position: inout UnsafeMutableRawPointer) {
    switch self {
    case .atom(let bytes): Value.write(atom: bytes, to: &position)
    case .list(let elements): Value.write(list: elements, to: &position)
    }
  }

  /// Writes as many bytes as ``encodedByteCount()`` has counted, and moves the position behind them.
  private static func write(list elements: [Value], to position: inout UnsafeMutableRawPointer) {
    write(UInt8(ascii: "("), to: &position)
    for index in elements.indices {
      switch elements[index] {
      case .atom(let bytes): write(atom: bytes, to: &position)
      case .list(let elements): write(list: elements, to: &position)
      }
    }
    write(UInt8(ascii: ")"), to: &position)
  }

  private static func write(atom bytes: ByteBuffer, to position: inout UnsafeMutableRawPointer) {
    let length = bytes.readableBytes
    write(length: length, to: &position)
    guard length > 0 else { return }
    bytes.withUnsafeReadableBytes { bytes in
      if let source = bytes.baseAddress { position.copyMemory(from: source, byteCount: length) }
    }
    position += length
  }

  private static func write(_ byte: UInt8, to position: inout UnsafeMutableRawPointer) {
    position.storeBytes(of: byte, as: UInt8.self)
    position += 1
  }

  private static func write(length: Int, to position: inout UnsafeMutableRawPointer) {
    let digitCount = decimalDigitCount(of: length)
    var rest = length
    var index = digitCount
    repeat {
      index -= 1
      position.storeBytes(
        of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10),
        toByteOffset: index,
        as: UInt8.self
      )
      rest /= 10
    } while index > 0
    position += digitCount
    write(UInt8(ascii: ":"), to: &position)
  }

  private static func decimalDigitCount(of number: Int) -> Int {
    var count = 1
    var rest = number
    while rest >= 10 {
      rest /= 10
      count += 1
    }
    return count
  }
}

/// Why a value cannot be sent (E-4).
///
/// Two errors are equal if their codes are.
public struct ValueEncodingError: Error, Equatable, Sendable {
  /// What is wrong with the value. Later versions may add codes.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the code, for example `tooDeep`.
    public let description: String

    private init(_ name: String) {
      self.description = name
    }

    /// Lists nest deeper than ``Value/depthMax`` (V-3).
    public static let tooDeep = Code("tooDeep")
    /// The value holds more values than ``Value/valueCountMax`` (V-6).
    public static let tooManyValues = Code("tooManyValues")
    /// The encoding would be longer than 4,294,967,295 bytes, the most that any peer takes (S-2).
    public static let tooLong = Code("tooLong")
  }

  /// What is wrong.
  public let code: Code
  /// What is wrong and what the limit is, for people.
  public let message: String
  /// The requirement of the specification that sets the limit, for example `V-3`.
  public let requirement: String

  /// Whether both have the same ``code``.
  public static func == (left: ValueEncodingError, right: ValueEncodingError) -> Bool {
    left.code == right.code
  }

  fileprivate static var tooDeep: ValueEncodingError {
    ValueEncodingError(
      code: .tooDeep,
      message: "the lists of the value nest deeper than \(Value.depthMax)",
      requirement: "V-3"
    )
  }

  fileprivate static var tooManyValues: ValueEncodingError {
    ValueEncodingError(
      code: .tooManyValues,
      message: "the value holds more than \(Value.valueCountMax) values (atoms and lists)",
      requirement: "V-6"
    )
  }

  fileprivate static func tooLong(byteCount: Int) -> ValueEncodingError {
    ValueEncodingError(
      code: .tooLong,
      message: "the encoding of the value would have \(byteCount) bytes, more than any peer takes (4294967295)",
      requirement: "S-2"
    )
  }
}

extension ValueEncodingError: CustomStringConvertible {
  /// The message, with the requirement.
  public var description: String {
    "the value cannot be sent: \(message) (\(requirement))"
  }
}
