import BokbokTestSupport
import Testing

@testable import BokbokConformance

/// A manifest that breaks its schema is an error, which names the file and what is wrong: a slip in it would otherwise
/// start another program, or excuse another case.
@Suite struct ManifestTests {
  private static func text(_ change: (inout JSON.Object) -> Void = { _ in }) -> String {
    var manifest = JSON.Object([
      ("name", "my-bokbok"), ("language", "any"), ("command", ["my-testee"]),
      ("expectedFailures", [["case": "P-1/*", "reason": "It does not answer yet."]]),
    ])
    change(&manifest)
    return JSON.object(manifest).encodedText
  }

  private static func implementation(_ text: String) throws -> Implementation {
    let folder = try ScratchFolder()
    try folder.write(text, to: "manifest.json")
    return try Implementation(.manifest("\(folder.path)/manifest.json"))
  }

  @Test func aGoodOneIsRead() throws {
    let implementation = try Self.implementation(Self.text())
    #expect(implementation.name == "my-bokbok")
    #expect(implementation.command == ["my-testee"])
    #expect(implementation.expectedFailures.map(\.pattern) == ["P-1/*"])
  }

  @Test(arguments: [
    ("{", "expected"),
    (text { $0["name"] = nil }, "name"),
    (text { $0["name"] = "My Bokbok" }, "name"),
    (text { $0["command"] = nil }, "command"),
    (text { $0["command"] = [] }, "command"),
    (text { $0["comand"] = ["my-testee"] }, "comand"),
    (text { $0["expectedFailures"] = [["case": "P-1/*"]] }, "reason"),
    (text { $0["expectedFailures"] = [["cases": "P-1/*", "reason": "It does not answer yet."]] }, "case"),
  ])
  func aWrongOneIsAnErrorThatSaysWhere(text: String, fault: String) throws {
    let error = #expect(throws: DataError.self) { try Self.implementation(text) }
    let description = try #require(error).description
    #expect(description.contains("manifest.json"))
    #expect(description.contains(fault), "\(description)")
  }

  @Test func aNameThatNoManifestHasIsAnErrorThatNamesThoseThatThereAre() throws {
    let error = #expect(throws: DataError.self) { try Implementation(.manifest("bokbok-cobol")) }
    #expect(try #require(error).description.contains("bokbok-swift"))
  }
}
