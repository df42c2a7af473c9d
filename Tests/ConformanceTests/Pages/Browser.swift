import Foundation
import Testing

/// What a browser measures in a page, with everything opened that can be: the scripts are the test's, the page has none.
struct PageMeasures: Decodable {
  let isDark: Bool
  let width: Int
  let scrollWidth: Int
  /// How many `details` were open at first, and how many there are.
  let openedAtFirst: Int
  let details: Int
  /// The height of the first trace, before and after its case was opened; 0 without a trace.
  let closedTraceHeight: Double
  let traceHeight: Double
  let traceText: String
  let worstContrast: Double
  let worstContrastText: String
  let measuredTexts: Int
  let resources: Int

  /// What every page has to be, whatever it tells.
  func expectReadable(width: Int, isDark: Bool) {
    #expect(self.isDark == isDark)
    #expect(self.width == width)
    #expect(scrollWidth <= width)
    #expect(measuredTexts > 30)
    #expect(worstContrast >= 4.5, "\(worstContrastText)")
    #expect(resources == 0)
  }
}

/// A browser without a window that shows pages; Chromium where it is installed.
enum Browser {
  private static let path: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.flatMap { ["\($0)/chromium", "\($0)/google-chrome"] }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// Shows the page in a frame of this width, since a window cannot be as narrow as a telephone. Cancels the test where no
  /// browser is installed, unless `BOKBOK_REQUIRE` says that none may be missing.
  static func measure(_ page: String, width: Int, isDark: Bool) throws -> PageMeasures {
    guard let path else {
      try #require(
        (ProcessInfo.processInfo.environment["BOKBOK_REQUIRE"] ?? "").isEmpty,
        "chromium is not installed, and BOKBOK_REQUIRE demands it"
      )
      try Test.cancel("chromium is not installed")
    }
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
    process.executableURL = URL(fileURLWithPath: path)
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
    let start = try #require(text.range(of: #"<pre id="measures">"#), "the browser measured nothing")
    let json = text[start.upperBound...].prefix { $0 != "<" }
      .replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
    return try JSONDecoder().decode(PageMeasures.self, from: Data(json.utf8))
  }

  private static let script = #"""
    const frame = document.querySelector("iframe");
    frame.onload = () => {
      const page = frame.contentDocument, view = frame.contentWindow;
      const trace = page.querySelector("details.case .trace");
      const height = () => trace?.checkVisibility() ? trace.getBoundingClientRect().height : 0;
      const closedTraceHeight = height();
      const all = [...page.querySelectorAll("details")];
      const openedAtFirst = all.filter(details => details.open).length;
      for (const details of all) details.open = true;
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
        openedAtFirst, details: all.length,
        closedTraceHeight, traceHeight: height(), traceText: (trace?.textContent ?? "").slice(0, 20000),
        worstContrast: worst, worstContrastText: worstText, measuredTexts: count,
        resources: view.performance.getEntriesByType("resource").length
      });
    };
    """#
}

/// What holds for the text of every page: nothing of it is loaded, and its links lead to places in it.
func expectAlone(_ page: String) {
  #expect(!page.contains("<script"))
  #expect(page.contains("default-src 'none'"))
  let targets = page.matches(of: /(?:src|href|action)="([^"]*)"/).map { String($0.output.1) }
  #expect(targets.allSatisfy { $0.hasPrefix("#") }, "\(targets)")
  #expect(!page.contains("url(") && !page.contains("@import"))
  let ids = page.matches(of: #/ id="([^"]*)"/#).map { String($0.output.1) }
  #expect(Set(ids).count == ids.count, "an id stands twice")
  for target in targets { #expect(ids.contains(String(target.dropFirst())), "\(target)") }
}
