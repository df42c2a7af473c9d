extension CaseLedger {
  /// Adds the ids of cases that are new, and forgets those that were never published and are gone. With a reason, cases
  /// that demand something else than when they were published get a revision.
  ///
  /// Where there is something to add and the newest version is published, another version begins.
  package mutating func update(with cases: [Case], reason: String? = nil) {
    let present = Set(cases.map(\.id))
    for (id, entry) in entries where !present.contains(id) && entry.withdrawal == nil && !isPublished(entry.since) {
      entries[id] = nil
    }
    let renamed = Set(disagreements(with: cases).filter(\.breaksPromise).map(\.id))
    for item in cases {
      if entries[item.id] == nil, !renamed.contains(item.id) {
        entries[item.id] = Entry(since: beginVersionIfNeeded())
      } else if let reason, let digest = latestDigest(of: item.id), digest != item.digest,
        entries[item.id]?.withdrawal == nil, entries[item.id]?.revisions.contains(where: { $0.digest == nil }) == false
      {
        let revision = Revision(version: beginVersionIfNeeded(), digest: nil, reason: reason)
        entries[item.id]?.revisions.append(revision)
      }
    }
  }

  /// Withdraws a published case. Throws ``DataError`` if it cannot be withdrawn.
  package mutating func withdraw(_ id: String, reason: String, replacement: [String]) throws(DataError) {
    guard let entry = entries[id] else {
      throw DataError(file: "--withdraw", message: "the ledger does not know \(id)")
    }
    guard entry.withdrawal == nil else { throw DataError(file: "--withdraw", message: "\(id) is withdrawn already") }
    guard isPublished(entry.since) else {
      let message = "\(id) was never published: take it out of its file, and --write forgets it"
      throw DataError(file: "--withdraw", message: message)
    }
    guard reason.count >= 10 else {
      throw DataError(file: "--reason", message: "a withdrawal needs a reason of at least 10 characters")
    }
    for other in replacement where entries[other] == nil {
      throw DataError(file: "--replacement", message: "the ledger does not know \(other)")
    }
    let version = beginVersionIfNeeded()
    entries[id]?.revisions.removeAll { $0.version == version }
    entries[id]?.withdrawal = Withdrawal(version: version, reason: reason, replacement: replacement)
  }

  /// Publishes the newest version: from now on its cases are promises. Throws ``DataError`` where there is nothing to
  /// publish, or the cases do not agree with the ledger.
  package mutating func publish(on day: String, with cases: [Case]) throws(DataError) {
    guard let draft else {
      throw DataError(file: "--publish", message: "version \(newest.number) is published already, and nothing is new")
    }
    guard day.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil else {
      throw DataError(file: "--publish", message: "a day is written as 2026-01-31, not \(day)")
    }
    if let disagreement = disagreements(with: cases).first {
      throw DataError(file: "--publish", message: "the cases do not agree with the ledger: \(disagreement)")
    }
    for item in cases {
      if entries[item.id]?.since == draft.number { entries[item.id]?.digest = item.digest }
      if let index = entries[item.id]?.revisions.firstIndex(where: { $0.version == draft.number }) {
        entries[item.id]?.revisions[index].digest = item.digest
      }
    }
    versions[versions.count - 1].published = day
  }

  private mutating func beginVersionIfNeeded() -> Int {
    if draft == nil { versions.append(Version(number: newest.number + 1)) }
    return newest.number
  }
}
