internal import BokbokCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// The descriptor on which a testee is driven whose standard input and output are a connection.
enum TesteeControl {
  /// The environment variable that names it.
  static let variable = "BOKBOK_CONTROL_FD"
  static let standardOutput = STDOUT_FILENO

  /// The descriptor that the variable names, nil without the variable. No process that is started from now on gets
  /// either.
  static func take() throws(CommandFailure) -> Int32? {
    guard let text = getenv(variable).map({ String(cString: $0) }) else { return nil }
    unsetenv(variable)
    guard let descriptor = Int32(text), descriptor > STDERR_FILENO, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
      throw CommandFailure(
        .usage,
        """
        The environment variable \(variable) is \"\(String(displaying: text, charactersMax: 100))\", but expected is \
        the number of an open descriptor above 2.
        """
      )
    }
    return descriptor
  }
}
