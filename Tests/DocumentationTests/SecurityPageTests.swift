import BokbokTestSupport
import Foundation
import Testing

/// What the documentation has to say, it says: each statement by the words that carry it.
@Suite struct SecurityPageTests {
  @Test(
    .clauses("H-13.a", "H-14.a", "H-14.b", "K-2.a"),
    arguments: [
      // H-13.a
      "**one of those who hold it**, and no more",
      "**one client and one server**, and neither changes its role",
      "**user name proves nothing among them**",
      // H-14.a
      "**The user name.** It goes over the wire in the clear",
      "**Sizes and times.** Each record shows its length",
      "**Refusals.** That a server refused, and why, is in the clear and not authenticated",
      "**Availability.** Who controls the path can cut it",
      // H-14.b
      "Whoever gets a key later opens no recorded connection with it",
      "can pose as either side from then on",
      // K-2.a
      "**Guesses can be tested off line.** Whoever sees a single message 1 can try passphrases on it",
      "**random, with at least 80 bits**",
      "7 words drawn by chance from a list of 7776",
      "**A random key is better**",
    ]
  )
  func securityPageSays(statement: String) throws {
    let path = "\(Project.root)/Sources/Bokbok/Documentation.docc/Security.md"
    let page = try String(contentsOfFile: path, encoding: .utf8)
    #expect(Self.folded(page).contains(Self.folded(statement)))
  }

  /// White space folded, so that lines may be broken anywhere.
  private static func folded(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
