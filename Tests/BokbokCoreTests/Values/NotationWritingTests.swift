import BokbokCore
import NIOCore
import Testing

/// Values written in the notation for people (RFC 9804, advanced form).
@Suite struct NotationWritingTests {
  @Test(
    arguments: [
      ("ping", "ping"), ("not-before", "not-before"), ("-1", "-1"), ("a:b/c_d*e+f=g.h", "a:b/c_d*e+f=g.h"),
      ("12345", "\"12345\""), ("", "\"\""), ("hello world", "\"hello world\""), ("1a", "\"1a\""),
      ("say \"hi\" \\ 'ho'?", #""say \"hi\" \\ 'ho'?""#), ("two\r\n\tlines", #""two\r\n\tlines""#),
      ("Grüße", #""Gr\xC3\xBC\xC3\x9Fe""#), ("水", #""\xE6\xB0\xB4""#),
      ("nul\0", "#6e756c00#"), ("\u{1B}[31m", "#1b5b33316d#"), ("a\u{202E}b", "#61e280ae62#"),
      (Value(bytes: [0x68, 0xFF]), "#68ff#"), (Value(bytes: [0xC3]), "#c3#"),
      (Value(bytes: [UInt8](repeating: 0, count: 32)), "#" + String(repeating: "00", count: 32) + "#"),
      (Value(bytes: [UInt8](repeating: 0, count: 33)), "|" + String(repeating: "A", count: 44) + "|"),
      (Value(bytes: [UInt8](repeating: 0xFF, count: 34)), "|" + String(repeating: "/", count: 45) + "w==|"),
      (Value(bytes: [UInt8](repeating: 0xFF, count: 35)), "|" + String(repeating: "/", count: 46) + "8=|"),
      ([], "()"), ([[], []], "(() ())"), (["ping", "12345"], "(ping \"12345\")"),
      (["a", ["b", [], "c"], ""], "(a (b () c) \"\")"),
    ] as [(Value, String)]
  )
  func eachAtomHasItsForm(value: Value, notation: String) throws {
    #expect(value.notation == notation)
    #expect(value.description == notation)
    #expect(value.debugDescription == notation)
    #expect("\(value)" == notation)
    #expect(try Value(notation: notation) == value)
  }

  @Test(arguments: 0..<100)
  func whatIsWrittenIsReadBack(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let value = Value.random(depthMax: 5, using: &generator)
    let notation = value.notation
    #expect(notation.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    #expect(try Value(notation: notation) == value)
    for width in [1, 20, 80, 1000] {
      for showsUnicode in [false, true] {
        let lines = value.notation(widthMax: width, indentation: Int(seed % 5), showsUnicode: showsUnicode)
        #expect(try Value(notation: lines) == value)
      }
    }
  }

  @Test func everySingleByteAndPairIsReadBack() throws {
    for first in UInt8.min...UInt8.max {
      let pairs = Value.list(of: (UInt8.min...UInt8.max).map { Value(bytes: [first, $0]) })
      #expect(try Value(notation: pairs.notation) == pairs)
      #expect(try Value(notation: pairs.notation(showsUnicode: true)) == pairs)
      #expect(try Value(notation: Value(bytes: [first]).notation) == Value(bytes: [first]))
    }
  }

  @Test func listsThatFitStandOnOneLine() {
    let value: Value = ["user", ["name", "ada"], ["keys", ["a", "b", "c"], ["d", "e"]]]
    #expect(value.notation() == "(user (name ada) (keys (a b c) (d e)))")
    #expect(value.notation(widthMax: 38) == "(user (name ada) (keys (a b c) (d e)))")
    #expect(value.notation(widthMax: 37) == "(user\n  (name ada)\n  (keys (a b c) (d e)))")
    #expect(value.notation(widthMax: 22, indentation: 1) == "(user\n (name ada)\n (keys (a b c) (d e)))")
    #expect(value.notation(widthMax: 21, indentation: 1) == "(user\n (name ada)\n (keys\n  (a b c)\n  (d e)))")
  }

  @Test func aListThatBeginsWithAListStartsOnItsLine() {
    let value: Value = [["aaaa", "bbbb"], ["cccc", "dddd"], "eeee"]
    #expect(value.notation(widthMax: 14) == "((aaaa bbbb)\n  (cccc dddd)\n  eeee)")
  }

  @Test func atomsAreNeverBroken() {
    let long = String(repeating: "x", count: 100)
    #expect(Value(long).notation(widthMax: 10) == long)
    #expect((["a", Value(long), "b"] as Value).notation(widthMax: 10) == "(a\n  \(long)\n  b)")
  }

  @Test func depthLeavesRoomOnTheLine() throws {
    let value = Value.nested(depth: 63, around: ["x", "y"])
    let lines = value.notation(widthMax: 20, indentation: 4)
    #expect(try Value(notation: lines) == value)
    #expect(lines.split(separator: "\n").allSatisfy { $0.prefix { $0 == " " }.count <= 10 })
  }

  @Test(arguments: [0, -3])
  func nonsensicalMeasuresDoNoHarm(measure: Int) throws {
    let value: Value = ["a", ["b", "c"]]
    #expect(value.notation(widthMax: measure, indentation: measure) == "(a\n(b\nc))")
  }

  @Test func charactersAreShownWhereAskedFor() throws {
    let value: Value = ["Grüße", "水", "a\u{202E}b", Value(bytes: [0xFF])]
    #expect(value.notation(showsUnicode: true) == "(\"Grüße\" \"水\" #61e280ae62# #ff#)")
    // Width counts characters, not bytes.
    #expect((["水水水", "水水水"] as Value).notation(widthMax: 13, showsUnicode: true) == "(\"水水水\" \"水水水\")")
  }

  @Test func descriptionIsWholeAndDebugDescriptionIsCut() {
    let text = String(repeating: "x", count: 100_000)
    #expect(Value(text).description == text)
    #expect(Value(text).debugDescription == String(repeating: "x", count: 1024) + "…")
    #expect(Value.list(of: repeatElement("x", count: 10_000)).debugDescription.hasPrefix("(x x x"))
    #expect(Value.list(of: repeatElement("x", count: 10_000)).debugDescription.count == 1025)
  }

  @Test func largeValuesAreReadBack() throws {
    var generator = SeededGenerator(seed: 1)
    let bytes = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let value: Value = [Value(bytes: bytes), Value(String(repeating: "text ", count: 20_000))]
    #expect(try Value(notation: value.notation) == value)
    #expect(try Value(notation: value.notation()) == value)
  }
}
