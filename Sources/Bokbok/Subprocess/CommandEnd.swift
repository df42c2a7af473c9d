/// How the command of an `exec:` address has ended.
public struct CommandEnd: Error, Hashable, Sendable, CustomStringConvertible {
  /// The ways in which a process ends.
  public enum Status: Hashable, Sendable {
    /// It ended by itself, with this exit status.
    case exited(Int32)
    /// This signal ended it.
    case signaled(Int32)
    /// Another part of this program took its status, or the program ignores SIGCHLD.
    case unknown
  }

  /// How it ended.
  public let status: Status

  /// The last lines that it wrote to standard error, 10 at most, exactly as written.
  public let lastErrorLines: [String]

  /// The status and the last lines, escaped and cut.
  public var description: String {
    let ending =
      switch self.status {
      case .exited(let status): "the command ended with exit status \(status)"
      case .signaled(let signal): "the command was ended by signal \(signal)"
      case .unknown: "the command ended, nobody knows how"
      }
    guard !self.lastErrorLines.isEmpty else { return ending }
    let lines = self.lastErrorLines.map { String(displaying: $0, charactersMax: 200) }
    return ending + "; its last lines on standard error: " + lines.joined(separator: " / ")
  }
}
