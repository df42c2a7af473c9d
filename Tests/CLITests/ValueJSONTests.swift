import Bokbok
import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokCLI

struct ValueJSONTests {
  @Test(arguments: [
    ("()", "[]"),
    (#"(ping "12345" (a))"#, #"["ping","12345",["a"]]"#),
    ("#ff00#", #"{"hex":"ff00"}"#),
    (#""quote \" backslash \\ tab \t""#, #""quote \" backslash \\ tab \t""#),
    (#""\xc3\xa9""#, #""é""#),
  ])
  func `lists are arrays, text is a string, other bytes are hex`(_ notation: String, _ json: String) throws {
    #expect(ValueJSON.text(of: try Value(notation: notation)) == json)
  }

  @Test(.clauses("E-5.a"))
  func `what could pretend to be something else on a terminal is escaped, and comes back`() throws {
    let text = "\u{1B}[31m\u{9B}\u{202E}\u{2028}\u{7F}\u{E0001}"
    let json = ValueJSON.text(of: Value(text))
    #expect(json == #""\u001b[31m\u009b\u202e\u2028\u007f\udb40\udc01""#)
    let decoded = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
    #expect(decoded as? String == text)
  }
}
