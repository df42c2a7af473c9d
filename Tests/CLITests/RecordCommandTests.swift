import BokbokTestSupport
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RecordCommandTests {
  /// The part of a line after the last space: the address that a command prints when it is ready.
  private func address(in line: String) throws -> String {
    try String(#require(line.split(separator: " ").last))
  }

  @Test(arguments: ["tcp", "unix"])
  func `a session between a client and a server is recorded with its ends, and explained`(
    transport: String
  ) async throws {
    let folder = try ScratchFolder()
    func free(_ name: String) -> String { transport == "tcp" ? "tcp:127.0.0.1:0" : "unix:\(folder.file(name))" }
    let server = try RunningCommand(["testee"])
    defer { server.end() }
    try server.send(#"{"seq":1,"command":"listen","address":"\#(free("server"))"}"#)
    let reply = try await server.nextLine()
    let listening = try #require(JSONSerialization.jsonObject(with: Data(reply.utf8)) as? [String: Any])
    let to = try #require((listening["ok"] as? [String: Any])?["address"] as? String)

    let file = folder.file("session")
    let recorder = try RunningCommand([
      "record", "--listen", free("recorder"), "--connect", to, "--output", file, "--connections", "1",
    ])
    defer { recorder.end() }
    let between = try address(in: try await recorder.nextLine())
    let call = try await run("call", between, #"(echo "recorded")"#)
    #expect(call.status == 0, "\(call.errors)")
    #expect(await recorder.waitForEnd() == 0)

    #expect(try mode(of: file) == 0o600)
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.first?.hasPrefix(#"{"recording":1,"#) == true)
    #expect(lines.last == #"{"connections":1}"#)
    #expect(lines.contains { $0.contains(#""from":"client","ends":"end""#) })
    #expect(lines.contains { $0.contains(#""from":"server","ends":"end""#) })

    let decoded = try await run("decode", file)
    #expect(decoded.status == 0, "\(decoded.errors)")
    let shown = decoded.output.split(separator: "\n")
    let request = try #require(shown.firstIndex { $0.contains("client →") && $0.contains("REQUEST 1") })
    let response = try #require(shown.firstIndex { $0.contains("← server") && $0.contains("RESPONSE 1") })
    #expect(request < response)

    let promoted = try await run(
      "vectors",
      "promote",
      file,
      "--id",
      "sessions/recorded-echo",
      "--clause",
      "X-2.a",
      "--comment",
      "A request and its answer.",
      "--source",
      "bokbok and bokbok"
    )
    #expect(promoted.status == 0, "\(promoted.errors)")
    #expect(promoted.output.contains(#""origin": "recorded""#))
    #expect(promoted.output.contains(#""call": "request""#))
  }

  @Test func `a signal ends the recording with its footer, also while a connection is open`() async throws {
    let folder = try ScratchFolder()
    let file = folder.file("session")
    let recorder = try RunningCommand([
      "record", "--listen", "tcp:127.0.0.1:0", "--connect", "unix:\(folder.file("nobody"))", "--output", file,
    ])
    defer { recorder.end() }
    let between = try address(in: try await recorder.nextLine())
    let call = try await run("call", between, "(echo)")
    #expect(call.status == 69)
    recorder.signal(SIGTERM)
    #expect(await recorder.waitForEnd() == 0)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(text.contains(#""unreachable":"#))
    #expect(text.hasSuffix("{\"connections\":1}\n"))
  }

  @Test func `a file that exists is kept, and an address that is none is told`() async throws {
    let folder = try ScratchFolder()
    let file = try folder.write("mine", to: "session")
    let arguments = ["--connect", "tcp:127.0.0.1:1", "--output"]
    let exists = try RunningCommand(["record", "--listen", "tcp:127.0.0.1:0"] + arguments + [file])
    #expect(await exists.waitForEnd() == 73)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
    let noAddress = try RunningCommand(["record", "--listen", "nowhere"] + arguments + [folder.file("other")])
    #expect(await noAddress.waitForEnd() == 64)
    try await noAddress.errorLine(containing: "\"nowhere\" is not an address")
    #expect(!FileManager.default.fileExists(atPath: folder.file("other")))
  }

  @Test func `a recording that was cut off is explained as far as it goes, and a broken one is refused by its line`()
    async throws
  {
    let folder = try ScratchFolder()
    let header = #"{"recording":1,"started":"2026-01-01T00:00:00Z","listen":"a","connect":"b"}"#
    let event = #"{"connection":1,"microseconds":5,"from":"client","bytes":"424f4b424f4b0100"}"#
    let cut = try await run("decode", try folder.write("\(header)\n\(event)\n{\"connec", to: "cut"))
    #expect(cut.status == 0)
    #expect(cut.output.contains("preamble: version 1, plain"))
    #expect(cut.errors.contains("no footer"))
    let broken = try await run("decode", try folder.write("\(header)\n{\"connection\":1}\n", to: "broken"))
    #expect(broken.status == 65)
    #expect(broken.errors.contains("line 2"))
  }
}
