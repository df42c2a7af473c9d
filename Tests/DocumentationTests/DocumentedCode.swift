import BokbokTestSupport
import Foundation
import Testing

/// A fenced block of one of the project's pages.
struct CodeBlock: CustomTestStringConvertible, Sendable {
  /// Path of the page from the project's root.
  var page: String
  /// Line of the opening fence, from 1.
  var line: Int
  var language: String
  var lines: [String]

  var testDescription: String { "\(page):\(line)" }

  /// All blocks in a language, in the order of pages and lines.
  static func all(in language: String) throws -> [CodeBlock] {
    try pages().flatMap { page in try blocks(of: page) }.filter { $0.language == language }
  }

  /// README and all articles and guides.
  static func pages() throws -> [String] {
    var pages = ["README.md"]
    for folder in ["Sources", "Harness", "Vectors"] {
      let files = FileManager.default.enumerator(atPath: "\(Project.root)/\(folder)")
      while let file = files?.nextObject() as? String {
        guard file.hasSuffix(".md"), !file.hasPrefix("Peers/") else { continue }
        pages.append("\(folder)/\(file)")
      }
    }
    return pages.sorted()
  }

  private static func blocks(of page: String) throws -> [CodeBlock] {
    let text = try String(contentsOfFile: "\(Project.root)/\(page)", encoding: .utf8)
    var blocks: [CodeBlock] = []
    var open: CodeBlock?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let trimmed = line.drop { $0 == " " }
      if trimmed.hasPrefix("```") {
        if let block = open {
          blocks.append(block)
          open = nil
        } else {
          open = CodeBlock(page: page, line: index + 1, language: String(trimmed.dropFirst(3)), lines: [])
        }
      } else {
        open?.lines.append(String(line))
      }
    }
    guard open == nil else { throw DocumentationError(message: "\(page): a code block is not closed") }
    return blocks
  }
}

struct DocumentationError: Error, CustomStringConvertible {
  var message: String
  var description: String { message }
}
