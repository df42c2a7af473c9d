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
    buffer.reserveCapacity(byteCount)
    encode(into: &buffer)
    return buffer
  }

  /// The longest message that the protocol can speak of: the largest number in SETTINGS (S-2).
  private static let encodedByteCountMax = 4_294_967_295

  /// The length in bytes of the canonical encoding.
  ///
  /// - Throws: ``ValueEncodingError`` if the value nests deeper than ``depthMax`` or holds more than ``valueCountMax``
  ///   values (E-4), whatever its depth: no more of it is looked at.
  package func encodedByteCount() throws(ValueEncodingError) -> Int {
    var valueCount = 0
    return try encodedByteCount(depth: 0, valueCount: &valueCount)
  }

  /// - Parameter depth: how many lists this value stands in.
  private func encodedByteCount(depth: Int, valueCount: inout Int) throws(ValueEncodingError) -> Int {
    valueCount += 1
    guard valueCount <= Value.valueCountMax else { throw .tooManyValues }
    switch self {
    case .atom(let bytes):
      let length = bytes.readableBytes
      return Value.decimalDigitCount(of: length) + 1 + length
    case .list(let elements):
      guard depth < Value.depthMax else { throw .tooDeep }
      var byteCount = 2
      for element in elements {
        byteCount += try element.encodedByteCount(depth: depth + 1, valueCount: &valueCount)
      }
      return byteCount
    }
  }

  /// Appends the canonical encoding.
  ///
  /// Only after ``encodedByteCount()`` has succeeded for this value: nothing is checked here. Reserving that many bytes
  /// before saves copies.
  package func encode(into buffer: inout ByteBuffer) {
    switch self {
    case .atom(let bytes):
      Value.encode(atom: bytes, into: &buffer)
    case .list(let elements):
      buffer.writeInteger(UInt8(ascii: "("))
      for element in elements {
        element.encode(into: &buffer)
      }
      buffer.writeInteger(UInt8(ascii: ")"))
    }
  }

  private static func encode(atom: ByteBuffer, into buffer: inout ByteBuffer) {
    let length = atom.readableBytes
    let digitCount = decimalDigitCount(of: length)
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: digitCount + 1 + length) { memory in
      var rest = length
      for index in (0..<digitCount).reversed() {
        memory[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
      memory[digitCount] = UInt8(ascii: ":")
      atom.withUnsafeReadableBytes { bytes in
        UnsafeMutableRawBufferPointer(rebasing: memory[(digitCount + 1)...]).copyMemory(from: bytes)
      }
      return digitCount + 1 + length
    }
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
