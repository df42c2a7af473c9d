internal import BokbokCore

extension HTMLText {
  /// A list of names and what they are; longer texts are cut, and what could pretend to be something else is escaped.
  static func facts(_ facts: [(name: String, text: String)]) -> HTMLText {
    let rows = facts.map { name, text -> HTMLText in
      "<dt>\(name)</dt><dd>\(String(displaying: text, charactersMax: 1000))</dd>\n"
    }
    return "<dl>\n\(joined(rows))</dl>\n"
  }

  /// A table that is wider than a narrow page moves sideways in itself.
  static func table(label: String, heads: [HTMLText], rows: [HTMLText], class name: String? = nil) -> HTMLText {
    let attribute: HTMLText = name.map { " class=\"\($0)\"" } ?? ""
    return """
      <div class="wide" tabindex="0" role="region" aria-label="\(label)">
      <table\(attribute)>
      <thead><tr>\(joined(heads.map { "<th scope=\"col\">\($0)</th>" }))</tr></thead>
      <tbody>
      \(joined(rows))</tbody>
      </table>
      </div>

      """
  }
}
