internal import Foundation

/// What another run found, for the page of a run to include: the kill matrix, or the interop matrix.
enum IncludedDocument: Sendable {
  case killMatrix(KillMatrixDocument)
  case interopMatrix(InteropDocument)

  /// Reads a file that `--json` has written. Throws ``DataError`` if it is neither, or does not fit its schema.
  init(file path: String) throws(DataError) {
    guard let contents = FileManager.default.contents(atPath: path) else {
      let message = "cannot be read: --include takes the path of a file that --json has written"
      throw DataError(file: path, message: message)
    }
    let texts = contents.split(separator: UInt8(ascii: "\n"))
    let first = texts.first.flatMap { try? JSON(parsing: Array($0)) }
    if let first, first["type"] == "header", first["kind"] == "interop-matrix" {
      var lines = [first]
      for (index, text) in texts.enumerated().dropFirst() {
        do {
          lines.append(try JSON(parsing: Array(text)))
        } catch {
          throw DataError(file: path, place: "line \(index + 1)", message: "is no JSON: \(error)")
        }
      }
      self = .interopMatrix(try InteropDocument(lines, file: path))
      var reader = try ReportReader(.interopMatrix)
      reader.take(lines, isWhole: contents.last == UInt8(ascii: "\n"))
      reader.finish()
      try Self.refuse(reader.faults.first, file: path)
      return
    }
    // The command writes it in one line; another program may have laid it out.
    if let document = texts.count == 1 ? first : try? JSON(parsing: Array(contents)), document["trials"] != nil {
      let matrix = try KillMatrixDocument(document, file: path)
      self = .killMatrix(matrix)
      try Self.refuse(KillMatrixCheck(document, matrix).faults.first, file: path)
      return
    }
    throw DataError(file: path, message: "\(Self.stranger(first)), but --include takes \(Self.expected)")
  }

  /// Throws ``DataError`` if what a file says does not agree with itself.
  private static func refuse(_ fault: String?, file path: String) throws(DataError) {
    guard let fault else { return }
    let message = "\(fault); 'bokbok conformance check-report' tells all that is wrong with it"
    throw DataError(file: path, message: message)
  }

  /// Reads files. Throws ``DataError`` if one is neither, or two are the same.
  static func documents(_ paths: [String]) throws(DataError) -> [IncludedDocument] {
    var documents: [IncludedDocument] = []
    for path in paths {
      let document = try IncludedDocument(file: path)
      guard !documents.contains(where: { $0.id == document.id }) else {
        throw DataError(file: path, message: "is the second \(document.title.lowercased()): include one of them")
      }
      documents.append(document)
    }
    return documents
  }

  private static let expected = """
    the kill matrix (bokbok conformance --kill-matrix --json FILE) or the interop matrix (bokbok conformance --matrix \
    --json FILE)
    """

  /// What a file is that is neither, as far as its beginning tells.
  private static func stranger(_ first: JSON?) -> String {
    switch first?["type"] {
    case "header": "is the report of a run of cases"
    case "coverage": "is the coverage of the specification, which every page has"
    default: "is neither of them"
    }
  }

  var id: String {
    switch self {
    case .killMatrix: "kill-matrix"
    case .interopMatrix: "interop-matrix"
    }
  }

  var title: String {
    switch self {
    case .killMatrix: "Kill matrix"
    case .interopMatrix: "Interop matrix"
    }
  }

  /// The section of a page about a run with the cases of this digest.
  func section(suiteDigest: String, specification: SpecificationIndex) -> HTMLSection {
    switch self {
    case .killMatrix(let document):
      let page = KillMatrixPage(document: document, specification: specification)
      // The survivors are open; the long tables are for who looks for a clause.
      let parts = page.sections.map { $0.id == "faults" ? $0.folded : $0 }
      var section = HTMLSection(id: id, title: title, verdict: page.verdict, sections: parts)
      if document.suite != suiteDigest {
        section.content = """
          <p><span class="sign doubt">!</span> It was made with other cases than this run: digest \(document.suite).</p>

          """
      }
      return section
    case .interopMatrix(let document):
      let page = InteropPage(document: document)
      return HTMLSection(id: id, title: title, verdict: page.verdict, sections: page.sections)
    }
  }
}
