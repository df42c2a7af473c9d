public import NIOCore

extension Value {
  /// Decodes a message: the readable bytes of the buffer must be exactly one value in canonical form (V-1 to V-6).
  ///
  /// The atoms are slices of the buffer, not copies. Time and memory are in proportion to the length of the message, and
  /// the stack that is used is bounded, whatever the bytes (V-3).
  ///
  /// - Throws: ``ValueDecodingError`` at the first byte that cannot be part of a value.
  public init(decoding buffer: ByteBuffer) throws(ValueDecodingError) {
    self = try buffer.withUnsafeReadableBytes { (bytes) throws(ValueDecodingError) -> Value in
      if let first = bytes.first, Value.decimalDigit(first) != nil {
        return .atom(try Value.decodeAtom(bytes, of: buffer))
      }
      // Scratch memory on the stack: a small message allocates nothing but the arrays of its lists.
      return try withUnsafeTemporaryAllocation(of: Value.self, capacity: 32) {
        (scratch) throws(ValueDecodingError) -> Value in
        try withUnsafeTemporaryAllocation(of: Int.self, capacity: Value.depthMax) {
          (listStarts) throws(ValueDecodingError) -> Value in
          var values = ValueStack(scratch: scratch)
          return try Value.decode(bytes, of: buffer, values: &values, listStarts: listStarts)
        }
      }
    }
  }

  /// A message that begins as an atom is one, and needs no scratch memory.
  private static func decodeAtom(
    _ bytes: UnsafeRawBufferPointer,
    of buffer: ByteBuffer
  ) throws(ValueDecodingError) -> ByteBuffer {
    var offset = 0
    let atom = try readAtom(bytes, of: buffer, offset: &offset)
    try requireEnd(bytes, offset: offset)
    return atom
  }

  /// - Parameters:
  ///   - values: the elements so far of all lists that are open, those of the innermost last.
  ///   - listStarts: for each open list, where its elements begin in `values`; room for ``depthMax``.
  private static func decode(
    _ bytes: UnsafeRawBufferPointer,
    of buffer: ByteBuffer,
    values: inout ValueStack,
    listStarts: UnsafeMutableBufferPointer<Int>
  ) throws(ValueDecodingError) -> Value {
    var offset = 0
    var depth = 0
    var valueCount = 0
    repeat {
      guard offset < bytes.count else { throw .truncated(depth: depth, offset: offset) }
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        valueCount += 1
        guard valueCount <= valueCountMax else { throw .tooManyValues(offset: offset) }  // V-6
        values.push(.atom(try readAtom(bytes, of: buffer, offset: &offset)))

      case UInt8(ascii: "("):
        valueCount += 1
        guard valueCount <= valueCountMax else { throw .tooManyValues(offset: offset) }  // V-6
        guard depth < depthMax else { throw .tooDeep(offset: offset) }  // V-3
        listStarts[depth] = values.count
        depth += 1
        offset += 1

      case UInt8(ascii: ")") where depth > 0:
        depth -= 1
        offset += 1
        values.collapse(from: listStarts[depth])

      default:
        throw .unexpected(byte, offset: offset)
      }
    } while depth > 0

    try requireEnd(bytes, offset: offset)
    return values.popLast()
  }

  private static func requireEnd(_ bytes: UnsafeRawBufferPointer, offset: Int) throws(ValueDecodingError) {
    guard offset == bytes.count else { throw .trailing(byteCount: bytes.count - offset, offset: offset) }  // V-1
  }

  /// Reads the atom at `offset`, which is moved behind it.
  private static func readAtom(
    _ bytes: UnsafeRawBufferPointer,
    of buffer: ByteBuffer,
    offset: inout Int
  ) throws(ValueDecodingError) -> ByteBuffer {
    let lengthOffset = offset
    let length = try decodeLength(bytes, offset: &offset)
    // A slice is refused where the length goes past the end of what is there (V-2).
    guard let atom = slice(of: buffer, at: offset, length: length) else {
      throw .lengthTooLong(remaining: bytes.count - offset, offset: lengthOffset)
    }
    offset += length
    return atom
  }

  /// An atom of the message. An empty one keeps no memory of it, and a message of a million of them costs no slices.
  private static func slice(of buffer: ByteBuffer, at offset: Int, length: Int) -> ByteBuffer? {
    length == 0 ? ByteBuffer() : buffer.getSlice(at: buffer.readerIndex + offset, length: length)
  }

  /// Reads the length of an atom and the colon after it; `offset` is left at the first byte of the atom.
  ///
  /// A length of any number of digits is taken: one that is too long for an `Int` is still too long for the message.
  private static func decodeLength(
    _ bytes: UnsafeRawBufferPointer,
    offset: inout Int
  ) throws(ValueDecodingError) -> Int {
    let lengthOffset = offset
    var length = 0
    while offset < bytes.count, let digit = decimalDigit(bytes[offset]) {
      // V-2: `0` stands alone.
      if offset > lengthOffset, length == 0 { throw .leadingZero(offset: lengthOffset) }
      // Beyond this no buffer reaches, so more digits change nothing, and cannot overflow.
      if length <= Int(UInt32.max) { length = length * 10 + digit }
      offset += 1
    }
    guard offset < bytes.count else { throw .truncatedLength(offset: offset) }
    guard bytes[offset] == UInt8(ascii: ":") else { throw .missingColon(bytes[offset], offset: offset) }
    offset += 1
    return length
  }

  private static func decimalDigit(_ byte: UInt8) -> Int? {
    let digit = byte &- UInt8(ascii: "0")
    return digit < 10 ? Int(digit) : nil
  }
}

/// The elements of the lists that are being decoded, in memory that is first borrowed and later, if need be, its own.
///
/// A Swift array would allocate for every message, and again for every list as it grows; here each list allocates once,
/// with its exact size, and its elements are moved, not copied.
private struct ValueStack: ~Copyable {
  private var storage: UnsafeMutableBufferPointer<Value>
  private var ownsStorage = false
  private(set) var count = 0

  /// The scratch memory must outlive the stack.
  init(scratch: UnsafeMutableBufferPointer<Value>) {
    self.storage = scratch
  }

  deinit {
    storage[..<count].deinitialize()
    if ownsStorage { storage.deallocate() }
  }

  mutating func push(_ value: consuming Value) {
    if count == storage.count { grow() }
    storage.initializeElement(at: count, to: value)
    count += 1
  }

  /// There must be a value.
  mutating func popLast() -> Value {
    count -= 1
    return storage.moveElement(from: count)
  }

  /// Replaces the values from `start` on with the list of them.
  mutating func collapse(from start: Int) {
    guard start < count else { return push(.list([])) }
    var list: [Value] = []
    list.reserveCapacity(count - start)
    for index in start..<count { list.append(storage.moveElement(from: index)) }
    count = start
    push(.list(list))
  }

  /// Memory follows the values that have been found (R-5), never what a message announces.
  private mutating func grow() {
    let larger = UnsafeMutableBufferPointer<Value>.allocate(capacity: storage.count * 2)
    _ = larger.moveInitialize(fromContentsOf: storage[..<count])
    if ownsStorage { storage.deallocate() }
    storage = larger
    ownsStorage = true
  }
}

extension ValueDecodingError {
  fileprivate static func truncated(depth: Int, offset: Int) -> ValueDecodingError {
    let message =
      if offset == 0 {
        "the message is empty, expected a value"
      } else {
        "the message ends inside a list, \(depth) deep, expected a value or ')'"
      }
    return ValueDecodingError(.truncated, requirement: "V-1", offset: offset, message: message)
  }

  fileprivate static func truncatedLength(offset: Int) -> ValueDecodingError {
    ValueDecodingError(
      .truncated,
      requirement: "V-2",
      offset: offset,
      message: "the message ends inside the length of an atom, expected ':'"
    )
  }

  fileprivate static func lengthTooLong(remaining: Int, offset: Int) -> ValueDecodingError {
    ValueDecodingError(
      .lengthTooLong,
      requirement: "V-2",
      offset: offset,
      message: "the length of an atom is longer than the \(remaining) bytes that follow"
    )
  }

  fileprivate static func leadingZero(offset: Int) -> ValueDecodingError {
    ValueDecodingError(
      .leadingZero,
      requirement: "V-2",
      offset: offset,
      message: "the length of an atom has a leading zero"
    )
  }

  fileprivate static func missingColon(_ byte: UInt8, offset: Int) -> ValueDecodingError {
    ValueDecodingError(
      .missingColon,
      requirement: "V-2",
      offset: offset,
      message: "found \(name(of: byte)) after the length of an atom, expected ':'"
    )
  }

  fileprivate static func tooDeep(offset: Int) -> ValueDecodingError {
    ValueDecodingError(
      .tooDeep,
      requirement: "V-3",
      offset: offset,
      message: "lists nest deeper than \(Value.depthMax)"
    )
  }

  fileprivate static func tooManyValues(offset: Int) -> ValueDecodingError {
    ValueDecodingError(
      .tooManyValues,
      requirement: "V-6",
      offset: offset,
      message: "the message holds more than \(Value.valueCountMax) values"
    )
  }

  fileprivate static func trailing(byteCount: Int, offset: Int) -> ValueDecodingError {
    ValueDecodingError(
      .trailingBytes,
      requirement: "V-1",
      offset: offset,
      message: "the value is followed by \(byteCount) more byte\(byteCount == 1 ? "" : "s"), expected the end"
    )
  }

  fileprivate static func unexpected(_ byte: UInt8, offset: Int) -> ValueDecodingError {
    switch byte {
    case UInt8(ascii: ")"):
      ValueDecodingError(
        .unopenedList,
        requirement: "V-1",
        offset: offset,
        message: "found ')' where no list is open, expected a value"
      )
    case UInt8(ascii: ":"):
      ValueDecodingError(
        .missingLength,
        requirement: "V-2",
        offset: offset,
        message: "found ':' without the length of an atom before it"
      )
    case UInt8(ascii: "["):
      ValueDecodingError(
        .displayHint,
        requirement: "V-4",
        offset: offset,
        message: "found '[', but display hints are not allowed"
      )
    case 0x20, 0x09...0x0D:
      ValueDecodingError(
        .whiteSpace,
        requirement: "V-4",
        offset: offset,
        message: "found white space, \(name(of: byte)), which is not allowed outside of atoms"
      )
    default:
      ValueDecodingError(
        .unexpectedByte,
        requirement: "V-4",
        offset: offset,
        message: "found \(name(of: byte)), expected the decimal length of an atom, '(' or ')'"
      )
    }
  }

  /// A byte for people: the character if it is a visible one of ASCII, else only its number (E-5).
  private static func name(of byte: UInt8) -> String {
    if (0x21...0x7E).contains(byte) { return "'\(Character(Unicode.Scalar(byte)))'" }
    return "the byte 0x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }
}
