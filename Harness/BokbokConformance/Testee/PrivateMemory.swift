internal import Foundation

/// The memory that a testee has taken for what it keeps: the pages of its process, and of all that it started, which are
/// no file's, in bytes. Which pages of programs and libraries are there is the system's business.
enum PrivateMemory {
  /// Nil where the system does not tell, as for another user's process.
  static func byteCount(process: pid_t) -> Int? {
    guard process > 0, let own = byteCount(of: process) else { return nil }
    // One that has ended meanwhile has none.
    return ProcessTree.members(of: process).dropFirst().reduce(own) { $0 + (byteCount(of: $1) ?? 0) }
  }

  private static func byteCount(of process: pid_t) -> Int? {
    byteCount(rollup: ProcessTree.text(of: "/proc/\(process)/smaps_rollup"))
  }

  /// The same of a text such as the system gives, where each line has a name and a number of kilobytes. What the process
  /// has given back, and the system has not fetched yet, counts no more; what is in swap space does.
  static func byteCount(rollup text: String) -> Int? {
    var kilobyteCounts: [Substring: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 3, words[2] == "kB", let count = Int(words[1]) else { continue }
      kilobyteCounts[words[0].dropLast()] = count
    }
    guard let anonymous = kilobyteCounts["Anonymous"] else { return nil }
    return (anonymous - kilobyteCounts["LazyFree", default: 0] + kilobyteCounts["Swap", default: 0]) << 10
  }
}
