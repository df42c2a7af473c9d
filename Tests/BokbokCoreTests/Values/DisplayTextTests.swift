import BokbokCore
import BokbokTestSupport
import NIOCore
import Testing

/// Text of the other side for people and logs (specification, E-5).
@Suite(.clauses("E-5.a")) struct DisplayTextTests {
  @Test(
    arguments: [
      ("", ""),
      ("plain text, even \"quoted\"", "plain text, even \"quoted\""),
      ("Grüße 水 \u{1F600}", "Grüße 水 \u{1F600}"),
      ("e\u{301} \u{2764}\u{FE0F}", "e\u{301} \u{2764}\u{FE0F}"),
      ("a\\b", "a\\\\b"),
      ("two\r\nlines", "two\\u{D}\\u{A}lines"),
      ("\0\t\u{7F}", "\\u{0}\\u{9}\\u{7F}"),
      ("\u{1B}[31mred", "\\u{1B}[31mred"),
      ("\u{85}\u{9B}", "\\u{85}\\u{9B}"),
      ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
      ("user\u{202E}txt.exe", "user\\u{202E}txt.exe"),
      ("\u{2066}\u{2069}\u{200E}\u{61C}", "\\u{2066}\\u{2069}\\u{200E}\\u{61C}"),
      ("a\u{200B}\u{AD}\u{FEFF}b", "a\\u{200B}\\u{AD}\\u{FEFF}b"),
      ("\u{E0041}\u{E0001}", "\\u{E0041}\\u{E0001}"),
      ("\u{3164}\u{115F}", "\\u{3164}\\u{115F}"),
      ("\u{FFFF}\u{378}", "\\u{FFFF}\\u{378}"),
      ("a\u{A0}b", "a\u{A0}b"),
    ]
  )
  func controlAndFormatCharactersAreEscaped(text: String, shown: String) {
    #expect(Array(String(displaying: text).utf8) == Array(shown.utf8))
    #expect(String(displaying: ByteBuffer(string: text)) == shown)
    #expect(String(displaying: Array(text.utf8)) == shown)
  }

  @Test(
    arguments: [
      ([0xFF], "\\xFF"),
      ([0x61, 0x80, 0x62], "a\\x80b"),
      ([0xC3], "\\xC3"),
      ([0xC3, 0x28], "\\xC3("),
      ([0xC0, 0x80], "\\xC0\\x80"),
      ([0xED, 0xA0, 0x80], "\\xED\\xA0\\x80"),
      ([0xF0, 0x9F, 0x98], "\\xF0\\x9F\\x98"),
      ([0xF0, 0x9F, 0x98, 0xC3, 0xA9], "\\xF0\\x9F\\x98é"),
      ([0xF4, 0x90, 0x80, 0x80], "\\xF4\\x90\\x80\\x80"),
      ([0xEF, 0xBF, 0xBD], "\u{FFFD}"),
    ] as [([UInt8], String)]
  )
  func bytesThatAreNotUTF8AreEscapedAndNotRepaired(bytes: [UInt8], shown: String) {
    #expect(String(displaying: bytes) == shown)
    #expect(String(displaying: ByteBuffer(bytes: bytes)) == shown)
  }

  @Test(
    arguments: [
      ("abcde", 5, "abcde"),
      ("abcdef", 5, "abcd…"),
      ("水水水", 2, "水…"),
      ("ab\n", 6, "ab…"),
      ("ab\n", 7, "ab\\u{A}"),
      ("ab\nc", 7, "ab…"),
      ("a\\\\", 4, "a\\\\…"),
      ("\n\n\n", 3, "…"),
      ("abc", 1, "…"),
      ("a", 1, "a"),
      ("abc", 0, "…"),
      ("abc", -5, "…"),
      ("", 0, ""),
    ]
  )
  func whatIsLongerIsCutBetweenPieces(text: String, charactersMax: Int, shown: String) {
    let result = String(displaying: text, charactersMax: charactersMax)
    #expect(result == shown)
    #expect(result.unicodeScalars.count <= max(1, charactersMax))
  }

  @Test func longTextIsCutByDefault() {
    #expect(String(displaying: String(repeating: "a", count: 256)).count == 256)
    let result = String(displaying: String(repeating: "a", count: 257))
    #expect(result == String(repeating: "a", count: 255) + "…")
  }

  /// Marks that pile up on one character count like others.
  @Test func combiningMarksAreCutToo() {
    let text = "a" + String(repeating: "\u{301}", count: 100_000)
    #expect(text.count == 1)
    #expect(String(displaying: text).unicodeScalars.count == 256)
  }

  @Test(arguments: 0..<100)
  func anyBytesAreShownWithoutHiddenCharacters(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let bytes = (0..<300).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let result = String(displaying: bytes, charactersMax: 200)
    #expect(result.unicodeScalars.count <= 200)
    #expect(!result.unicodeScalars.contains { [.control, .format].contains($0.properties.generalCategory) })
  }
}
