internal import CBokbokRelay
internal import Foundation

/// The command that the kit gives a testee to connect to in the configuration `stdio`: it joins its standard input and
/// output to the kit, which waits at a UNIX socket.
///
/// An end of one side becomes the end of that half on the other side, and nothing else is changed, delayed or kept back.
/// What ends it from outside, a signal, it says on standard error, with the time since its start.
public enum Relay {
  /// The words with which this executable is started as one, where there is no small executable beside it.
  private static let words = ["conformance", "relay"]
  /// The small executable: it starts in a tenth of the time.
  private static let executableName = "bokbok-relay"

  /// The `exec:` address of a relay to this socket.
  static func address(socketPath: String) throws -> String {
    "exec:" + (try command() + [socketPath]).map(quoted).joined(separator: " ")
  }

  /// The address of one that does more than that, and reports what happens to it at another socket.
  static func address(socketPath: String, _ options: RelayOptions, reportPath: String) throws -> String {
    var address = try address(socketPath: socketPath) + " --report " + quoted(reportPath)
    if options.lingers { address += " --linger" }
    if options.ignoresTermination { address += " --ignore-termination" }
    return address + (options.arguments.isEmpty ? "" : " " + options.arguments)
  }

  private static func command() throws -> [String] {
    let executable = try Implementation.executablePath()
    let folder = executable.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let small = "\(folder)/\(executableName)"
    return access(small, X_OK) == 0 ? [small] : [executable] + words
  }

  /// A word as a POSIX shell reads it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      byte >= 0x80 || Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber
        || "/._-+=:,@%".utf8.contains(byte)
    }
    return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }

  /// Runs a relay on this process's standard streams until both halves have ended, or a signal ends the process. Blocks.
  ///
  /// - Parameter arguments: the path of a UNIX socket at which the kit listens, and options, which only the kit gives.
  /// - Returns: the exit status: 0 after both ends, 1 if the kit cannot be reached, 64 for wrong arguments.
  public static func run(_ arguments: [String]) -> Int32 {
    var pointers = (["bokbok-relay"] + arguments).map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return bokbok_relay(Int32(pointers.count), &pointers)
  }
}
