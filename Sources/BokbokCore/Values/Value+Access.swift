public import NIOCore

extension Value {
  /// The bytes of this atom, without a copy.
  ///
  /// - Throws: ``ValueAccessError`` if this is a list.
  public var buffer: ByteBuffer {
    get throws(ValueAccessError) {
      guard case .atom(let buffer) = self else { throw .notAnAtom(self, expected: "an atom") }
      return buffer
    }
  }

  /// A copy of the bytes of this atom.
  ///
  /// - Throws: ``ValueAccessError`` if this is a list.
  public var bytes: [UInt8] {
    get throws(ValueAccessError) {
      Array(try buffer.readableBytesView)
    }
  }

  /// The text whose UTF-8 bytes this atom holds. Bytes that are not UTF-8 are rejected, never repaired.
  ///
  /// The text is not normalized, and Swift's `String` takes canonically equivalent texts as equal: where that matters,
  /// compare values or ``bytes``.
  ///
  /// - Throws: ``ValueAccessError`` if this is a list, or the bytes are not valid UTF-8.
  public var text: String {
    get throws(ValueAccessError) {
      guard case .atom(let buffer) = self else { throw .notAnAtom(self, expected: "text") }
      let text = buffer.withUnsafeReadableBytes { bytes in
        // What is all ASCII needs no validation, which takes longer than all the rest.
        bytes.allSatisfy { $0 < 0x80 }
          ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
      }
      guard let text else { throw .notText(self) }
      return text
    }
  }

  /// The number whose decimal digits this atom holds.
  ///
  /// Only the canonical form is taken, in which `Value(42)` writes it: no sign but a `-` before a negative
  /// number, no leading zeros, no white space.
  ///
  /// - Parameter type: the type of the number; `Int` if it is left out.
  /// - Throws: ``ValueAccessError`` if this is a list, the bytes are not a number in this form, or the number does not
  ///   fit the type.
  @inlinable
  public func integer<Integer: FixedWidthInteger>(
    as type: Integer.Type = Int.self
  ) throws(ValueAccessError) -> Integer {
    // Nearly all numbers take this way, which is not generic.
    if let number = shortDecimal.flatMap(Integer.init(exactly:)) { return number }
    return try longDecimal(as: type)
  }

  /// The number of an atom that is one and surely fits an `Int`.
  @usableFromInline
  var shortDecimal: Int? {
    guard case .atom(let buffer) = self else { return nil }
    return buffer.withUnsafeReadableBytes { bytes in
      guard bytes.count <= 18, let (isNegative, digits) = Value.canonicalDecimal(bytes) else { return nil }
      var magnitude = 0
      for index in digits { magnitude = magnitude * 10 + Int(bytes[index] - UInt8(ascii: "0")) }
      return isNegative ? -magnitude : magnitude
    }
  }

  /// A number of any length, or why there is none.
  @usableFromInline
  func longDecimal<Integer: FixedWidthInteger>(as type: Integer.Type) throws(ValueAccessError) -> Integer {
    guard case .atom(let buffer) = self else { throw .notAnAtom(self, expected: "a decimal number") }
    let bytes = Array(buffer.readableBytesView)
    guard let (isNegative, digits) = bytes.withUnsafeBytes(Value.canonicalDecimal) else {
      throw .notADecimalNumber(self)
    }
    var number: Integer = 0
    for index in digits {
      let digit = Integer(truncatingIfNeeded: bytes[index] - UInt8(ascii: "0"))
      let (product, productOverflows) = number.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflows) =
        isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      guard !productOverflows, !sumOverflows else { throw .outOfRange(self, of: type) }
      number = sum
    }
    return number
  }

  /// The sign and the digits of a decimal number in its canonical form; nil if it is none.
  private static func canonicalDecimal(_ bytes: UnsafeRawBufferPointer) -> (isNegative: Bool, digits: Range<Int>)? {
    let isNegative = bytes.first == UInt8(ascii: "-")
    let digits = (isNegative ? 1 : 0)..<bytes.count
    guard !digits.isEmpty else { return nil }
    for index in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else { return nil }
    }
    // `0` stands alone, and has no sign.
    return bytes[digits.lowerBound] != UInt8(ascii: "0") || bytes.count == 1 ? (isNegative, digits) : nil
  }

  /// The values of this list.
  ///
  /// - Throws: ``ValueAccessError`` if this is an atom.
  public var elements: [Value] {
    get throws(ValueAccessError) {
      guard case .list(let elements) = self else { throw .notAList(self, expected: "a list") }
      return elements
    }
  }

  /// The values of this list, which must be this many.
  ///
  /// - Throws: ``ValueAccessError`` if this is an atom, or a list of another length.
  public func elements(count: Int) throws(ValueAccessError) -> [Value] {
    guard case .list(let elements) = self else {
      throw .notAList(self, expected: "a list of \(ValueAccessError.count(of: count))")
    }
    guard elements.count == count else { throw .wrongCount(elements.count, expected: count) }
    return elements
  }
}

extension Value {
  /// The value that stands at an index in this list, from 0.
  ///
  /// - Throws: ``ValueAccessError`` if this is an atom, or the list has no such index.
  public func element(at index: Int) throws(ValueAccessError) -> Value {
    guard case .list(let elements) = self else {
      throw .notAList(self, expected: "a list with an element at index \(index)")
    }
    guard elements.indices.contains(index) else { throw .noElement(at: index, count: elements.count) }
    return elements[index]
  }

  /// The text at an index in this list: ``text`` of ``element(at:)``, with the index in the error.
  public func text(at index: Int) throws(ValueAccessError) -> String {
    let element = try element(at: index)
    do { return try element.text } catch { throw error.inside(index) }
  }

  /// The bytes at an index in this list: ``bytes`` of ``element(at:)``, with the index in the error.
  public func bytes(at index: Int) throws(ValueAccessError) -> [UInt8] {
    let element = try element(at: index)
    do { return try element.bytes } catch { throw error.inside(index) }
  }

  /// The number at an index in this list: ``integer(as:)`` of ``element(at:)``, with the index in the error.
  public func integer<Integer: FixedWidthInteger>(
    at index: Int,
    as type: Integer.Type = Int.self
  ) throws(ValueAccessError) -> Integer {
    let element = try element(at: index)
    do { return try element.integer(as: type) } catch { throw error.inside(index) }
  }

  /// The list at an index in this list: ``elements`` of ``element(at:)``, with the index in the error.
  public func elements(at index: Int) throws(ValueAccessError) -> [Value] {
    let element = try element(at: index)
    do { return try element.elements } catch { throw error.inside(index) }
  }
}
