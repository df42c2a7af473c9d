import Bokbok
import BokbokTestSupport
import Testing

/// The words of `exec:` addresses (specification, A-3).
@Suite(.clauses("A-3.e")) struct CommandAddressTests {
  @Test(
    arguments: [
      ("cat", ["cat"]),
      ("a b c", ["a", "b", "c"]),
      ("  a \t b  ", ["a", "b"]),
      ("a 'b c' d", ["a", "b c", "d"]),
      ("a \"b c\" d", ["a", "b c", "d"]),
      ("a b' 'c\" \"d", ["a", "b c d"]),
      ("a '' \"\" b", ["a", "", "", "b"]),
      (#"a b\ c"#, ["a", "b c"]),
      (#"a \'b\' \"c\" \\"#, ["a", "'b'", "\"c\"", "\\"]),
      (#"a 'b\c' '\'"#, ["a", #"b\c"#, "\\"]),
      (#"a "b\c\\d\"e\$f\`g""#, ["a", #"b\c\d"e$f`g"#]),
      ("a \"b\\\nc\" d\\\ne", ["a", "bc", "de"]),
      ("a \\\n b", ["a", "b"]),
      ("a 'b\nc' \"d\ne\"", ["a", "b\nc", "d\ne"]),
      ("a '$HOME `x` | & ; < > ( )'", ["a", "$HOME `x` | & ; < > ( )"]),
      ("a \"$HOME `x` |\"", ["a", "$HOME `x` |"]),
      (#"a \$HOME \| \&\;\<\>\(\)\`"#, ["a", "$HOME", "|", "&;<>()`"]),
      ("a * ? [x] ~ {b,c} # d ! X=1", ["a", "*", "?", "[x]", "~", "{b,c}", "#", "d", "!", "X=1"]),
      ("a é 水 \u{301}x", ["a", "é", "水", "\u{301}x"]),
      ("a \u{A0}b", ["a", "\u{A0}b"]),
    ]
  )
  func wordsAreSplitAsByAShellWithoutExpansion(text: String, words: [String]) throws {
    let address = try Address("exec:" + text)
    #expect(address.kind == .command(words))
    #expect(try Address(address.description) == address)
  }

  @Test(arguments: ["|", "&", ";", "<", ">", "(", ")", "$", "`"])
  func shellSyntaxIsRefused(operator: String) throws {
    for text in ["exec:a \(`operator`) b", "exec:a\(`operator`)b", "exec:\(`operator`)"] {
      let error = try #require(throws: AddressError.self) { try Address(text) }
      #expect(error.code == .shellSyntax)
      #expect(error.message.contains("'\(`operator`)' outside of quotes, but no shell runs here"))
    }
  }

  @Test func aLineEndIsRefused() throws {
    let error = try #require(throws: AddressError.self) { try Address("exec:a\nb") }
    #expect(error.code == .shellSyntax)
    #expect(error.message.contains("a line end outside of quotes"))
  }

  @Test(
    arguments: [
      ("a 'b", "single quote"), ("a '", "single quote"), ("a \"b", "double quote"), ("a \"b\\\"", "double quote"),
      ("a \"b\\", "double quote"), ("a\\", "backslash"), ("\\", "backslash"),
    ]
  )
  func whatIsNotClosedIsRefused(text: String, hint: String) throws {
    let error = try #require(throws: AddressError.self) { try Address("exec:" + text) }
    #expect(error.code == .unclosedQuote)
    #expect(error.message.contains(hint))
  }

  @Test(
    arguments: [
      (["a"], "exec:a"), (["a", ""], "exec:a ''"), (["a b"], "exec:'a b'"), (["it's"], #"exec:'it'\''s'"#),
      (["a", "$x", "*", "\\", "\n", "#", "~"], "exec:a '$x' '*' '\\' '\n' '#' '~'"),
      (["/usr/bin/ssh", "-p22", "user@host", "A=1", "50%"], "exec:/usr/bin/ssh -p22 user@host A=1 50%"),
    ]
  )
  func wordsAreQuotedWhereTheyHaveToBe(words: [String], description: String) throws {
    let address = try Address.command(words)
    #expect(address.description == description)
    #expect(try Address(description).kind == .command(words))
  }

  @Test func aLongCommandIsSplitInTimeInProportion() throws {
    let words = Array(repeating: "it's a word", count: 20_000)
    #expect(try Address(Address.command(words).description).kind == .command(words))
  }
}
