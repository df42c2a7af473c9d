import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// The page of a run tells what proves each clause, and includes what other runs have found.
@Suite(.serialized)
struct IncludedDocumentTests {
  /// The lines of a small interop matrix in which one scenario fails and one implementation is missing.
  static let matrix: [JSON] = [
    [
      "type": "header", "report": 1, "kind": "interop-matrix",
      "implementations": [["name": "one", "version": "1"], ["name": "two", "version": "2"]],
      "notRun": [
        ["name": "three", "reason": "no <runtime>", "setup": ["apt-get install runtime-with-a-long-name-indeed"]]
      ],
    ],
    scenario("identity", "pass"),
    scenario(
      "callbacks",
      "fail",
      ["expected": "an answer", "got": "<script>", "trace": [.string(String(repeating: "line ", count: 60))]]
    ),
    [
      "type": "footer", "ended": "complete", "notRun": 0, "states": ["pass": 1, "fail": 1, "not-declared": 0],
      "milliseconds": 1200, "exitStatus": 1,
    ],
  ]

  private static func scenario(_ name: String, _ state: String, _ problem: JSON? = nil) -> JSON {
    var object = JSON.Object([
      ("type", "interop"), ("path", .string("one/two/sealed/unix/\(name)")), ("client", "one"), ("server", "two"),
      ("configuration", "sealed/unix"), ("scenario", .string(name)), ("title", .string("They do \(name)")),
      ("state", .string(state)), ("milliseconds", 3),
    ])
    object["problem"] = problem
    return .object(object)
  }

  private static func text(_ lines: [JSON]) -> String { lines.map { $0.encodedText + "\n" }.joined() }

  /// Runs one case on the core alone and returns its page, and how the run ended.
  private static func run(including texts: [String]) async throws -> (status: Int32, page: String?) {
    let folder = try ScratchFolder()
    var options = ConformanceOptions()
    options.level = .core
    options.casePatterns = ["P-1/*"]
    options.htmlPath = "\(folder.path)/page.html"
    for (index, text) in texts.enumerated() {
      try folder.write(text, to: "included-\(index)")
      options.includedPaths.append("\(folder.path)/included-\(index)")
    }
    let status = await ConformanceRun(options).run()
    let page = FileManager.default.contents(atPath: "\(folder.path)/page.html").map {
      String(decoding: $0, as: UTF8.self)
    }
    return (status, page)
  }

  private static func wholePage() async throws -> String {
    let result = try await run(including: [KillMatrixPageTests.document.encodedText, text(matrix)])
    #expect(result.status == 0)
    return try #require(result.page)
  }

  @Test func everyPageTellsWhatProvesEachClause() async throws {
    let page = try #require(try await Self.run(including: []).page)
    expectAlone(page)
    #expect(page.contains(#"<section id="coverage">"#) && page.contains(#"<section id="coverage-section-F">"#))
    #expect(page.contains("✓ No gap"))
    for id in try SpecificationIndex.embedded().ids { #expect(page.contains("<th scope=\"row\">\(id)</th>"), "\(id)") }
    #expect(!page.contains(#"id="kill-matrix""#) && !page.contains(#"id="interop-matrix""#))
  }

  @Test func whatIsIncludedBecomesSections() async throws {
    let page = try await Self.wholePage()
    expectAlone(page)
    #expect(page.contains(##"<a href="#kill-matrix">Kill matrix</a> <strong class="sign bad">✗ Not killed: 4 of 6"##))
    #expect(page.contains(##"<a href="#interop-matrix">Interop matrix</a> <strong class="sign bad">✗ Failed: 1"##))
    #expect(page.contains(#"<details open class="case" id="fault-F-1.a/quiet-client">"#))
    #expect(page.contains("It was made with other cases than this run: digest \(String(repeating: "a", count: 64))."))
    #expect(page.contains(#"<details open id="one/two/sealed/unix/callbacks">"#))
    #expect(page.contains("no &lt;runtime&gt;") && page.contains("&lt;script&gt;"))
    #expect(page.contains("✓ Passed"), "the run's own outcome stays what it is")
  }

  @Test(arguments: [390, 1280], [false, true])
  func aBrowserShowsTheWholePageWithoutSidewaysScrollingAndReadably(width: Int, isDark: Bool) async throws {
    let measures = try Browser.measure(try await Self.wholePage(), width: width, isDark: isDark)
    measures.expectReadable(width: width, isDark: isDark)
    // The survivors and the failed scenario; the long tables wait.
    #expect(measures.openedAtFirst == 5)
  }

  @Test func aMatrixThatASignalEndedIsIncludedAsOneThatIsNotComplete() async throws {
    let lines = Self.text(Self.matrix).replacing(
      #""ended":"complete","notRun":0"#,
      with: #""ended":"interrupted","signal":"SIGINT","notRun":7"#
    ).replacing(#""exitStatus":1"#, with: #""exitStatus":130"#)
    let page = try #require(try await Self.run(including: [lines]).page)
    expectAlone(page)
    let verdict = "✗ Not complete: interrupted by SIGINT: 7 scenarios were not played; of what was played, 1 failed"
    #expect(page.contains(##"<a href="#interop-matrix">Interop matrix</a> <strong class="sign bad">\##(verdict)"##))
  }

  @Test func theLinesOfTheMatrixGiveItsPageAgain() throws {
    let page = InteropPage(document: try InteropDocument(Self.matrix, file: "test")).text()
    expectAlone(page)
    #expect(page.contains("<h1>Interop matrix of 2 implementations</h1>"))
    #expect(page.contains(##"<td class="bad"><a href="#one/two/sealed/unix/callbacks">✗ 1/2</a></td>"##))
  }

  @Test(arguments: [
    ("", "is neither of them, but --include takes the kill matrix (bokbok conformance --kill-matrix --json FILE)"),
    ("garbage", "is neither of them"),
    (#"{"type":"header","report":1}"# + "\n", "is the report of a run of cases"),
    (#"{"type":"coverage"}"#, "is the coverage of the specification"),
    (#"{"trials":[]}"#, "is no kill matrix: "),
    (text(Array(matrix.dropLast())), "line 3: is not the footer: the report was cut off"),
    (
      text(matrix).replacing(#""state":"pass""#, with: #""state":"well""#), "line 2: is no line of the interop matrix: "
    ),
    (text(matrix) + "{\n", "line 5: is no JSON"),
    (text(matrix).replacing(#""pass":1"#, with: #""pass":2"#), "line 4: the footer counts 2 times pass"),
    (String(text(matrix).dropLast()), "line 4: has no line feed at its end"),
    (
      KillMatrixPageTests.document.encodedText.replacing(#""killed":2"#, with: #""killed":3"#),
      "killed is 3, and the trials say 2"
    ),
    // As another program lays it out.
    (
      KillMatrixPageTests.document.encodedText.replacing(#""killed":2"#, with: "\n\"killed\": 3\n"),
      "killed is 3, and the trials say 2"
    ),
  ])
  func aFileThatIsNeitherIsAnErrorThatSaysSo(text: String, message: String) async throws {
    let folder = try ScratchFolder()
    try folder.write(text, to: "file")
    let error = try #require(throws: DataError.self) { try IncludedDocument(file: "\(folder.path)/file") }
    #expect(error.description.contains(message), "\(error)")
    // The run does not begin: there is no page of it.
    let result = try await Self.run(including: [text])
    #expect(result.status == 2)
    #expect(result.page == nil)
  }

  @Test func aFileThatIsMissingOrComesTwiceIsAnError() async throws {
    let missing = try #require(throws: DataError.self) { try IncludedDocument(file: "/no/such/file") }
    #expect(missing.description.contains("cannot be read: --include takes the path of a file that --json has written"))
    let result = try await Self.run(including: [Self.text(Self.matrix), Self.text(Self.matrix)])
    #expect(result.status == 2)
    #expect(result.page == nil)
  }
}
