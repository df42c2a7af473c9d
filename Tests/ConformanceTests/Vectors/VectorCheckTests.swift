import Foundation
import Testing

@testable import BokbokConformance

/// The committed vectors, and what becomes of a byte that changes in them.
@Suite struct VectorCheckTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../Vectors").standardizedFileURL

  @Test func `the committed vectors are what the code makes, and replay as they say`() throws {
    let check = VectorCheck(try VectorSet(.directory(Self.folder.path())))
    #expect(check.findings.map(\.description) == [])
    #expect(check.vectorCount > 150)
  }

  @Test func `the command carries the vectors and schemas of the folder`() throws {
    for (subfolder, suffix) in [("", ".json"), ("schemas", ".schema.json")] {
      let folder = Self.folder.appending(path: subfolder)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter { $0.hasSuffix(suffix) }
      let path = subfolder.isEmpty ? "Vectors" : "Vectors/" + subfolder
      #expect(EmbeddedFiles.paths(in: path, suffix: suffix) == names.map { "\(path)/\($0)" }.sorted())
      for name in names {
        let bytes = try Array(Data(contentsOf: folder.appending(path: name)))
        #expect(EmbeddedFiles.contents(of: "\(path)/\(name)") == bytes, "\(name)")
      }
    }
  }

  @Test func `each subject has a schema and vectors, valid ones and, where bytes can be wrong, invalid ones`() throws {
    let set = try VectorSet(.embedded)
    for subject in VectorSubject.allCases {
      let vectors = set.files.filter { $0.subject == subject }.flatMap(\.vectors)
      #expect(vectors.contains { $0.isValid }, "\(subject)")
      if subject != .noise, subject != .keys { #expect(vectors.contains { !$0.isValid }, "\(subject)") }
    }
  }

  /// In each file, a member that holds bytes as digits.
  private static let members = [
    "frames.json": "record", "handshakes.json": "message2", "keys.json": "key", "noise.json": "ciphertext",
    "records.json": "stream", "refusals.json": "received", "sessions-plain.json": "body",
    "sessions-recorded.json": "body",
    "sessions-sealed.json": "bytes", "sessions-violations.json": "bytes", "settings.json": "body",
    "values.json": "bytes",
  ]

  @Test(arguments: VectorSet.embeddedContents().map(\.name))
  func `a changed byte fails the check, which names the vector`(name: String) throws {
    let member = try #require(Self.members[name], "the test knows no bytes in this file")
    let contents = try #require(VectorSet.embeddedContents().first { $0.name == name }?.bytes)
    let text = String(decoding: contents, as: UTF8.self)
    let vectors = try VectorSet([(name, contents)]).files[0].vectors
    // Not the first vector, so that a name that is found did not come from the top of the file.
    let id = vectors[1].id
    let start = try #require(text.firstRange(of: "\"id\": \"\(id)\"")).upperBound
    let digit = try #require(text[start...].firstRange(of: "\"\(member)\": \"")).upperBound
    var changed = text
    changed.replaceSubrange(digit...digit, with: text[digit] == "4" ? "5" : "4")

    let check = VectorCheck(try VectorSet([(name, Array(changed.utf8))]))
    let found = check.findings.filter { $0.file == name }
    #expect(!found.isEmpty)
    for finding in found {
      #expect(finding.vector == id)
      #expect(finding.message.contains(/byte 0: expected [0-9a-f]|expected|got/), "\(finding)")
    }
    #expect(found.contains { $0.message.contains(/(byte \d+: expected [0-9a-f]+…?, got [0-9a-f]+)|does not/) })
  }

  @Test func `a vector that is missing, or that no code makes, fails the check`() throws {
    let file = try #require(VectorGenerator.files.first { $0.name == "settings.json" })
    let missing = VectorFile(name: file.name, subject: file.subject, vectors: Array(file.vectors.dropLast()))
    let id = try #require(file.vectors.last?.id)
    let check = VectorCheck(try VectorSet([(file.name, Array(missing.text.utf8))]))
    #expect(check.findings.contains { $0.vector == id && $0.message.contains("missing") })

    let renamed = file.text.replacing("\"\(id)\"", with: "\"settings/other\"")
    let other = VectorCheck(try VectorSet([(file.name, Array(renamed.utf8))]))
    #expect(other.findings.contains { $0.vector == "settings/other" && $0.message.contains("no vector with this id") })
  }

  @Test func `a file that is missing fails the check`() throws {
    let check = VectorCheck(try VectorSet([]))
    #expect(check.findings.count == VectorGenerator.files.count)
    #expect(check.findings.allSatisfy { $0.message == "the file is missing" })
  }

  @Test func `white space that the code does not write fails the check`() throws {
    let file = try #require(VectorGenerator.files.first { $0.name == "settings.json" })
    let check = VectorCheck(try VectorSet([(file.name, Array((file.text + "\n").utf8))]))
    #expect(check.findings.contains { $0.file == file.name && $0.vector == nil && $0.message.contains("text") })
  }

  @Test func `only a generated file holds generated vectors`() throws {
    let file = try #require(VectorGenerator.files.first { $0.name == "settings.json" })
    let check = VectorCheck(try VectorSet([("settings-recorded.json", Array(file.text.utf8))]))
    #expect(check.findings.count { $0.message.contains("no code makes this file") } == file.vectors.count)
  }

  @Test func `what is stated of an invalid vector is checked by the replay`() throws {
    let changes: [(file: String, id: String, from: String, to: String)] = [
      ("settings.json", "settings/requests-0", "((12:max-requests1:0))", "((12:max-requests1:1))"),
      ("values.json", "values/no-bytes", "", "0:"),
      ("frames.json", "frames/flag-2", "\u{1}\u{2}", "\u{1}\u{0}"),
    ]
    for change in changes {
      let file = try #require(VectorGenerator.files.first { $0.name == change.file })
      let vector = try #require(file.vectors.first { $0.id == change.id })
      var members = vector.members
      let name = try #require(["body", "bytes", "record"].first { members[$0] != nil })
      let old = Hexadecimal.text(Array(change.from.utf8))
      let text = try #require(members[name]?.string)
      members[name] = .string(
        old.isEmpty
          ? Hexadecimal.text(Array(change.to.utf8)) : text.replacing(old, with: Hexadecimal.text(Array(change.to.utf8)))
      )
      #expect(throws: VectorMismatch.self) {
        try Vector(subject: vector.subject, members: members).replay()
      }
    }
  }
}
