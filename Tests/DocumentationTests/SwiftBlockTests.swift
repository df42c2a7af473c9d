import BokbokTestSupport
import Foundation
import Testing

/// The Swift code of README and guides is compiled: each block stands, line for line, in a file of `Examples`, whose
/// functions the tests call, or in `BokbokExampleServer`, which they start.
@Suite struct SwiftBlockTests {
  @Test(arguments: try CodeBlock.all(in: "swift"))
  func blockStandsInACompiledExample(block: CodeBlock) throws {
    let wanted = Self.normalized(block.lines)
    #expect(!wanted.isEmpty)
    let examples = try Self.examples()
    let found = examples.contains { example in
      example.indices.contains { start in
        example[start...].starts(with: wanted)
      }
    }
    #expect(found, "\(block.testDescription): these lines stand in no compiled example")
  }

  private static func examples() throws -> [[String]] {
    try ["DocumentationTests/Examples", "BokbokExampleServer"].flatMap { name in
      let folder = "\(Project.root)/Tests/\(name)"
      return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { file in
        let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
        return normalized(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
      }
    }
  }

  /// Without blank lines, imports, and the white space at the ends of lines.
  private static func normalized(_ lines: [String]) -> [String] {
    lines.map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("import ") }
  }
}
