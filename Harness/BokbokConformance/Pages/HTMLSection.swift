/// A part of a page with a heading, and with parts of its own.
struct HTMLSection: Sendable {
  /// What a link to it names; unique among its neighbours. The ids of parts begin with those of what they are parts of.
  let id: String
  let title: String
  /// The outcome of what it is about, where it has one of its own.
  var verdict: HTMLVerdict?
  var content: HTMLText = ""
  var sections: [HTMLSection] = []
  /// Whether only its heading shows at first.
  var isFolded = false

  /// The section with a heading of this level, 2 for those of the page itself.
  func html(level: Int = 2, prefix: String = "") -> HTMLText {
    let parts = sections.map { $0.html(level: level + 1, prefix: "\(prefix)\(id)-") }
    let level = min(level, 6)
    let outcome: HTMLText = verdict.map { "<p>\($0.html)</p>\n" } ?? ""
    let heading: HTMLText = "<h\(level)>\(title)</h\(level)>"
    let body: HTMLText = "\(outcome)\(content)\(HTMLText.joined(parts))"
    guard isFolded else { return "<section id=\"\(prefix)\(id)\">\n\(heading)\n\(body)</section>\n" }
    return """
      <section id="\(prefix)\(id)">
      <details>
      <summary>\(heading)</summary>
      \(body)</details>
      </section>

      """
  }

  /// The same, folded.
  var folded: HTMLSection {
    var section = self
    section.isFolded = true
    return section
  }
}
