/// Every case id that was ever published, since which version of the suite, and what became of it.
///
/// Ids are for ever: a user's notes and expected failures name them. A case may leave the suite, but its id stays here as
/// a tombstone and is never used for anything else; a case that demands something else than before says so with a
/// revision. The newest version may not be published yet: its cases may still change.
package struct CaseLedger: Sendable, Equatable {
  /// Where the ledger lies in a folder of cases.
  package static let path = "Ledger/ledger.json"
  static let schemaPath = "\(CaseLoader.folder)/Ledger/ledger.schema.json"

  /// A version of the suite.
  package struct Version: Sendable, Equatable {
    package let number: Int
    /// The day; nil while it is not published.
    package var published: String?

    package init(number: Int, published: String? = nil) {
      self.number = number
      self.published = published
    }
  }

  /// What the ledger knows about an id.
  package struct Entry: Sendable, Equatable {
    /// The version that had the case first.
    package var since: Int
    /// The digest of the case in that version; nil while that is not published.
    package var digest: String?
    package var revisions: [Revision] = []
    package var withdrawal: Withdrawal?

    /// The digest of the case in a version; nil where that is not published, or does not have the case.
    func digest(in version: Int) -> String? {
      guard isIn(version) else { return nil }
      let revision = revisions.last { $0.version <= version }
      return revision.map(\.digest) ?? digest
    }

    func isIn(_ version: Int) -> Bool {
      since <= version && (withdrawal.map { version < $0.version } ?? true)
    }
  }

  /// The case demands something else from this version on.
  package struct Revision: Sendable, Equatable {
    package let version: Int
    package var digest: String?
    package let reason: String
  }

  /// The case is not part of the suite from this version on.
  package struct Withdrawal: Sendable, Equatable {
    package let version: Int
    package let reason: String
    /// The cases that prove the same now.
    package let replacement: [String]
  }

  package internal(set) var versions: [Version]
  package internal(set) var entries: [String: Entry]

  package init(versions: [Version], entries: [String: Entry]) {
    self.versions = versions
    self.entries = entries
  }

  /// The newest version.
  package var newest: Version { versions.last ?? Version(number: 1) }

  /// The version that is not published yet; nil if there is none.
  package var draft: Version? { newest.published == nil ? newest : nil }
}

/// Which version of the suite a run plays, for its reports.
package struct SuiteVersion: Sendable, Equatable, CustomStringConvertible {
  package let number: Int
  /// The day on which it was published; nil if it is not.
  package let published: String?

  package init(number: Int, published: String?) {
    self.number = number
    self.published = published
  }

  package init(_ version: CaseLedger.Version) {
    self.init(number: version.number, published: version.published)
  }

  package var description: String { published.map { "\(number), published \($0)" } ?? "\(number), not published yet" }
}
