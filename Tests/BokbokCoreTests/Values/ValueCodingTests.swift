import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Canonical encoding and decoding of values (specification, section 7).
@Suite struct ValueCodingTests {
  @Test(
    .clauses("V-5"),
    arguments: [
      ("0:", ""),
      ("4:ping", "ping"),
      ("()", []),
      ("(4:ping5:12345)", ["ping", "12345"]),
      ("(4:echo(1:a()(1:b))0:)", ["echo", ["a", [], ["b"]], ""]),
      ("10:((((((((((", "(((((((((("),
      ("2:-7", -7),
    ] as [(String, Value)]
  )
  func canonicalEncodingIsReadAndWritten(encoding: String, value: Value) throws {
    #expect(try Value(decoding: ByteBuffer(string: encoding)) == value)
    #expect(try String(buffer: value.encoded()) == encoding)
    #expect(try value.encodedByteCount() == encoding.utf8.count)
  }
}
