internal import Foundation

/// Watches the sealed connections of a whole run, over all testee processes, and finds what no case can see by itself:
/// what one connection has in common with another.
///
/// All threads may use the same audit. A case fails by the clause that its connections break together with earlier ones,
/// so that each of two equal connections can be told.
final class SealedAudit: @unchecked Sendable {
  // Sendable is safe: everything that changes is behind the lock.
  private let lock = NSLock()
  /// Where each was seen first.
  private var places: [Sighting.Kind: [[UInt8]: String]] = [:]

  /// Something that a connection has shown, which another must not show again, or, of a refusal, not otherwise.
  struct Sighting: Sendable, Equatable {
    enum Kind: String, Sendable, CaseIterable {
      /// The testee's ephemeral public key (H-7.b).
      case ephemeralKey = "ephemeral-key"
      /// The session key that the testee chose as the client (H-7.b).
      case sessionKey = "session-key"
      /// The tag of a sealed record (R-2.d).
      case tag
      /// The refusal of a client that did not authenticate, all bytes (H-4.c).
      case refusal
    }

    let kind: Kind
    let bytes: [UInt8]
    /// The path of the case that was played.
    let place: String
  }

  /// What a run's connections have shown together.
  struct Finding: Error, Equatable {
    let clause: String
    let expected: String
    let got: String
    /// What came before, of which it is about; nil where one connection shows all of it.
    var earlier: Sighting?
  }

  /// An audit to which these were shown already.
  init(earlier: [Sighting] = []) {
    for sighting in earlier { places[sighting.kind, default: [:]][sighting.bytes] = sighting.place }
  }

  /// Looks at a connection that a case has played.
  ///
  /// - Parameter place: the path of the case.
  /// - Throws: what it shows together with those before it.
  func examine(_ connection: SealedEvidence, of place: String) throws(Finding) {
    try checkPlaintext(connection)
    let finding = lock.withLock { self.finding(connection, place) }
    if let finding { throw finding }
  }

  private func finding(_ connection: SealedEvidence, _ place: String) -> Finding? {
    if let key = connection.publicKey, let earlier = noteNew(.ephemeralKey, key, place) {
      return Finding(
        clause: "H-7.b",
        expected: "a new ephemeral key for each connection, also of another process",
        got: "\(Hexadecimal.text(key)) again, as in \(earlier.place)",
        earlier: earlier
      )
    }
    if let key = connection.sessionKey, let earlier = noteNew(.sessionKey, key, place) {
      return Finding(
        clause: "H-7.b",
        expected: "a new session key for each connection",
        got: "\(Hexadecimal.text(key)) again, as in \(earlier.place)",
        earlier: earlier
      )
    }
    for tag in connection.tags {
      guard let earlier = noteNew(.tag, tag, place) else { continue }
      let record = "a record with the tag \(Hexadecimal.text(tag)) again, as in \(earlier.place)"
      return Finding(
        clause: "R-2.d",
        expected: "no sealed record that came before",
        got: "\(record): the same key, nonce and frames",
        earlier: earlier
      )
    }
    guard let refusal = connection.refusal else { return nil }
    guard let (bytes, first) = places[.refusal]?.first else {
      places[.refusal] = [refusal: place]
      return nil
    }
    guard bytes != refusal else { return nil }
    return Finding(
      clause: "H-4.c",
      expected: "the same bytes as in \(first): \(Hexadecimal.text(bytes))",
      got: Hexadecimal.text(refusal),
      earlier: Sighting(kind: .refusal, bytes: bytes, place: first)
    )
  }

  /// Notes where the bytes were seen; gives the earlier time if there is one.
  private func noteNew(_ kind: Sighting.Kind, _ bytes: [UInt8], _ place: String) -> Sighting? {
    if let earlier = places[kind]?[bytes] { return Sighting(kind: kind, bytes: bytes, place: earlier) }
    places[kind, default: [:]][bytes] = place
    return nil
  }

  /// What the testee sealed does not stand beside its records as it is.
  private func checkPlaintext(_ connection: SealedEvidence) throws(Finding) {
    for text in connection.plaintexts where connection.head.contains(text) {
      let got = "\(Hexadecimal.text(text)) among the bytes that it sent"
      throw Finding(clause: "R-2.c", expected: "nothing of what a sealed record holds, but sealed", got: got)
    }
  }
}
