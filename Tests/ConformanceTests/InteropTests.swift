import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// The interop matrix plays what it says, sees a testee that is wrong, and says who took no part.
@Suite(.serialized)
struct InteropTests {
  /// A folder of manifests; the words of each command by name.
  private static func folder(_ manifests: [String: [String]]) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-matrix-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, command) in manifests {
      let manifest: [String: Any] = [
        "name": name, "language": "any", "command": command, "setup": ["install the \(name)"],
      ]
      try JSONSerialization.data(withJSONObject: manifest).write(to: folder.appendingPathComponent("\(name).json"))
    }
    return folder.path
  }

  private static func run(
    _ manifests: [String: [String]],
    cases: [String] = [],
    configurations: [String] = [],
    timeLimit: Duration = .seconds(20),
    requiresAll: Bool = false
  ) async throws -> (status: Int32, json: [[String: Any]], junit: String, html: String) {
    var options = InteropOptions()
    let folder = try folder(manifests)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    options.implementationsFolder = folder
    options.casePatterns = cases
    options.configurationPatterns = configurations
    options.jsonPath = "\(folder)/report.jsonl"
    options.junitPath = "\(folder)/report.xml"
    options.htmlPath = "\(folder)/report.html"
    options.timeLimit = timeLimit
    options.requiresAll = requiresAll
    let status = await InteropRun(options).run()
    let text = (try? String(contentsOfFile: "\(folder)/report.jsonl", encoding: .utf8)) ?? ""
    let schema = try schema()
    for line in text.split(separator: "\n") {
      #expect(schema.faults(of: try JSON(parsing: String(line))) == [], "\(line.prefix(300))")
    }
    let json = try text.split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    let (junit, html) = (
      (try? String(contentsOfFile: "\(folder)/report.xml", encoding: .utf8)) ?? "",
      (try? String(contentsOfFile: "\(folder)/report.html", encoding: .utf8)) ?? ""
    )
    return (status, json, junit, html)
  }

  private static func schema() throws -> JSONSchema {
    let path = "\(Project.root)/Harness/Interop/interop-matrix.schema.json"
    return try JSONSchema(JSON(parsing: #require(FileManager.default.contents(atPath: path).map { Array($0) })))
  }

  private static func scenarios(_ json: [[String: Any]], _ state: String) -> [String] {
    json.filter { $0["type"] as? String == "interop" && $0["state"] as? String == state }.compactMap {
      $0["scenario"] as? String
    }
  }

  private static let swift = [Project.command, "testee"]

  @Test(.clauses("C-4.a", "X-7.b", "H-4.a"))
  func theBundledImplementationMeetsItself() async throws {
    let (status, json, junit, html) = try await Self.run(["a": Self.swift], configurations: ["sealed/unix"])
    #expect(status == 0)
    #expect(Self.scenarios(json, "fail") == [])
    #expect(Self.scenarios(json, "pass").count == 16)
    #expect(json.last?["type"] as? String == "footer")
    #expect(junit.contains(#"name="a/a/sealed/unix" tests="16" failures="0""#))
    #expect(html.contains(#"<tr><th scope="row">a</th><td class="good">✓ 16</td></tr>"#))
    #expect(html.contains("✓ Passed") && html.contains("Everything that ran passed."))
  }

  @Test func everyPairMeetsInBothRoles() async throws {
    let (status, json, _, _) = try await Self.run(
      ["a": Self.swift, "b": Self.swift],
      cases: ["identity"],
      configurations: ["plain/tcp"]
    )
    #expect(status == 0)
    let pairs = json.compactMap { line -> String? in
      guard let client = line["client"], let server = line["server"] else { return nil }
      return "\(client) \(server)"
    }
    #expect(pairs.sorted() == ["a a", "a b", "b a", "b b"])
  }

  /// The processes are the same over every way, so that one way must leave nothing behind for the next.
  @Test func onePairOfProcessesMeetsOverEveryWay() async throws {
    let (status, json, _, _) = try await Self.run(
      ["a": Self.swift],
      cases: ["identity", "kill-server", "wrong-mode"],
      configurations: ["*/tcp", "*/unix"]
    )
    #expect(status == 0)
    let ways = json.filter { $0["state"] as? String == "pass" }.compactMap { $0["path"] as? String }
    let expected = ["plain", "sealed"].flatMap { security in
      ["tcp", "unix"].flatMap { transport in
        ["identity", "wrong-mode", "kill-server"].map { "a/a/\(security)/\(transport)/\($0)" }
      }
    }
    #expect(ways == expected)
  }

  @Test func theSchemaRefusesWhatIsNoReport() throws {
    let schema = try Self.schema()
    let wrong = [
      #"{"type":"footer","states":{"pass":1,"fail":0},"milliseconds":1,"exitStatus":0}"#,
      #"{"type":"header","report":2,"kind":"interop-matrix","implementations":[],"notRun":[]}"#,
      #"{"type":"interop","path":"a/b/plain/tcp/x","client":"a","server":"b","configuration":"plain/tcp","#
        + #""scenario":"x","title":"t","state":"maybe","milliseconds":1}"#,
    ]
    for line in wrong { #expect(schema.faults(of: try JSON(parsing: line)) != []) }
  }

  /// A testee whose answers are changed on their way: the scenario that looks at them fails, and names both sides.
  @Test func aWrongAnswerFails() async throws {
    let lying = "'\(Project.command)' testee | sed -u 's/343a6563686f353a736d616c6c/343a6563686f353a534d414c4c/'"
    let (status, json, junit, html) = try await Self.run(
      ["good": Self.swift, "lying": ["/bin/sh", "-c", lying]],
      cases: ["*/lying/*/large", "lying/*/large", "*/identity"],
      configurations: ["plain/unix"]
    )
    #expect(status == 1)
    let failed = json.filter { $0["state"] as? String == "fail" }.compactMap { $0["path"] as? String }
    #expect(Set(failed).isSuperset(of: ["lying/good/plain/unix/large", "good/lying/plain/unix/large"]))
    #expect(!failed.contains { $0.hasSuffix("identity") })
    #expect(junit.contains("<failure message=\"expected the"))
    #expect(html.contains(##"<td class="bad"><a href="#lying/good/plain/unix/large">✗ 1/2</a></td>"##))
    #expect(html.contains(#"<details open id="lying/good/plain/unix/large">"#))
  }

  @Test func whatDoesNotStartIsNotRun() async throws {
    let manifests = ["a": Self.swift, "missing": ["/no/such/program"]]
    let (status, json, junit, html) = try await Self.run(manifests, cases: ["identity"], configurations: ["plain/unix"])
    #expect(status == 0)
    let absent = try #require(json.first?["notRun"] as? [[String: Any]])
    #expect(absent.compactMap { $0["name"] as? String } == ["missing"])
    #expect(absent.first?["setup"] as? [String] == ["install the missing"])
    #expect(junit.contains("<skipped"))
    #expect(html.contains("<strong>missing</strong> did not run:") && html.contains("install the missing</pre>"))

    let required = try await Self.run(
      manifests,
      cases: ["identity"],
      configurations: ["plain/unix"],
      requiresAll: true
    )
    #expect(required.status == 1)
    #expect(required.junit.contains(#"<testsuite name="not run" tests="1" failures="1""#))
  }

  @Test func twoManifestsWithTheSameNameAreAnError() async throws {
    let folder = try ScratchFolder()
    let manifest = #"{"name": "twin", "language": "any", "command": ["false"]}"#
    for file in ["one.json", "two.json"] { try folder.write(manifest, to: file) }
    var options = InteropOptions()
    options.implementationsFolder = folder.path
    options.jsonPath = "\(folder.path)/report"
    #expect(await InteropRun(options).run() == 2)
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/report"))
    // Alone it is an implementation that does not start.
    try FileManager.default.removeItem(atPath: "\(folder.path)/two.json")
    #expect(await InteropRun(options).run() == 3)
  }

  @Test func aRunWithoutAnythingToPlayDoesNotPass() async throws {
    #expect(try await Self.run(["missing": ["/no/such/program"]]).status == 3)
    #expect(try await Self.run(["a": Self.swift], cases: ["no-such-scenario"]).status == 2)
    #expect(try await Self.run([:]).status == 2)
  }
}
