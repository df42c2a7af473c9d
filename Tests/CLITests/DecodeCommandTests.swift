import BokbokTestSupport
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DecodeCommandTests {
  /// A client's preamble, and a record with SETTINGS `()`.
  private static let opening = "424f4b424f4b0100 000a 0000 0002 00000000 2829"

  @Test func `hex on standard input is explained, part by part`() async throws {
    let result = try await run("decode", "--hex", input: Self.opening)
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines.first?.contains("preamble: version 1, plain") == true)
    #expect(lines.contains { $0.contains("SETTINGS") })
    #expect(result.errors.isEmpty)
  }

  @Test func `bytes that break the protocol are marked with the clause, also in the status`() async throws {
    // An unknown kind of frame.
    let result = try await run("decode", "--hex", "--start", "frames", input: "09 00 0000 00000000")
    #expect(result.status == 65)
    #expect(result.output.contains("breaks F-1"))
    #expect(result.errors.contains("F-1"))
  }

  @Test func `a file is read, and JSON has a line for each part`() async throws {
    let folder = try ScratchFolder()
    let path = try folder.write("(4:ping5:12345)", to: "value")
    let result = try await run("decode", path, "--start", "value", "--json")
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(!lines.isEmpty)
    for line in lines {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?["offset"] is Int)
      #expect(object?["meaning"] is String)
    }
  }

  @Test func `input that is not hex and a file that is not there are told apart`() async throws {
    let notHex = try await run("decode", "--hex", input: "xyz")
    #expect(notHex.status == 65)
    #expect(notHex.errors.contains("hexadecimal"))
    let noFile = try await run("decode", "/nowhere/at/all")
    #expect(noFile.status == 66)
    #expect(noFile.errors.contains("/nowhere/at/all"))
  }

  @Test func `what is not decoded as it stands is told how to`() async throws {
    let folder = try ScratchFolder()
    let digits = try await run("decode", try folder.write(Self.opening, to: "digits"))
    #expect(digits.status == 65)
    #expect(digits.errors.contains("give --hex"))
    let capsule = try folder.write(#"{"capsule":1,"implementation":"x"}"#, to: "failure.capsule")
    let result = try await run("decode", capsule)
    #expect(result.status == 65)
    #expect(result.errors.contains("bokbok conformance replay \(capsule)"))
    #expect(result.output.isEmpty)
  }

  @Test func `anything at all is taken without a crash`() async throws {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<4096).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let digits = bytes.map { String($0, radix: 16).count == 1 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
    for start in ["preamble", "records", "frames", "value"] {
      for side in ["client", "server"] {
        let result = try await run("decode", "--hex", "--start", start, "--side", side, input: digits.joined())
        #expect(result.status == 0 || result.status == 65)
        #expect(!result.output.isEmpty)
      }
    }
  }
}
