public import Testing

/// Names the clauses of the specification that a test proves.
public struct ClauseTrait: TestTrait, SuiteTrait {
  /// Clause ids, for example `F-1.a`.
  public let clauses: [String]

  /// A suite's clauses are those of all its tests.
  public var isRecursive: Bool { true }
}

extension Trait where Self == ClauseTrait {
  /// The test fails when one of these clauses is broken.
  public static func clauses(_ clauses: String...) -> ClauseTrait {
    ClauseTrait(clauses: clauses)
  }
}
