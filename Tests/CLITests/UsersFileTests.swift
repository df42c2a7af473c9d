import Bokbok
import BokbokTestSupport
import Testing

@testable import BokbokCLI

struct UsersFileTests {
  private static let digits = String(repeating: "0a", count: 32)
  private static let otherDigits = String(repeating: "0B", count: 32)

  private func names(_ text: String) throws -> [String: Int] {
    let keys = try Array(text.utf8).withUnsafeBytes { try UsersFile.keys(from: $0) }
    return Dictionary(uniqueKeysWithValues: keys.map { ($0.key.text, $0.value.count) })
  }

  @Test func `lines, comments, blanks and quoted names are read`() throws {
    let text = """
      # the staff
      alice \(Self.digits)

      \t bob\t\t\(Self.otherDigits)  # since May\r
      "Mary Ann"  \(Self.digits)
      "tab\\tand \\"quote\\" \\x23" \(Self.digits)
      José \(Self.digits)
      """
    #expect(try names(text) == ["alice": 1, "bob": 1, "Mary Ann": 1, "tab\tand \"quote\" #": 1, "José": 1])
  }

  @Test(.clauses("H-12.a"))
  func `names are told apart byte for byte`() throws {
    let keys = try Array("e\u{301} \(Self.digits)\n\u{E9} \(Self.digits)".utf8).withUnsafeBytes {
      try UsersFile.keys(from: $0)
    }
    #expect(keys.count == 2)
  }

  @Test func `several lines for a name give it several keys, but not too many`() throws {
    let line = "alice \(Self.digits)\n"
    #expect(try names(line + line) == ["alice": 2])
    #expect(try message(of: String(repeating: line, count: 5)).contains("more than 4 keys"))
  }

  @Test(arguments: [
    ("alice", "line 1: a name stands alone"),
    ("# only\nalice #no key", "line 2: the name alice has no key"),
    ("alice 1234", "4 characters"),
    ("alice \(digits) \(digits)", "characters stand here"),
    ("alice \(String(repeating: "xy", count: 32))", "other characters"),
    ("\"alice \(digits)", "the quote before the name is not closed"),
    ("\"alice\"\(digits)", "a blank must stand"),
    ("\"\" \(digits)", "1 to 255 bytes"),
    ("\(String(repeating: "a", count: 256)) \(digits)", "1 to 255 bytes"),
    ("al\u{7}ice \(digits)", "control character 0x07"),
    ("\"\\q\" \(digits)", "not a quoted string"),
    ("", "there is no user in it"),
  ])
  func `a mistake is named with its line, and no key is shown`(_ text: String, _ expected: String) throws {
    let message = try message(of: text)
    #expect(message.contains(expected))
    #expect(!message.contains(Self.digits))
  }

  @Test func `bytes that are no UTF-8 are no name`() throws {
    let bytes = [0xFF] + Array(" \(Self.digits)".utf8)
    #expect(throws: UsersFile.ReadingError.self) {
      try bytes.withUnsafeBytes { try UsersFile.keys(from: $0) }
    }
  }

  private func message(of text: String) throws -> String {
    let error = #expect(throws: UsersFile.ReadingError.self) { try names(text) }
    let found = try #require(error)
    return "\(found.lineNumber.map { "line \($0): " } ?? "")\(found.message)"
  }
}
