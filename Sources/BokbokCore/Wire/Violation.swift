/// A breach of the protocol by the peer: the connection ends with CLOSE `protocol-error` (F-2).
package struct Violation: Error, Equatable, Sendable {
  /// The requirement that was broken, for example `F-1`.
  package var requirement: String
  /// What was wrong, for the peer and for people.
  package var message: String

  package init(_ requirement: String, _ message: String) {
    self.requirement = requirement
    self.message = message
  }
}
