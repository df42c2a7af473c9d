import NIOCore
import Testing

@testable import Bokbok

/// What commands write to standard error, in lines.
@Suite struct CommandErrorLinesTests {
  private static func lines(of texts: String...) -> [String] {
    var lines = CommandErrorLines()
    return texts.flatMap { lines.receive(ByteBuffer(string: $0)) } + lines.finish()
  }

  @Test func `lines are put together from parts, and the last needs no line end`() {
    #expect(Self.lines(of: "on", "e\ntw", "o\n\nthree") == ["one", "two", "", "three"])
    #expect(Self.lines(of: "one\n") == ["one"])
    #expect(Self.lines(of: "").isEmpty)
  }

  @Test func `a long line comes in parts of 8192 bytes`() {
    let long = String(repeating: "x", count: 20_000)
    #expect(Self.lines(of: long + "\nshort").map(\.count) == [8192, 8192, 3616, 5])
    let exact = String(repeating: "x", count: 8192)
    #expect(Self.lines(of: exact + "\nshort").map(\.count) == [8192, 0, 5])
  }

  @Test func `the last ten lines that say something are kept`() {
    var lines = CommandErrorLines()
    for number in 0..<100 { _ = lines.receive(ByteBuffer(string: "\(number)\n  \n")) }
    #expect(lines.last == (90..<100).map(String.init))
  }

  @Test func `what is not UTF-8 is repaired`() {
    var lines = CommandErrorLines()
    #expect(lines.receive(ByteBuffer(bytes: [0x61, 0xFF, 0x0A])) == ["a\u{FFFD}"])
  }
}
