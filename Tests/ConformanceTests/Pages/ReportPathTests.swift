import BokbokTestSupport
import Foundation
import Testing

@testable import BokbokConformance

/// A report that cannot be written ends the command before its run, which may take minutes.
@Suite struct ReportPathTests {
  /// What a run says of these paths, which are in a folder of its own; nil if it takes them.
  private static func refusal(_ json: String, _ html: String) throws -> String? {
    let folder = try ScratchFolder()
    try folder.write("", to: "folder/file")
    func path(_ name: String) -> String { name == "-" ? name : "\(folder.path)/\(name)" }
    do {
      try RunSurroundings.checkReportPaths(path(json), nil, path(html))
      return nil
    } catch {
      return error.description
    }
  }

  @Test(arguments: [("new.json", "new.html"), ("folder/file", "folder/new"), ("-", "new.html")])
  func aFileThatIsThereOrCanBeMadeIsTaken(json: String, html: String) throws {
    #expect(try Self.refusal(json, html) == nil)
  }

  @Test(arguments: [
    ("folder", "new.html", "folder: is a folder, and cannot be a report: give the path of a file in it"),
    ("new.json", "none/new.html", "new.html: cannot be written: its folder is not there, or may not be written in"),
    ("same", "same", "same: is named for two reports: give each a file of its own"),
  ])
  func aPathThatCannotBeWrittenIsRefused(json: String, html: String, message: String) throws {
    let refusal = try #require(try Self.refusal(json, html))
    #expect(refusal.hasSuffix(message), "\(refusal)")
  }

  /// The testee of the run would leave a file.
  @Test func theRunDoesNotBegin() async throws {
    let folder = try ScratchFolder()
    var options = ConformanceOptions()
    options.testee = .shell("touch '\(folder.path)/started'")
    options.htmlPath = "\(folder.path)/none/page.html"
    #expect(await ConformanceRun(options).run() == 2)
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/started"))
  }
}
