import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// The schema of the testee contract takes what `Harness/TESTEE.md` describes, and nothing else.
@Suite struct TesteeContractTests {
  private static func message(_ text: String) throws -> JSON { try JSON(parsing: Array(text.utf8)) }

  @Test(arguments: [
    #"{"seq":1,"command":"hello"}"#,
    ##"{"seq":3,"command":"connect","address":"tcp:127.0.0.1:4711","user":"ada","key":"00ff"}"##,
    #"{"seq":4,"command":"listen","address":"unix:/tmp/x","limits":{"drainMs":50},"settings":{"max-message":65536}}"#,
    #"{"seq":5,"command":"encodeValue","value":[{"hex":"68"},[]]}"#,
  ])
  func goodCommandsAreTaken(text: String) throws {
    #expect(try TesteeContract().fault(inCommand: Self.message(text)) == nil)
  }

  @Test(arguments: [
    (#"{"seq":1,"command":"request","connection":"c1"}"#, "payload"),
    (#"{"seq":1,"command":"request","connection":"c1","payload":"0"}"#, "hexadecimal"),
    (#"{"seq":1,"command":"request","connection":7,"payload":""}"#, "connection"),
    (#"{"seq":1,"command":"stop","server":"s1","gracefull":true}"#, "gracefull"),
    (#"{"seq":1,"command":"encodeValue","value":{"hex":"xx"}}"#, "value"),
  ])
  func badCommandsAreFaults(text: String, word: String) throws {
    let fault = try TesteeContract().fault(inCommand: Self.message(text))
    #expect(try #require(fault).contains(word))
  }

  @Test(arguments: [
    ("connect", #"{"seq":3,"ok":{"connection":"c1"}}"#),
    ("request", #"{"seq":4,"error":{"kind":"remote","code":"app.x","message":"","details":["353a68656c6c6f"]}}"#),
    ("ping", #"{"seq":4,"ok":{}}"#),
  ])
  func goodRepliesAreTaken(command: String, text: String) throws {
    #expect(try TesteeContract().fault(inReply: Self.message(text), to: command) == nil)
  }

  @Test(arguments: [
    ("connect", #"{"seq":3,"ok":{}}"#, "connection"),
    ("ping", #"{"seq":3,"ok":{"pong":true}}"#, "pong"),
    ("request", #"{"seq":3,"error":{"kind":"broken"}}"#, "broken"),
    ("request", #"{"seq":3,"error":{"kind":"remote","details":["zz"]}}"#, "hexadecimal"),
    ("hello", #"{"seq":1,"ok":{"contract":1}}"#, "name"),
  ])
  func badRepliesAreFaults(command: String, text: String, word: String) throws {
    let fault = try TesteeContract().fault(inReply: Self.message(text), to: command)
    #expect(try #require(fault).contains(word))
  }

  @Test func eventsAreChecked() throws {
    let contract = try TesteeContract()
    let opened = #"{"event":"opened","server":"s1","connection":"c2","user":null}"#
    #expect(try contract.fault(inEvent: Self.message(opened)) == nil)
    let closed = #"{"event":"closed","connection":"c2","reason":"bored"}"#
    #expect(try contract.fault(inEvent: Self.message(closed))?.contains("bored") == true)
    #expect(try contract.fault(inEvent: Self.message(#"{"event":"sneezed"}"#))?.contains("sneezed") == true)
  }

  @Test func theGuideHasTheMinimalTesteeAsItIs() throws {
    let guide = try String(contentsOfFile: "\(Project.root)/Harness/PLUG-IN.md", encoding: .utf8)
    let path = "\(Project.root)/Harness/Examples/minimal_testee.py"
    let testee = try String(contentsOfFile: path, encoding: .utf8)
    #expect(guide.contains(testee))
    #expect(testee.split(separator: "\n", omittingEmptySubsequences: false).count < 100)
  }
}
