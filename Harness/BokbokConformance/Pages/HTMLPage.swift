/// A page that needs nothing else: no network, no script, no file beside it. What a browser may load is nothing at all.
struct HTMLPage {
  let title: String
  /// What stands under the title: the verdict, and what else has to be seen first.
  let introduction: HTMLText
  let sections: [HTMLSection]

  var text: String {
    let page: HTMLText = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(title)</title>
      <style>
      \(Self.style)</style>
      </head>
      <body>
      <header>
      <h1>\(title)</h1>
      \(introduction)\(contents)</header>
      <main>
      \(HTMLText.joined(sections.map { $0.html() }))</main>
      </body>
      </html>

      """
    return page.text
  }

  /// Links to the sections, where there are so many that they are not seen at once.
  private var contents: HTMLText {
    guard sections.count > 4 else { return "" }
    let items = sections.map { section -> HTMLText in
      let verdict: HTMLText = section.verdict.map { " \($0.html)" } ?? ""
      return "<li><a href=\"#\(section.id)\">\(section.title)</a>\(verdict)</li>\n"
    }
    return "<nav aria-label=\"Sections\">\n<ul>\n\(HTMLText.joined(items))</ul>\n</nav>\n"
  }
}
