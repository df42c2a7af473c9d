internal import Foundation

/// How wide lines for people may be.
enum TerminalWidth {
  /// Where standard output is no terminal: a log, a file or a pipe, which somebody reads in a window of the usual width.
  static let usualColumnCount = 80

  /// The columns of the terminal on standard output; 80 where it is none, or does not tell.
  static var columnCount: Int {
    var size = winsize()
    guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return usualColumnCount
    }
    return Int(size.ws_col)
  }

  /// A text as lines that are no wider, broken between words. A word that is wider by itself stays whole.
  ///
  /// - Parameters:
  ///   - indentation: what each line begins with, the others with two spaces more.
  ///   - columnCount: the width, of which no less than 40 columns are used.
  static func fold(_ text: String, indentation: String = "", columnCount: Int) -> [String] {
    var lines: [String] = []
    var line = indentation
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if line.count + word.count + 1 > max(40, columnCount), line.count > indentation.count + 4 {
        lines.append(line)
        line = indentation + "  "
      }
      line += (line.isEmpty || line.last == " " ? "" : " ") + word
    }
    return lines + [line]
  }
}
