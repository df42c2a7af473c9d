/// A command line for `/bin/sh`, as a user gives it.
package struct ShellLine: Sendable {
  package let text: String

  package init(_ text: String) {
    self.text = text
  }

  /// Words of the shell with which something begins that is no simple command.
  private static let keywords: Set<Substring> = [
    "if", "for", "while", "until", "case", "{", "(", "!", "exec", "then", "else", "elif", "do", "done", "fi", "esac",
    "}",
  ]

  /// The line with its last command in place of the shell, and the shell's arguments at its end: a shell that waits for
  /// the command would keep the command's standard input and output open. A last command that is not a simple one stays.
  package var replacedByLastCommand: String {
    let withArguments = text + " \"$@\""
    guard let start = startOfLastCommand else { return withArguments }
    let command = text[start...]
    let first = command.prefix { !$0.isWhitespace }
    guard !first.isEmpty, !Self.keywords.contains(first), first.first != "(" else { return withArguments }
    // `exec` takes no assignments before the command.
    let isAssignment =
      first.contains("=") && first.prefix { $0 != "=" }.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
    return text[..<start] + (isAssignment ? "exec env " : "exec ") + command + " \"$@\""
  }

  /// Where the last of the commands begins; nil where a look at the separators does not tell.
  private var startOfLastCommand: String.Index? {
    var start = text.startIndex
    var index = text.startIndex
    var quote: Character?
    while index < text.endIndex {
      let character = text[index]
      let next = text.index(after: index)
      switch (quote, character) {
      case (nil, "'"), (nil, "\""): quote = character
      case (let open?, _) where character == open: quote = nil
      case (nil, "\\"), ("\"", "\\"):
        // What follows has no meaning of its own.
        index = next < text.endIndex ? text.index(after: next) : next
        continue
      case (nil, ";"), (nil, "&"), (nil, "|"), (nil, "\n"): start = next
      case (nil, "("), (nil, ")"), (nil, "`"), (nil, "#"), (nil, "<"), (nil, ">"): return nil
      default: break
      }
      index = next
    }
    guard quote == nil else { return nil }
    return text[start...].firstIndex { !$0.isWhitespace }
  }
}
