/// A unit test that names clauses of the specification, or a suite of which every test does.
package struct UnitTest: Hashable, Comparable, Sendable {
  /// The source file, from the project's root.
  package let file: String
  /// The suite, with those around it: `Outer/Inner`; nil for a test that stands in none.
  package let suite: String?
  /// The test's title, or its function's name if it has none; nil if it is the suite as a whole that names the clauses.
  package let test: String?

  package init(file: String, suite: String?, test: String?) {
    self.file = file
    self.suite = suite
    self.test = test
  }

  package static func < (left: UnitTest, right: UnitTest) -> Bool {
    (left.file, left.suite ?? "", left.test ?? "") < (right.file, right.suite ?? "", right.test ?? "")
  }

  /// For people: the suite and the test, or whichever there is.
  package var name: String { [suite, test].compactMap { $0 }.joined(separator: ": ") }

  var json: JSON {
    var object = JSON.Object([("file", .string(file))])
    object["suite"] = suite.map { .string($0) }
    object["test"] = test.map { .string($0) }
    return .object(object)
  }
}
