import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Bytes that are not a value, and values that cannot be sent (specification, section 7 and E-4).
@Suite struct ValueMalformedTests {
  struct Malformed: Sendable, CustomTestStringConvertible {
    let bytes: String
    let code: ValueDecodingError.Code
    let offset: Int
    let requirement: String
    var testDescription: String { bytes.count > 40 ? "\(bytes.prefix(40))…" : bytes.debugDescription }

    init(_ bytes: String, _ code: ValueDecodingError.Code, at offset: Int, _ requirement: String) {
      self.bytes = bytes
      self.code = code
      self.offset = offset
      self.requirement = requirement
    }
  }

  private func check(_ malformed: Malformed) throws {
    let error = try #require(throws: ValueDecodingError.self) {
      try Value(decoding: ByteBuffer(string: malformed.bytes))
    }
    #expect(error.code == malformed.code)
    #expect(error.offset == malformed.offset)
    #expect(error.requirement == malformed.requirement)
    #expect(error.description.contains("at byte \(malformed.offset) (\(malformed.requirement))"))
  }

  @Test(
    .clauses("V-1.a", "V-1.b", "V-1.c"),
    arguments: [
      Malformed("", .truncated, at: 0, "V-1"),
      Malformed("(", .truncated, at: 1, "V-1"),
      Malformed("(4:ping", .truncated, at: 7, "V-1"),
      Malformed("(()", .truncated, at: 3, "V-1"),
      Malformed(")", .unopenedList, at: 0, "V-1"),
      Malformed("())", .trailingBytes, at: 2, "V-1"),
      Malformed("()()", .trailingBytes, at: 2, "V-1"),
      Malformed("4:pingx", .trailingBytes, at: 6, "V-1"),
      Malformed("0:0:", .trailingBytes, at: 2, "V-1"),
      Malformed("() ", .trailingBytes, at: 2, "V-1"),
      Malformed("4:ping\n", .trailingBytes, at: 6, "V-1"),
    ]
  )
  func aMessageIsExactlyOneValue(malformed: Malformed) throws {
    try check(malformed)
  }

  @Test(
    .clauses("V-2.a"),
    arguments: [
      Malformed("00:", .leadingZero, at: 0, "V-2"),
      Malformed("04:ping", .leadingZero, at: 0, "V-2"),
      Malformed("(1:a01:b)", .leadingZero, at: 4, "V-2"),
      Malformed(":", .missingLength, at: 0, "V-2"),
      Malformed("(:a)", .missingLength, at: 1, "V-2"),
      Malformed("4", .truncated, at: 1, "V-2"),
      Malformed("(12", .truncated, at: 3, "V-2"),
      Malformed("4ping", .missingColon, at: 1, "V-2"),
      Malformed("4 :ping", .missingColon, at: 1, "V-2"),
      Malformed("(4)", .missingColon, at: 2, "V-2"),
      Malformed("4\"ping\"", .missingColon, at: 1, "V-2"),
      Malformed("4#70696e67#", .missingColon, at: 1, "V-2"),
      Malformed("4|cGluZw==|", .missingColon, at: 1, "V-2"),
    ]
  )
  func aLengthIsDecimalDigitsWithoutLeadingZerosAndAColon(malformed: Malformed) throws {
    try check(malformed)
  }

  @Test(
    .clauses("V-2.b"),
    arguments: [
      Malformed("1:", .lengthTooLong, at: 0, "V-2"),
      Malformed("5:ping", .lengthTooLong, at: 0, "V-2"),
      Malformed("(2:a", .lengthTooLong, at: 1, "V-2"),
      Malformed("4294967295:a", .lengthTooLong, at: 0, "V-2"),
      Malformed("4294967296:a", .lengthTooLong, at: 0, "V-2"),
      Malformed("9223372036854775807:a", .lengthTooLong, at: 0, "V-2"),
      Malformed("9223372036854775808:a", .lengthTooLong, at: 0, "V-2"),
      Malformed("18446744073709551616:", .lengthTooLong, at: 0, "V-2"),
      Malformed("18446744073709551620:ping", .lengthTooLong, at: 0, "V-2"),
      Malformed(String(repeating: "9", count: 1_000_000) + ":a", .lengthTooLong, at: 0, "V-2"),
      Malformed(String(repeating: "9", count: 1_000_000), .truncated, at: 1_000_000, "V-2"),
      Malformed("1" + String(repeating: "0", count: 1_000_000) + ":", .lengthTooLong, at: 0, "V-2"),
    ]
  )
  func aLengthIsNotLongerThanWhatFollows(malformed: Malformed) throws {
    try check(malformed)
  }

  @Test(
    .clauses("V-4.a"),
    arguments: [
      Malformed("[4:hint]4:ping", .displayHint, at: 0, "V-4"),
      Malformed("(1:a[1:b]1:c)", .displayHint, at: 4, "V-4"),
      Malformed(" 4:ping", .whiteSpace, at: 0, "V-4"),
      Malformed("(1:a 1:b)", .whiteSpace, at: 4, "V-4"),
      Malformed("(\t)", .whiteSpace, at: 1, "V-4"),
      Malformed("(\n)", .whiteSpace, at: 1, "V-4"),
      Malformed("(\r)", .whiteSpace, at: 1, "V-4"),
      Malformed("ping", .unexpectedByte, at: 0, "V-4"),
      Malformed("(ping)", .unexpectedByte, at: 1, "V-4"),
      Malformed("\"ping\"", .unexpectedByte, at: 0, "V-4"),
      Malformed("#70696e67#", .unexpectedByte, at: 0, "V-4"),
      Malformed("|cGluZw==|", .unexpectedByte, at: 0, "V-4"),
      Malformed("{NDpwaW5n}", .unexpectedByte, at: 0, "V-4"),
      Malformed("-1:a", .unexpectedByte, at: 0, "V-4"),
      Malformed("+1:a", .unexpectedByte, at: 0, "V-4"),
      Malformed("\0", .unexpectedByte, at: 0, "V-4"),
      Malformed("٣:abc", .unexpectedByte, at: 0, "V-4"),
    ]
  )
  func otherFormsAreMalformed(malformed: Malformed) throws {
    try check(malformed)
  }

  @Test(.clauses("V-4.a"))
  func everyByteButADigitAndParenthesisBeginsNoValue() throws {
    for byte in UInt8.min...UInt8.max where !Array("0123456789(".utf8).contains(byte) {
      let error = try #require(throws: ValueDecodingError.self) { try Value(decoding: ByteBuffer(bytes: [byte])) }
      #expect(error.offset == 0)
      // The message can be shown as it is (E-5).
      #expect(error.message.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }
  }

  @Test(
    .clauses("V-3.a", "V-3.d"),
    arguments: [
      Malformed(String(repeating: "(", count: 65), .tooDeep, at: 64, "V-3"),
      Malformed(
        String(repeating: "(", count: 65) + String(repeating: ")", count: 65),
        .tooDeep,
        at: 64,
        "V-3"
      ),
      Malformed("(1:a" + String(repeating: "(", count: 64) + "1:b", .tooDeep, at: 67, "V-3"),
      Malformed(String(repeating: "(", count: 1_048_576), .tooDeep, at: 64, "V-3"),
      Malformed(String(repeating: "(", count: 16_777_216), .tooDeep, at: 64, "V-3"),
    ]
  )
  func listsThatNestDeeperAreMalformed(malformed: Malformed) throws {
    try check(malformed)
  }

  @Test(
    .clauses("V-6.a"),
    arguments: [
      Malformed("(" + String(repeating: "()", count: 1_048_576) + ")", .tooManyValues, at: 2_097_151, "V-6"),
      Malformed("(" + String(repeating: "0:", count: 1_048_576) + ")", .tooManyValues, at: 2_097_151, "V-6"),
      Malformed("(" + String(repeating: "(())", count: 524_288) + ")", .tooManyValues, at: 2_097_150, "V-6"),
      Malformed("(" + String(repeating: "()", count: 8_388_607) + ")", .tooManyValues, at: 2_097_151, "V-6"),
    ]
  )
  func moreValuesThanAllowedAreMalformed(malformed: Malformed) throws {
    try check(malformed)
  }

  /// Every prefix of a value is malformed, and so is every value with something after it.
  @Test(.clauses("V-1.a", "V-1.c"))
  func everyCutIsMalformed() throws {
    let encoding = "(4:echo(1:a()(11:hello world))0:)"
    for length in 0..<encoding.utf8.count {
      #expect(throws: ValueDecodingError.self) {
        try Value(decoding: ByteBuffer(string: String(encoding.prefix(length))))
      }
    }
    for byte in UInt8.min...UInt8.max {
      let error = try #require(throws: ValueDecodingError.self) {
        try Value(decoding: ByteBuffer(bytes: Array(encoding.utf8) + [byte]))
      }
      #expect(error.code == .trailingBytes)
    }
  }

  @Test(.clauses("E-4.a", "V-3.a"), arguments: [Value.nested(depth: 65), .nested(depth: 65, around: "atom")])
  func aValueThatNestsTooDeepIsNotEncoded(value: Value) throws {
    let error = try #require(throws: ValueEncodingError.self) { try value.encoded() }
    #expect(error.code == .tooDeep)
    #expect(error.requirement == "V-3")
    #expect(throws: error) { try value.encodedByteCount() }
  }

  @Test(.clauses("E-4.a", "V-6.a"))
  func aValueOfTooManyValuesIsNotEncoded() throws {
    let value = Value.list(Array(repeating: "", count: 1_048_576))
    let error = try #require(throws: ValueEncodingError.self) { try value.encoded() }
    #expect(error.code == .tooManyValues)
    #expect(error.requirement == "V-6")
    // A value of 2^60 values takes no longer: counting stops.
    var shared: Value = ""
    for _ in 0..<60 { shared = [shared, shared] }
    #expect(throws: error) { try shared.encodedByteCount() }
  }

  @Test(.clauses("E-4.a"))
  func aValueLongerThanAnyMessageIsNotEncoded() throws {
    let mebibyte = Value(bytes: repeatElement(0, count: 1_048_576))
    let value = Value.list(Array(repeating: mebibyte, count: 4096))
    let error = try #require(throws: ValueEncodingError.self) { try value.encoded() }
    #expect(error.code == .tooLong)
    #expect(try value.encodedByteCount() == 4096 * (8 + 1_048_576) + 2)
  }

  /// A program may nest values as it likes: refusing to send them, and showing them, takes no stack for it.
  @Test(.clauses("E-4.a"))
  func aValueNestedBeyondAllBoundsIsRefusedWithoutRecursion() throws {
    let value = Value.nested(depth: 100_000, around: "x")
    // Releasing it would recurse, which is how Swift releases what is nested; so it is kept for ever.
    _ = Unmanaged.passRetained(Holder(value))
    #expect(throws: ValueEncodingError.self) { try value.encodedByteCount() }
    let parentheses = (String(repeating: "(", count: 100_000), String(repeating: ")", count: 100_000))
    #expect(value.notation == parentheses.0 + "x" + parentheses.1)
    #expect(String(reflecting: value).count == 1025)
  }

  private final class Holder: Sendable {
    let value: Value

    init(_ value: Value) {
      self.value = value
    }
  }
}
