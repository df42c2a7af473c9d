import BokbokConformance
import BokbokTestSupport
import Foundation
import Testing

/// The page of a run in which a case fails, as a browser shows it.
@Suite(.serialized)
struct HTMLReportTests {
  /// What a browser measures in the page, with all cases open: the scripts are the test's, the page has none.
  private struct Measures: Decodable {
    let isDark: Bool
    let width: Int
    let scrollWidth: Int
    let closedTraceHeight: Double
    let traceHeight: Double
    let traceText: String
    let worstContrast: Double
    let worstContrastText: String
    let measuredTexts: Int
    let resources: Int
  }

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
    #expect(!page.contains("<script"))
    #expect(!page.contains("<b>PING</b>"))
    #expect(page.contains("default-src 'none'"))
    let targets = page.matches(of: /(?:src|href|action)="([^"]*)"/).map { String($0.output.1) }
    #expect(!targets.isEmpty)
    #expect(targets.allSatisfy { $0.hasPrefix("#") }, "\(targets)")
    #expect(!page.contains("url(") && !page.contains("@import"))
    for target in targets { #expect(page.contains("id=\"\(target.dropFirst())\""), "\(target)") }
  }

  @Test(arguments: [390, 1280], [false, true])
  func aBrowserShowsThePageWithoutSidewaysScrollingAndReadably(width: Int, isDark: Bool) async throws {
    guard let browser = Self.browser else {
      try #require(
        ProcessInfo.processInfo.environment["BOKBOK_REQUIRE"] == nil,
        "chromium is not installed, and BOKBOK_REQUIRE demands it"
      )
      try Test.cancel("chromium is not installed")
    }
    let measures = try Self.measure(try await Self.page(), width: width, isDark: isDark, browser: browser)
    #expect(measures.isDark == isDark)
    #expect(measures.width == width)
    #expect(measures.scrollWidth <= width)
    #expect(measures.closedTraceHeight == 0)
    #expect(measures.traceHeight > 50)
    #expect(measures.traceText.contains("PING") && measures.traceText.contains("PONG"))
    #expect(measures.measuredTexts > 30)
    #expect(measures.worstContrast >= 4.5, "\(measures.worstContrastText)")
    #expect(measures.resources == 0)
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

  // MARK: The browser

  private static let browser: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.flatMap { ["\($0)/chromium", "\($0)/google-chrome"] }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// Shows the page in a frame of this width, since a window cannot be as narrow as a telephone.
  private static func measure(_ page: String, width: Int, isDark: Bool, browser: String) throws -> Measures {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bokbok-browser-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let attribute = page.replacing("&", with: "&amp;").replacing("\"", with: "&quot;")
    let wrapper = """
      <!DOCTYPE html><meta charset="utf-8">
      <iframe style="border:0" width="\(width)" height="844" srcdoc="\(attribute)"></iframe>
      <pre id="measures"></pre>
      <script>\(script)</script>
      """
    let file = folder.appendingPathComponent("wrapper.html")
    try wrapper.write(to: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: browser)
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--timeout=60000",
      "--user-data-dir=\(folder.path)/profile", "--blink-settings=preferredColorScheme=\(isDark ? 0 : 1)",
      "--window-size=1400,900", "--dump-dom", file.absoluteString,
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let match = try #require(text.firstMatch(of: /<pre id="measures">([^<]+)<\/pre>/), "the browser measured nothing")
    let json = match.output.1.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
    return try JSONDecoder().decode(Measures.self, from: Data(json.utf8))
  }

  private static let script = #"""
    const frame = document.querySelector("iframe");
    frame.onload = () => {
      const page = frame.contentDocument, view = frame.contentWindow;
      const trace = page.querySelector("details.case .trace");
      const height = () => trace.checkVisibility() ? trace.getBoundingClientRect().height : 0;
      const closedTraceHeight = height();
      for (const details of page.querySelectorAll("details")) details.open = true;
      const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
      const numbers = color => color.match(/[\d.]+/g).map(Number);
      const ground = element => {
        for (let e = element; e; e = e.parentElement) {
          const color = numbers(view.getComputedStyle(e).backgroundColor);
          if (color.length === 3 || color[3] === 1) return color;
        }
        throw new Error("no background");
      };
      let worst = 99, worstText = "", count = 0;
      const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
        if (!text) continue;
        count += 1;
        const color = numbers(view.getComputedStyle(element).color);
        const [high, low] = [luminance(color), luminance(ground(element))].sort((a, b) => b - a);
        const contrast = (high + 0.05) / (low + 0.05);
        if (contrast < worst) { worst = contrast; worstText = text.slice(0, 80); }
      }
      document.getElementById("measures").textContent = JSON.stringify({
        isDark: view.matchMedia("(prefers-color-scheme: dark)").matches,
        width: view.innerWidth, scrollWidth: page.documentElement.scrollWidth,
        closedTraceHeight, traceHeight: height(), traceText: trace.textContent.slice(0, 20000),
        worstContrast: worst, worstContrastText: worstText, measuredTexts: count,
        resources: view.performance.getEntriesByType("resource").length
      });
    };
    """#
}
