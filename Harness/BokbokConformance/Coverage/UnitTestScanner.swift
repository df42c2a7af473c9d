/// Finds the unit tests of a Swift source file that name clauses of the specification: with the trait `.clauses("F-1.a")`
/// of a `@Test` or of a `@Suite`.
struct UnitTestScanner {
  /// An attribute that waits for the declaration it stands on.
  private struct Attribute {
    let isSuite: Bool
    var title: String?
    var clauses: [String] = []
  }

  private let file: String
  private let tokens: [SwiftToken]
  private var index = 0
  private var attribute: Attribute?
  /// The types around this place, nil for braces of anything else.
  private var scopes: [String?] = []
  private var openingType: String?
  private var findings: [(clause: String, test: UnitTest)] = []

  private init(_ text: String, file: String) {
    self.file = file
    self.tokens = SwiftTokenizer.tokens(of: text)
  }

  /// Each clause that a test or suite of the file names, in the order of the text.
  ///
  /// Throws ``DataError`` for a trait that stands on neither, or holds anything but string literals: nobody would count it.
  static func scan(_ text: String, file: String) throws(DataError) -> [(clause: String, test: UnitTest)] {
    var scanner = UnitTestScanner(text, file: file)
    try scanner.scan()
    return scanner.findings
  }

  private static let typeKeywords: Set<String> = ["struct", "class", "actor", "enum", "extension"]
  /// What stands behind the `class` of a member.
  private static let memberKeywords: Set<String> = ["func", "var", "let", "subscript", "override", "final"]

  private mutating func scan() throws(DataError) {
    while index < tokens.count {
      switch tokens[index] {
      case .symbol("@"):
        try readAttribute()
        continue
      case .symbol("."):
        if isTrait { throw DataError(file: file, message: "a trait .clauses(…) stands on no @Test and no @Suite") }
      case .symbol("{"):
        scopes.append(openingType)
        openingType = nil
      case .symbol("}"):
        _ = scopes.popLast()
      case .word("func"):
        if let name = word(at: index + 1) { declareFunction(name) }
      case .word(let keyword) where Self.typeKeywords.contains(keyword):
        if let name = word(at: index + 1), !Self.memberKeywords.contains(name) {
          declareType(name)
          index += 1
        }
      default: break
      }
      index += 1
    }
    // Text that is read wrongly swallows tests without a word, and almost never whole pairs of braces.
    guard scopes.isEmpty else {
      throw DataError(file: file, message: "cannot be read: braces outside of strings and comments do not pair")
    }
  }

  private func token(at index: Int) -> SwiftToken? { tokens.indices.contains(index) ? tokens[index] : nil }

  private func word(at index: Int) -> String? {
    if case .word(let word) = token(at: index) { word } else { nil }
  }

  /// Whether `.clauses("` stands here.
  private var isTrait: Bool {
    guard tokens[index] == .symbol("."), word(at: index + 1) == "clauses", token(at: index + 2) == .symbol("(") else {
      return false
    }
    if case .string = token(at: index + 3) { return true } else { return false }
  }

  // MARK: Declarations

  private mutating func declareType(_ name: String) {
    // A function's name may be one of the keywords.
    guard token(at: index - 1) != .word("func"), token(at: index - 1) != .symbol(".") else { return }
    var name = name
    while token(at: index + 2) == .symbol("."), let inner = word(at: index + 3) {
      name += ".\(inner)"
      index += 2
    }
    openingType = name
    guard let attribute, attribute.isSuite else { return }
    add(attribute.clauses, UnitTest(file: file, suite: (scopes + [name]).path, test: nil))
    self.attribute = nil
  }

  private mutating func declareFunction(_ name: String) {
    guard let attribute, !attribute.isSuite else { return }
    add(attribute.clauses, UnitTest(file: file, suite: scopes.path, test: attribute.title ?? name))
    self.attribute = nil
  }

  private mutating func add(_ clauses: [String], _ test: UnitTest) {
    findings += clauses.map { ($0, test) }
  }

  // MARK: Attributes

  /// Reads `@Test(…)` or `@Suite(…)`, and steps over the `@` of any other.
  private mutating func readAttribute() throws(DataError) {
    guard let name = word(at: index + 1), name == "Test" || name == "Suite" else {
      index += 1
      return
    }
    var attribute = Attribute(isSuite: name == "Suite")
    index += 2
    if token(at: index) == .symbol("(") {
      if case .string(let title) = token(at: index + 1) { attribute.title = title }
      var depth = 0
      repeat {
        if isTrait { try readTrait(into: &attribute) }
        if token(at: index) == .symbol("(") { depth += 1 }
        if token(at: index) == .symbol(")") { depth -= 1 }
        index += 1
      } while depth > 0 && index < tokens.count
    }
    self.attribute = attribute
  }

  /// Steps onto the parenthesis that ends the trait's list, and counts the one that begins it as read.
  private mutating func readTrait(into attribute: inout Attribute) throws(DataError) {
    index += 3
    while let token = token(at: index), token != .symbol(")") {
      switch token {
      case .string(let clause): attribute.clauses.append(clause)
      case .symbol(","): break
      default:
        let message = "a trait .clauses(…) holds something else than string literals: write the ids out"
        throw DataError(file: file, message: message)
      }
      index += 1
    }
    index += 1
  }
}

extension [String?] {
  /// The names with slashes between them; nil if there is none.
  fileprivate var path: String? {
    let names = compactMap { $0 }
    return names.isEmpty ? nil : names.joined(separator: "/")
  }
}
