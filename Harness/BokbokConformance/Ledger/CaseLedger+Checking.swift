extension CaseLedger {
  /// A way in which the cases do not agree with the ledger.
  package struct Disagreement: Sendable, Equatable, CustomStringConvertible {
    /// Whether a published promise is broken; else the ledger only has to be brought up to date.
    package let breaksPromise: Bool
    package let id: String
    package let message: String

    package var description: String { "\(id): \(message)" }
  }

  /// Where these cases, which are all of a folder, do not agree with the ledger; in the order of the ids.
  package func disagreements(with cases: [Case]) -> [Disagreement] {
    let present = Dictionary(uniqueKeysWithValues: cases.map { ($0.id, $0) })
    let gone = entries.filter { $0.value.withdrawal == nil && present[$0.key] == nil }
    var found: [Disagreement] = []
    for item in cases {
      if let entry = entries[item.id] {
        if let disagreement = disagreement(item, entry) { found.append(disagreement) }
      } else if let old = gone.keys.sorted().first(where: { latestDigest(of: $0) == item.digest }) {
        let message = """
          this is \(old) under another name; ids are for ever: give it its old id, or withdraw \(old) with \
          bokbok conformance ledger --withdraw \(old) --replacement \(item.id) --reason …
          """
        found.append(Disagreement(breaksPromise: true, id: item.id, message: message))
      } else {
        let message = "a new id: bokbok conformance ledger --write adds it"
        found.append(Disagreement(breaksPromise: false, id: item.id, message: message))
      }
    }
    for (id, entry) in gone {
      guard isPublished(entry.since) else {
        let message = "gone, and never published: bokbok conformance ledger --write forgets it"
        found.append(Disagreement(breaksPromise: false, id: id, message: message))
        continue
      }
      let message = """
        in the suite since version \(entry.since), and gone without a word: give it back, or withdraw it with \
        bokbok conformance ledger --withdraw \(id) --reason …
        """
      found.append(Disagreement(breaksPromise: true, id: id, message: message))
    }
    return found.sorted { ($0.id, $0.message) < ($1.id, $1.message) }
  }

  private func disagreement(_ item: Case, _ entry: Entry) -> Disagreement? {
    if let withdrawal = entry.withdrawal {
      let message = """
        withdrawn in version \(withdrawal.version) (\(withdrawal.reason)); ids are never used again: give the case another
        """
      return Disagreement(breaksPromise: true, id: item.id, message: message)
    }
    guard let digest = latestDigest(of: item.id), digest != item.digest else { return nil }
    let version = entry.revisions.last { $0.digest != nil }?.version ?? entry.since
    let message = """
      it demands something else than in version \(version), which is published: give the case another id, or say why with \
      bokbok conformance ledger --write --reason …
      """
    // A revision of the version that is not published says that the change is meant.
    let isRevised = entry.revisions.contains { !isPublished($0.version) }
    return isRevised ? nil : Disagreement(breaksPromise: true, id: item.id, message: message)
  }

  /// The digest that was published last.
  func latestDigest(of id: String) -> String? {
    guard let entry = entries[id] else { return nil }
    return entry.revisions.last { $0.digest != nil }?.digest ?? entry.digest
  }

  // MARK: An older version

  /// The cases of one version of the suite.
  struct Edition {
    let version: SuiteVersion
    let cases: [Case]
    /// Cases that were part of it and cannot be played as they were, with the reason, by id.
    let lost: [(id: String, reason: String)]
  }

  /// The suite as it was in a version. Throws ``DataError`` if there is no such version.
  func edition(_ number: Int, of cases: [Case]) throws(DataError) -> Edition {
    guard let version = versions.first(where: { $0.number == number }) else {
      let known = versions.map { "\($0.number)" }.joined(separator: ", ")
      throw DataError(file: "--suite", message: "there is no version \(number) of the suite; there are: \(known)")
    }
    let present = Dictionary(uniqueKeysWithValues: cases.map { ($0.id, $0) })
    var lost: [(id: String, reason: String)] = []
    var lostIDs: Set<String> = []
    for (id, entry) in entries.sorted(by: { $0.key < $1.key }) where entry.isIn(number) {
      var reason: String?
      if let withdrawal = entry.withdrawal {
        reason = "withdrawn in version \(withdrawal.version): \(withdrawal.reason)"
      } else if let digest = entry.digest(in: number), let item = present[id], item.digest != digest {
        let revision = entry.revisions.first { $0.version > number }
        reason = revision.map { "revised in version \($0.version): \($0.reason)" } ?? "it was another then"
      }
      guard let reason else { continue }
      lost.append((id, reason))
      lostIDs.insert(id)
    }
    let taken = cases.filter { item in
      guard let entry = entries[item.id] else { return number == draft?.number }
      return entry.isIn(number) && !lostIDs.contains(item.id)
    }
    return Edition(version: SuiteVersion(version), cases: taken, lost: lost)
  }
}
