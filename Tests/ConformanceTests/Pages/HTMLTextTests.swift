import Testing

@testable import BokbokConformance

/// Nothing that a page shows can break out of it, or pretend to be something else.
@Suite struct HTMLTextTests {
  @Test(arguments: [
    ("<a href=\"x\">&'", "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"),
    ("a\u{202E}b\u{202A}c\u{2066}d\u{2069}e", "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e"),
    ("a\u{200E}b\u{200F}c\u{61C}d", "a\u{FFFD}b\u{FFFD}c\u{FFFD}d"),
    ("\u{0}\u{1B}\u{7F}\u{85}\u{FFFE}\u{FFFF}", String(repeating: "\u{FFFD}", count: 6)),
    ("line\n\tline", "line\n\tline"),
  ])
  func textIsEscaped(text: String, expected: String) {
    let html: HTMLText = "\(text)"
    #expect(Array(html.text.unicodeScalars) == Array(expected.unicodeScalars))
  }

  @Test(arguments: [
    ("plain", "plain"),
    ("a `b<c>` d", "a <code>b&lt;c&gt;</code> d"),
    ("`` a`b ``", "<code>a`b</code>"),
    ("`*a*`", "<code>*a*</code>"),
    ("an `open", "an `open"),
    ("**bold `x*` text** *(wire)*", "<strong>bold <code>x*</code> text</strong> <em>(wire)</em>"),
    ("**a *b* c**", "<strong>a <em>b</em> c</strong>"),
    ("2 * 3 * 4", "2 * 3 * 4"),
    ("*open", "*open"),
    (#"\*no\* a\b"#, #"*no* a\b"#),
    ("see [the *page*](Other.md).", "see the <em>page</em>."),
    ("[no link] (x)", "[no link] (x)"),
    ("<script>`</script>`", "&lt;script&gt;<code>&lt;/script&gt;</code>"),
    ("a\u{202E}*b*", "a\u{FFFD}<em>b</em>"),
  ])
  func markdownInALineIsShownAsItMeans(markdown: String, expected: String) {
    #expect(HTMLText(markdown: markdown).text == expected)
  }

  @Test func noClauseKeepsItsMarkdown() throws {
    let specification = try SpecificationIndex.embedded()
    for id in specification.ids {
      let html = HTMLText(markdown: specification.text(of: id) ?? "").text
      #expect(!html.contains("`") && !html.contains("*("), "\(id): \(html)")
    }
  }
}
