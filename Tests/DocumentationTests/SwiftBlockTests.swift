import BokbokTestSupport
import Foundation
import Testing

/// The Swift code of README and guides is compiled: each block stands, line for line, in a file of `Examples`, whose
/// functions the tests call.
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
    #expect(found, "\(block.testDescription): these lines stand in no file of Tests/DocumentationTests/Examples")
  }

  private static func examples() throws -> [[String]] {
    let folder = "\(Project.root)/Tests/DocumentationTests/Examples"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { file in
      let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      return normalized(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }
  }

  /// Without blank lines, imports, and the white space at the ends of lines.
  private static func normalized(_ lines: [String]) -> [String] {
    lines.map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("import ") }
  }
}
