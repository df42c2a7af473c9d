/// Makes a session vector of a recorded connection, or of one leg of it.
///
/// What the applications called is told from the frames that they sent; then the library plays each side, and has to send
/// what was recorded, byte for byte. A side of which it would send something else that is as right, such as frames in
/// other records, is not listed as conforming: it can then not be replayed, but the other side against it. The same holds for a side of a sealed
/// session whose ephemeral secret is not known, and for one that breaks a rule.
package struct SessionPromotion {
  /// What the recording does not tell.
  package struct Description: Sendable {
    var id: String
    var comment: String
    var clauses: [String]
    var source: String
    var brokenClause: String?

    /// - Parameters:
    ///   - id: the new vector's id, which begins with `sessions/`.
    ///   - comment: what it shows, for people.
    ///   - clauses: the clauses of the specification that it shows.
    ///   - source: between which implementations it was recorded.
    ///   - brokenClause: of a session that does not end cleanly, the clause that was broken; nil takes C-6.a for a lost
    ///     connection, R-3.a for tampering, and else the first that the bytes of a side break.
    package init(id: String, comment: String, clauses: [String], source: String, brokenClause: String? = nil) {
      self.id = id
      self.comment = comment
      self.clauses = clauses
      self.source = source
      self.brokenClause = brokenClause
    }
  }

  /// Why a recording does not become a vector.
  package struct Failure: Error, CustomStringConvertible {
    /// What is in the way, for people.
    package let description: String
  }

  /// The text of a file that holds the vector, after those of `existing`.
  package let text: String
  /// The sides that the library replays byte for byte.
  package let conforming: [String]
  /// Why a side is not among them.
  package let remarks: [String]

  /// Makes the vector, and replays it.
  ///
  /// - Parameters:
  ///   - recording: the recording.
  ///   - connection: which of its connections.
  ///   - leg: which leg, by the side at its other end; has to be given where the recorder was an end of each.
  ///   - keys: what opens a sealed session.
  ///   - description: what the recording does not tell.
  ///   - existing: a file of session vectors to which the new one is added; nil makes a new file.
  /// - Throws: ``Failure`` if the connection is sealed and cannot be opened, never was open, was not recorded to its end, or
  ///   is played by the library otherwise on both sides; `DataError` if the file or the description does not fit the
  ///   format.
  package init(
    _ recording: Recording,
    connection: Int,
    leg: SideName? = nil,
    keys: SessionSecrets.Keys? = nil,
    description: Description,
    addingTo existing: (name: String, bytes: [UInt8])? = nil
  ) throws {
    guard recording.connections.contains(connection) else {
      let known = recording.connections.map(String.init).joined(separator: ", ")
      throw Failure(description: "the recording has no connection \(connection), but \(known.isEmpty ? "none" : known)")
    }
    let sides = try RecordedSides(recording, connection: connection, leg: leg.map(\.role), keys: keys)
    var remarks = sides.brokenClauses.map { "\($0): it breaks \($1)" }.sorted()
    var made: PromotedSession?
    for roles in sides.candidates {
      do throws(VectorMismatch) {
        made = try PromotedSession(sides, conforming: roles)
        break
      } catch {
        remarks.append("\(roles.map(\.rawValue).joined(separator: " and ")): \(error.place): \(error.message)")
      }
    }
    guard let made else {
      let reasons = remarks.map { "\n  " + $0 }.joined()
      throw Failure(description: "the library plays neither side byte for byte as it was recorded:\(reasons)")
    }
    let vector = Vector(subject: .sessions, members: try made.members(description))
    let name = existing?.name ?? "sessions-recorded.json"
    let before = try existing.map { try VectorSet([$0]).files.flatMap(\.vectors) } ?? []
    let file = VectorFile(name: name, subject: .sessions, vectors: before + [vector])
    _ = try VectorSet([(name, Array(file.text.utf8))])
    do throws(VectorMismatch) {
      try vector.replay()
    } catch {
      throw Failure(description: "the vector does not replay: \(error.place): \(error.message)")
    }
    text = file.text
    conforming = made.conforming.map(\.rawValue)
    self.remarks = remarks
  }
}

extension SessionPromotion {
  /// A side, as the command names it.
  package enum SideName: String, Sendable, CaseIterable {
    case client
    case server

    var role: SideRole { self == .client ? .client : .server }
  }
}
