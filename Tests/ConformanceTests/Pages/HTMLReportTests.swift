import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// The page of a run in which a case fails, as a browser shows it.
@Suite(.serialized)
struct HTMLReportTests {
  private static let cases = """
    { "subject": "ping", "cases": [
      { "id": "P-1/wrong", "title": "A <b>PING</b> is answered", "clauses": ["P-1.a"], "why": "<script>document.title = 1</script>",
        "steps": [
          { "send": { "kind": "PING", "body": { "text": "abcdefgh" } } },
          { "expect": { "kind": "PONG", "body": { "text": "</table>" } } }
        ] },
      { "id": "P-1/right", "title": "A PING is answered", "clauses": ["P-1.a"], "why": "The bytes tell which PING is meant.",
        "steps": [
          { "send": { "kind": "PING", "body": { "text": "abcdefgh" } } },
          { "expect": { "kind": "PONG", "body": { "text": "abcdefgh" } } }
        ] }
    ] }
    """

  @Test func thePageShowsTheFailureAndLoadsNothing() async throws {
    let page = try await Self.page()
    #expect(page.contains("✗ Failed"))
    #expect(page.contains("id=\"P-1/wrong/plain/unix/server\""))
    #expect(page.contains("&lt;script&gt;document.title = 1&lt;/script&gt;"))
    #expect(!page.contains("<b>PING</b>"))
    expectAlone(page)
  }

  @Test func theClauseIsShownAsItsMarkdownMeans() async throws {
    let page = try await Self.page()
    #expect(page.contains("<dt>P-1.a</dt><dd>") && page.contains("<em>(wire)</em>"))
    #expect(!page.contains("*(wire)*"))
  }

  /// One of the two cases of the clause fails in both configurations.
  @Test func theCoverageTellsHowTheCasesOfEachClauseEnded() async throws {
    let page = try await Self.page()
    let row = try #require(page.firstMatch(of: #/<tr><th scope="row">P-1\.a</th>.*/#)?.output)
    #expect(row.contains(##"<td class="bad"><a href="#P-1/wrong/plain/unix/server">✗ 2/4</a></td>"##))
    let other = try #require(page.firstMatch(of: #/<tr><th scope="row">F-1\.b.*/#)?.output)
    #expect(other.contains("</td><td></td><td"))
  }

  @Test(arguments: [390, 1280], [false, true])
  func aBrowserShowsThePageWithoutSidewaysScrollingAndReadably(width: Int, isDark: Bool) async throws {
    let measures = try Browser.measure(try await Self.page(), width: width, isDark: isDark)
    measures.expectReadable(width: width, isDark: isDark)
    #expect(measures.closedTraceHeight == 0)
    #expect(measures.traceHeight > 50)
    #expect(measures.traceText.contains("PING") && measures.traceText.contains("PONG"))
  }

  // MARK: The page

  private static func page() async throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-page-\(UUID().uuidString)")
    let casesFolder = folder.appendingPathComponent("cases")
    try FileManager.default.createDirectory(at: casesFolder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try cases.write(to: casesFolder.appendingPathComponent("ping.json"), atomically: true, encoding: .utf8)
    var options = ConformanceOptions()
    options.testee = .shell("'\(Project.command)' testee")
    options.configurationPatterns = ["plain/unix/server", "sealed/unix/server"]
    options.casesDirectory = casesFolder.path
    options.timeLimit = .seconds(30)
    options.htmlPath = folder.appendingPathComponent("page.html").path
    #expect(await ConformanceRun(options).run() == 1)
    return try String(contentsOf: folder.appendingPathComponent("page.html"), encoding: .utf8)
  }
}
