extension CaseLedger {
  /// The ledger that a file's contents hold. Throws ``DataError`` where they break the schema, or contradict themselves.
  package init(_ contents: [UInt8], file: String) throws(DataError) {
    let document: JSON
    do {
      document = try JSON(parsing: contents)
      let schema = try JSONSchema.embedded(Self.schemaPath)
      if let fault = schema.faults(of: document).first { throw fault }
    } catch {
      throw DataError(file: file, message: "\(error)")
    }
    versions = (document["versions"]?.array ?? []).map { source in
      Version(number: source["version"]?.integer ?? 0, published: source["published"]?.string)
    }
    entries = [:]
    for (id, source) in document["cases"]?.object?.members ?? [] { entries[id] = Entry(source) }
    if let contradiction { throw DataError(file: file, place: contradiction.place, message: contradiction.message) }
  }

  /// What the schema cannot see.
  private var contradiction: (place: String, message: String)? {
    for (index, version) in versions.enumerated() {
      guard version.number == index + 1 else {
        return ("versions", "the versions are numbered from 1 on; \(version.number) stands at place \(index + 1)")
      }
      guard version.published != nil || index == versions.count - 1 else {
        return ("versions", "version \(version.number) is not published, but a newer one stands behind it")
      }
    }
    for (id, entry) in entries.sorted(by: { $0.key < $1.key }) {
      let numbers = [entry.since] + entry.revisions.map(\.version) + [entry.withdrawal?.version].compactMap { $0 }
      guard numbers.allSatisfy({ $0 <= newest.number }) else {
        return (id, "there is no version \(numbers.max() ?? 0) of the suite: the newest is \(newest.number)")
      }
      guard zip(numbers, numbers.dropFirst()).allSatisfy({ $0 < $1 }) else {
        return (id, "its versions are not in order: \(numbers.map(String.init).joined(separator: ", "))")
      }
      let digests = [(entry.since, entry.digest)] + entry.revisions.map { ($0.version, $0.digest) }
      for (version, digest) in digests where digest == nil && isPublished(version) {
        return (id, "version \(version) is published, but the case has no digest there")
      }
      for replacement in entry.withdrawal?.replacement ?? [] where entries[replacement] == nil {
        return (id, "its replacement \(replacement) does not stand in the ledger")
      }
    }
    return nil
  }

  func isPublished(_ version: Int) -> Bool {
    versions.contains { $0.number == version && $0.published != nil }
  }

  /// The file: a line for each case, so that two who add cases do not meet.
  package var text: String {
    let versions = versions.map { version -> String in
      var object = JSON.Object([("version", .integer(version.number))])
      object["published"] = version.published.map { .string($0) }
      return "    " + JSON.object(object).encodedText
    }
    let cases = entries.sorted { $0.key < $1.key }.map { id, entry in
      "    " + JSON.string(id).encodedText + ": " + entry.json.encodedText
    }
    return """
      {
        "versions": [
      \(versions.joined(separator: ",\n"))
        ],
        "cases": {
      \(cases.joined(separator: ",\n"))
        }
      }

      """
  }
}

extension CaseLedger.Entry {
  /// An entry that fits the schema.
  fileprivate init(_ source: JSON) {
    since = source["since"]?.integer ?? 0
    digest = source["digest"]?.string
    revisions = (source["revisions"]?.array ?? []).map { revision in
      CaseLedger.Revision(
        version: revision["version"]?.integer ?? 0,
        digest: revision["digest"]?.string,
        reason: revision["reason"]?.string ?? ""
      )
    }
    withdrawal = source["withdrawn"].map { withdrawn in
      CaseLedger.Withdrawal(
        version: withdrawn["version"]?.integer ?? 0,
        reason: withdrawn["reason"]?.string ?? "",
        replacement: withdrawn["replacement"]?.strings ?? []
      )
    }
  }

  fileprivate var json: JSON {
    var object = JSON.Object([("since", .integer(since))])
    object["digest"] = digest.map { .string($0) }
    if !revisions.isEmpty {
      object["revisions"] = .array(
        revisions.map { revision in
          var object = JSON.Object([("version", .integer(revision.version))])
          object["digest"] = revision.digest.map { .string($0) }
          object["reason"] = .string(revision.reason)
          return .object(object)
        }
      )
    }
    if let withdrawal {
      var withdrawn = JSON.Object([("version", .integer(withdrawal.version)), ("reason", .string(withdrawal.reason))])
      if !withdrawal.replacement.isEmpty {
        withdrawn["replacement"] = .array(withdrawal.replacement.map { .string($0) })
      }
      object["withdrawn"] = .object(withdrawn)
    }
    return .object(object)
  }
}
