#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Why a command could not do what it was asked to do: one message on standard error, and the exit status.
struct CommandFailure: Error, CustomStringConvertible {
  /// With which status the process ends.
  let status: ExitStatus
  /// What happened and what to do about it, for people; without a line break at its end.
  let description: String

  init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }

  /// Writes the message to standard error and ends the process.
  func endProcess() -> Never {
    StandardStream.error.writeOrIgnore("Error: \(description)\n")
    exit(status.rawValue)
  }
}

/// With which statuses the command ends. Those from 64 on are the ones of `sysexits.h`.
enum ExitStatus: Int32 {
  /// The other side answered a request with an error.
  case remoteError = 1
  /// A command line that makes no sense; also what the argument parser ends with.
  case usage = 64
  /// What was given as data is not what it should be.
  case dataError = 65
  /// A file that was named cannot be read.
  case noInput = 66
  /// No connection, or the connection was lost or closed before the answer.
  case unavailable = 69
  /// The system did not give something that is always there: memory, descriptors, threads.
  case systemError = 71
  /// A file that was to be written cannot be made.
  case cannotCreate = 73
  /// Reading or writing failed.
  case inputOutputError = 74
  /// A time limit ran out.
  case timeout = 75
  /// The other side does not speak the protocol, or broke it.
  case protocolError = 76
  /// One side did not prove that it has the key, or may not be used.
  case noPermission = 77
  /// A users file or key file is wrong, or open to others.
  case configuration = 78
  /// Ended by the user at the terminal.
  case interrupted = 130

  /// The statuses for `--help`.
  static let help = """
    Exit status:
      0    success
      1    the other side answered with an error (call)
      64   the command line makes no sense
      65   what was given is not a value, not hex, not a recording, …
      66   a file cannot be read
      69   no connection; refused as busy; lost or closed before the answer
      71   the system gave no memory, descriptor or process
      73   a file cannot be created, or exists already
      74   reading or writing failed
      75   a time limit ran out
      76   the other side does not speak the protocol, or broke it
      77   a user or key was not accepted, or the server did not prove that it has the key
      78   a users file or key file is wrong, or open to others
      130  interrupted at the terminal
    conformance and vectors have statuses of their own; see their --help.
    """
}
