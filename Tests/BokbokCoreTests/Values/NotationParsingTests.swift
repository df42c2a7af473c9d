import BokbokCore
import Testing

/// Values read from the notation for people (RFC 9804, advanced form).
@Suite struct NotationParsingTests {
  @Test(
    arguments: [
      // Tokens (4.3)
      ("subject", "subject"), ("not-before", "not-before"), (":=..", ":=.."), ("class-of-1997", "class-of-1997"),
      ("//example.net/names/smith", "//example.net/names/smith"), ("*", "*"), ("-1", "-1"),
      // Quoted strings (4.2)
      ("\"subject\"", "subject"), ("\"hi there\"", "hi there"), ("7\"subject\"", "subject"), ("\"\"", ""),
      ("0\"\"", ""), ("3\"\\n\\n\\n\"", "\n\n\n"), ("\"\\a\\b\\t\\v\\n\\f\\r\"", "\u{7}\u{8}\t\u{B}\n\u{C}\r"),
      (#""\"\'\?\\""#, "\"'?\\"), ("\"\\x41\\x4a\\101\\377\\xfF\"", Value(bytes: [0x41, 0x4A, 0x41, 0xFF, 0xFF])),
      ("\"two \\\nparts\"", "two parts"), ("\"two \\\r\nparts\"", "two parts"), ("\"two \\\n\rparts\"", "two parts"),
      ("\"two \\\rparts\"", "two parts"), ("\"(a) [b] {c} |d| #e#\"", "(a) [b] {c} |d| #e#"),
      ("\"Grüße 水\"", "Grüße 水"), ("4\"水\\x0A\"", "水\n"),
      // Hexadecimal (4.4)
      ("#616263#", "abc"), ("3#616263#", "abc"), ("# 616\n  263 #", "abc"), ("##", ""),
      ("#fFFe#", Value(bytes: [255, 254])),
      // Base 64 (4.5)
      ("|YWJj|", "abc"), ("| Y W\n J j |", "abc"), ("3|YWJj|", "abc"), ("|YWJjZA==|", "abcd"), ("|YWJjZA|", "abcd"),
      ("|YWJjZA=|", "abcd"), ("|YWJjZGU=|", "abcde"), ("|YWJjZGU|", "abcde"), ("||", ""),
      ("|+/8= |", Value(bytes: [0xFB, 0xFF])),
      // Verbatim (4.1)
      ("3:abc", "abc"), ("4:::\":", "::\":"), ("12:hello world!", "hello world!"), ("0:", ""), ("2:é", "é"),
      // Lists (5)
      ("()", []), ("( )", []), ("(a bob c)", ["a", "bob", "c"]),
      ("( a ( bob c ) ( ( d e ) ( e f ) )  )", ["a", ["bob", "c"], [["d", "e"], ["e", "f"]]]),
      (
        "(11:certificate(6:issuer3:bob)(7:subject5:alice))",
        ["certificate", ["issuer", "bob"], ["subject", "alice"]]
      ),
      ("(|ODpFeGFtcGxlIQ==| \"1997\" murphy 3:XC+)", ["8:Example!", "1997", "murphy", "XC+"]),
      ("(abc (de #6667#) \"ghi jkl\")", ["abc", ["de", "fg"], "ghi jkl"]),
      ("(a\"b\"#63#|ZA==|1:e(f)g)", ["a", "b", "c", "d", "e", ["f"], "g"]),
      ("\t\n\u{B}\u{C}\r (a)\n ", ["a"]), ("(ab1:c)", ["ab1:c"]),
      // Base 64 of the canonical form (6.1)
      ("{KDE6YTE6YjE\n 6Yyk= }", ["a", "b", "c"]), (" {MDo} ", ""), ("{ KCk= }", []),
    ] as [(String, Value)]
  )
  func everyFormIsRead(text: String, value: Value) throws {
    #expect(try Value(notation: text) == value)
  }

  struct Mistake: Sendable, CustomTestStringConvertible {
    let text: String
    let code: ValueNotationError.Code
    let line: Int
    let column: Int
    let hint: String
    var testDescription: String { text.count > 40 ? "\(text.prefix(40))…" : text.debugDescription }

    init(_ text: String, _ code: ValueNotationError.Code, _ line: Int, _ column: Int, _ hint: String) {
      self.text = text
      self.code = code
      self.line = line
      self.column = column
      self.hint = hint
    }
  }

  @Test(
    arguments: [
      Mistake("", .empty, 1, 1, "expected a list '(…)' or an atom"),
      Mistake(" \n ", .empty, 2, 2, "there is no value"),
      Mistake("(a", .unclosedList, 1, 3, "the list that begins at line 1, column 1 is not closed"),
      Mistake("(a\n  (b", .unclosedList, 2, 5, "the list that begins at line 2, column 3 is not closed"),
      Mistake(")", .unopenedList, 1, 1, "no list is open"),
      Mistake("(a))", .trailingText, 1, 4, "found ')' after the value"),
      Mistake("a b", .trailingText, 1, 3, "several values are written as a list"),
      Mistake("(add 1 2)", .bareNumber, 1, 6, "as a value it is written in quotes, \"1\""),
      Mistake("12", .bareNumber, 1, 1, "\"12\""),
      Mistake("3 :abc", .bareNumber, 1, 1, "\"3\""),
      Mistake("3abc", .bareNumber, 1, 1, "\"3\""),
      Mistake("4:abc", .wrongLength, 1, 1, "more than the 3 bytes that follow"),
      Mistake("99999999999999999999999:abc", .wrongLength, 1, 1, "more than the 3 bytes"),
      Mistake("03:abc", .wrongLength, 1, 1, "leading zero"),
      Mistake("4\"abc\"", .wrongLength, 1, 1, "given as 4, but there are 3 bytes"),
      Mistake("2#616263#", .wrongLength, 1, 1, "given as 2, but there are 3 bytes"),
      Mistake("99999999999999999999999|YWJj|", .wrongLength, 1, 1, "there are 3 bytes"),
      Mistake("\"abc", .unclosedAtom, 1, 1, "expected '\"'"),
      Mistake("(a\n \"abc\\", .unclosedAtom, 2, 2, "expected '\"'"),
      Mistake("#6162", .unclosedAtom, 1, 1, "expected '#'"),
      Mistake("|YWJj", .unclosedAtom, 1, 1, "expected '|'"),
      Mistake("{MDo=", .unclosedAtom, 1, 1, "expected '}'"),
      Mistake("\"a\nb\"", .unexpectedCharacter, 1, 3, "'\\n'"),
      Mistake("\"a\tb\"", .unexpectedCharacter, 1, 3, "\\u{9}"),
      Mistake("\"a\\qb\"", .invalidEscape, 1, 3, "found '\\' before 'q'"),
      Mistake("\"\\x4\"", .invalidEscape, 1, 2, "two hexadecimal digits"),
      Mistake("\"\\xg0\"", .invalidEscape, 1, 2, "two hexadecimal digits"),
      Mistake("\"\\12\"", .invalidEscape, 1, 2, "three octal digits"),
      Mistake("\"\\1289\"", .invalidEscape, 1, 2, "three octal digits"),
      Mistake("\"\\400\"", .invalidEscape, 1, 2, "from 000 to 377"),
      Mistake("#616#", .oddHexadecimal, 1, 5, "two for each byte"),
      Mistake("#6g#", .unexpectedCharacter, 1, 3, "found 'g', expected a hexadecimal digit"),
      Mistake("|Y|", .invalidBase64, 1, 3, "incomplete"),
      Mistake("|YWJjZ|", .invalidBase64, 1, 7, "incomplete"),
      Mistake("|YWJjZB|", .invalidBase64, 1, 8, "bits that belong to no byte"),
      Mistake("|YWJj=|", .invalidBase64, 1, 6, "takes no padding"),
      Mistake("|YQ===|", .invalidBase64, 1, 6, "takes no padding"),
      Mistake("|YWI==|", .invalidBase64, 1, 6, "takes no padding"),
      Mistake("|=|", .invalidBase64, 1, 2, "takes no padding"),
      Mistake("|YQ==YQ==|", .invalidBase64, 1, 6, "found 'Y' after the padding"),
      Mistake("|YW-j|", .unexpectedCharacter, 1, 4, "found '-', expected base 64 or '|'"),
      Mistake("{KGE=}", .invalidTransport, 1, 1, "not a value"),
      Mistake("{}", .invalidTransport, 1, 1, "the message is empty"),
      Mistake("(a {MDo=})", .unexpectedCharacter, 1, 4, "whole value"),
      Mistake("[hint]a", .displayHint, 1, 1, "no display hints"),
      Mistake("(a [image/gif] b)", .displayHint, 1, 4, "no display hints"),
      Mistake("(a 'b)", .unexpectedCharacter, 1, 4, "found ''', expected a value"),
      Mistake("(é)", .unexpectedCharacter, 1, 2, "found 'é', expected a value; text with this character is written"),
      Mistake("(水 \u{202E})", .unexpectedCharacter, 1, 2, "水"),
      Mistake("(\"水\" \u{202E})", .unexpectedCharacter, 1, 6, "\\u{202E}"),
      Mistake("1:é", .trailingText, 1, 3, "the rest of a character that the length before cuts in two"),
      Mistake("a\r\nb", .trailingText, 2, 1, "found 'b'"),
      Mistake("a\rb\n", .trailingText, 2, 1, "found 'b'"),
      Mistake("\r\r\n\n(", .unclosedList, 4, 2, "line 4, column 1"),
      Mistake(String(repeating: "(", count: 65), .tooDeep, 1, 65, "deeper than 64"),
      Mistake(String(repeating: "(", count: 1_000_000), .tooDeep, 1, 65, "deeper than 64"),
      Mistake("(" + String(repeating: "a ", count: 1_048_576) + ")", .tooManyValues, 1, 2_097_152, "more than 1048576"),
    ]
  )
  func mistakesAreExplainedWithTheirPlace(mistake: Mistake) throws {
    let error = try #require(throws: ValueNotationError.self) { try Value(notation: mistake.text) }
    #expect(error.code == mistake.code)
    #expect(error.line == mistake.line)
    #expect(error.column == mistake.column)
    #expect(error.message.contains(mistake.hint))
    #expect(error.description == "line \(error.line), column \(error.column): \(error.message)")
  }

  @Test func listsNestSixtyFourDeep() throws {
    let text = String(repeating: "(", count: 64) + "a" + String(repeating: ")", count: 64)
    #expect(try Value(notation: text) == .nested(depth: 64, around: "a"))
  }

  @Test(arguments: 0..<50)
  func anyTextIsReadOrRefusedWithoutHarm(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var readCount = 0
    for _ in 0..<200 {
      let text = String((0..<12).compactMap { _ in "(()) ab12:\"\\x4#|=}{[é\n".randomElement(using: &generator) })
      guard let value = try? Value(notation: text) else { continue }
      readCount += 1
      #expect(try Value(notation: value.notation) == value)
    }
    for piece in ["a", "12", "\"", "#", "|", "(", ")", "é"] {
      readCount += (try? Value(notation: "(a " + piece + ")")) == nil ? 0 : 1
    }
    #expect(readCount > 0)
  }
}
