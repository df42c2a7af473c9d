import BokbokTestSupport
import Foundation
import Testing

@Suite(.timeLimit(.minutes(3)))
struct VectorsCommandTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Vectors").standardizedFileURL

  @Test func `the list has a line for each vector, with its result and clauses`() async throws {
    let result = try await run("vectors", "list")
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count > 150)
    #expect(lines.contains { $0.contains(/^values\/no-bytes +invalid +V-1\.a$/) })
    #expect(lines.contains { $0.hasPrefix("sessions/plain/echo ") && $0.contains(" valid ") })
  }

  @Test func `the list can be of one subject and in JSON`() async throws {
    let result = try await run("vectors", "list", "--subject", "frames", "--json")
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(!lines.isEmpty)
    for line in lines {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?["subject"] as? String == "frames")
      #expect(object?["id"] is String)
      #expect(object?["clauses"] is [String])
    }
  }

  @Test func `generating twice gives the same files, and those are the committed ones`() async throws {
    let first = try ScratchFolder()
    let second = try ScratchFolder()
    for path in [first.path, second.path] {
      let result = try await run("vectors", "generate", "--output", path)
      #expect(result.status == 0)
      #expect(result.output.contains("\(path)/values.json"))
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: first.path).sorted()
    #expect(names.contains("sessions-sealed.json"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: second.path).sorted() == names)
    for name in names {
      let bytes = FileManager.default.contents(atPath: "\(first.path)/\(name)")
      #expect(bytes != nil)
      #expect(FileManager.default.contents(atPath: "\(second.path)/\(name)") == bytes, "\(name)")
      #expect(FileManager.default.contents(atPath: Self.folder.appending(path: name).path()) == bytes, "\(name)")
    }
  }

  @Test func `the check of a folder that is as it should be ends with 0`() async throws {
    let result = try await run("vectors", "check", Self.folder.path())
    #expect(result.status == 0)
    #expect(result.output.contains(/^\d+ vectors are as they should be/))
  }

  @Test func `the check of changed vectors ends with 1 and names file, vector, place and bytes`() async throws {
    let folder = try ScratchFolder()
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())
    for name in names where name.hasSuffix(".json") {
      var text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
      if name == "settings.json" {
        text = text.replacing(#""body": "2829""#, with: #""body": "2828""#, maxReplacements: 1)
      }
      try folder.write(text, to: name)
    }
    let result = try await run("vectors", "check", folder.path)
    #expect(result.status == 1)
    #expect(result.output.contains("settings.json: settings/empty: body: byte 1: expected 29, got 28"))
  }

  @Test func `data that cannot be read and wrong usage end with 2`() async throws {
    let folder = try ScratchFolder()
    try folder.write(#"{"subject": "settings", "colour": 1}"#, to: "settings.json")
    for arguments in [
      ["check", folder.path], ["check", "/nowhere/at/all"], ["list", "--subject", "colours"],
      ["generate", "--output", "/nowhere/at/all"], ["check", "--no-such-option"], ["no-such-command"],
    ] {
      let command = try RunningCommand(["vectors"] + arguments)
      defer { command.end() }
      try command.closeInput()
      async let errors = command.errors.rest()
      async let output = command.output.rest()
      #expect(await !errors.isEmpty, "\(arguments)")
      #expect(await output.isEmpty, "\(arguments)")
      #expect(await command.waitForEnd() == 2, "\(arguments)")
    }
  }
}
