import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

#if canImport(FoundationXML)
import FoundationXML
#endif

/// The kill matrix as a page and as JUnit's XML: what was not killed comes first, and is red.
@Suite(.serialized)
struct KillMatrixPageTests {
  /// A document with a trial of each outcome.
  static let document: JSON = [
    "format": 1, "suite": .string(String(repeating: "a", count: 64)), "faults": 4, "clauses": 3, "killed": 2,
    "survivalOnly": 1, "survived": 1, "broken": 1, "trouble": 1, "milliseconds": 61_000, "ended": "complete",
    "notRun": 0,
    "trials": [
      trial("F-1.a/quiet", "server", "killed", ["case": "F-1/a/plain/unix/server", "expected": "x", "got": "y"]),
      trial("F-1.a/quiet", "client", "survived", ["played": ["F-1/a/plain/unix/client", "F-1/b/plain/unix/client"]]),
      trial(
        "F-1.b/late",
        "server",
        "survival-only",
        ["case": "F-1/b/plain/unix/server", "expected": "an end", "got": "\u{202E}nothing", "played": ["F-1/b/x"]]
      ),
      trial("P-1.a/<script>", "server", "broken", ["standardError": "NameError: <b>name</b>\u{FFFE}"]),
      trial("P-1.a/other", "client", "trouble", ["played": ["P-1/a/plain/unix/client"]]),
      trial("P-1.a/other", "server", "killed", ["case": "P-1/a/plain/unix/server", "expected": "x", "got": "y"]),
    ],
    "twins": [["F-1.a/quiet (server)", "P-1.a/other (server)"]], "positiveOnly": ["P-1/positive"],
  ]

  private static func trial(_ fault: String, _ role: String, _ outcome: String, _ more: JSON) -> JSON {
    var object = JSON.Object([
      // The schema has no place for a script: the escaping must not depend on it.
      ("fault", .string(fault.replacing("<script>", with: "script"))),
      ("clause", .string(String(fault.prefix { $0 != "/" }))),
      ("role", .string(role)),
      ("why", .string("It does \(fault).")),
      ("outcome", .string(outcome)),
      ("cases", 2),
      ("milliseconds", 1500),
    ])
    for (name, value) in more.object?.members ?? [] { object[name] = value }
    return .object(object)
  }

  private static func page() throws -> String {
    try KillMatrixPage(
      document: KillMatrixDocument(document, file: "test"),
      specification: SpecificationIndex.embedded()
    ).text()
  }

  @Test func whatWasNotKilledComesFirstAndIsOpen() throws {
    let page = try Self.page()
    expectAlone(page)
    #expect(page.contains("✗ Not killed: 4 of 6 trials"))
    let paths = page.matches(of: /<details open class="case" id="fault-([^"]*)">/).map { String($0.output.1) }
    #expect(paths == ["F-1.a/quiet-client", "F-1.b/late-server", "P-1.a/other-client", "P-1.a/script-server"])
    let survivors = try #require(page.range(of: #"id="survivors""#))
    let faults = try #require(page.range(of: #"id="faults""#))
    #expect(survivors.lowerBound < faults.lowerBound)
    #expect(page.contains("It does P-1.a/&lt;script&gt;."))
    #expect(page.contains("NameError: &lt;b&gt;name&lt;/b&gt;"))
    #expect(page.contains("\\u{202E}nothing") && !page.contains("\u{202E}"))
    #expect(page.contains(#"<td class="good">✓ killed<br><code>F-1/a/plain/unix/server</code></td>"#))
    #expect(page.contains(##"<td class="bad"><a href="#fault-F-1.a/quiet-client">✗ survived</a></td>"##))
    // What the clause says stands once over its faults.
    #expect(page.matches(of: /<th scope="rowgroup" rowspan="2">F-1.a<\/th><td class="clause" colspan="3">/).count == 1)
    #expect(page.contains("F-1.a/quiet (server), P-1.a/other (server)") && page.contains("P-1/positive"))
  }

  @Test func aMatrixWithoutASurvivorSaysSo() throws {
    var object = try #require(Self.document.object)
    object["trials"] = .array((object["trials"]?.array ?? []).filter { $0["outcome"] == "killed" })
    let document = try KillMatrixDocument(.object(object), file: "test")
    let page = KillMatrixPage(document: document, specification: try SpecificationIndex.embedded()).text()
    #expect(page.contains("✓ Every fault was killed") && !page.contains("<details open"))
    #expect(document.exitStatus == 0)
  }

  @Test(arguments: [390, 1280], [false, true])
  func aBrowserShowsThePageWithoutSidewaysScrollingAndReadably(width: Int, isDark: Bool) throws {
    let measures = try Browser.measure(try Self.page(), width: width, isDark: isDark)
    measures.expectReadable(width: width, isDark: isDark)
    #expect(measures.openedAtFirst == 4)
  }

  @Test func whatWasNotKilledIsRedInTheXML() throws {
    let xml = KillMatrixJUnitReport.text(try KillMatrixDocument(Self.document, file: "test"))
    #expect(
      xml.contains(#"<testsuite name="testee as server" tests="4" failures="1" errors="1" skipped="0" time="6.000">"#)
    )
    #expect(
      xml.contains(#"<testsuite name="testee as client" tests="2" failures="1" errors="1" skipped="0" time="3.000">"#)
    )
    #expect(xml.contains(#"<testcase classname="F-1.a" name="F-1.a/quiet (server)" time="1.500"/>"#))
    #expect(
      xml.contains(#"<failure type="survived" message="survived: It does F-1.a/quiet.">played F-1/a/plain/unix/client"#)
    )
    #expect(xml.contains(#"<error type="broken" message="broken: It does P-1.a/&lt;script&gt;.">NameError: "#))
    let refused = xml.unicodeScalars.filter { $0 == "\u{FFFE}" || $0 == "\u{FFFF}" || ($0.value < 0x20 && $0 != "\n") }
    #expect(refused.isEmpty)
    #expect(XMLParser(data: Data(xml.utf8)).parse())
  }

  @Test func aTesteeWithoutAFaultThatFailsIsRedEverywhere() throws {
    var object = try #require(Self.document.object)
    object["trials"] = []
    object["testeeFailures"] = [["case": "P-1/a/plain/unix/server", "state": "fail", "expected": "<x>", "got": "y"]]
    let document = try KillMatrixDocument(.object(object), file: "test")
    #expect(document.exitStatus == 1)
    let page = KillMatrixPage(document: document, specification: try SpecificationIndex.embedded()).text()
    expectAlone(page)
    #expect(page.contains("✗ Nothing was tried: the testee without a fault fails"))
    #expect(page.contains(#"<details open class="case" id="testee-P-1/a/plain/unix/server">"#))
    #expect(page.contains("&lt;x&gt;") && !page.contains("✓"))
    let xml = KillMatrixJUnitReport.text(document)
    #expect(xml.contains(#"<testsuite name="testee without a fault" tests="1" failures="1""#))
    #expect(xml.contains(#"<failure type="fail" message="expected &lt;x&gt;, got y"/>"#))
  }

  @Test func aMatrixThatASignalEndedIsRedEverywhere() throws {
    var object = try #require(Self.document.object)
    object["trials"] = .array((object["trials"]?.array ?? []).filter { $0["outcome"] == "killed" })
    object["ended"] = "interrupted"
    object["signal"] = "SIGTERM"
    object["notRun"] = 4
    let document = try KillMatrixDocument(.object(object), file: "test")
    let page = KillMatrixPage(document: document, specification: try SpecificationIndex.embedded()).text()
    #expect(page.contains("✗ Not complete: interrupted by SIGTERM: 4 trials were not made</strong>"))
    #expect(!page.contains("✓ Every fault was killed"))
    let xml = KillMatrixJUnitReport.text(document)
    #expect(xml.contains("<error type=\"interrupted\" message=\"interrupted by SIGTERM: 4 trials were not made\"/>"))
    // Before the first trial was decided, nothing may look as if all was well.
    object["trials"] = []
    let empty = try KillMatrixDocument(.object(object), file: "test")
    let emptyPage = KillMatrixPage(document: empty, specification: try SpecificationIndex.embedded()).text()
    #expect(emptyPage.contains("No fault was tried.") && !emptyPage.contains("Every fault was killed"))
    object["signal"] = nil
    #expect(throws: DataError.self) { try KillMatrixDocument(.object(object), file: "test") }
  }

  @Test func anotherDocumentIsNoKillMatrix() throws {
    var object = try #require(Self.document.object)
    object["format"] = 2
    #expect(throws: DataError.self) { try KillMatrixDocument(.object(object), file: "test") }
  }
}
