internal import NIOConcurrencyHelpers

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// This process's standard input and output, moved away for the protocol.
enum StandardDescriptors {
  /// What the two are. The descriptors are the caller's to close, and no command inherits them.
  enum Streams: Sendable {
    /// One socket that is both, as inetd and systemd pass it (A-2.c).
    case socket(CInt)
    /// Two descriptors (A-2.b).
    case pair(input: CInt, output: CInt)
  }

  private static let areTaken = NIOLockedValueBox(false)

  /// Takes both. Descriptor 0 reads nothing from then on and descriptor 1 is standard error, so that what the program
  /// prints cannot get between the records (A-2.d). Where standard error is the same stream it is /dev/null (A-2.e).
  ///
  /// - Throws: ``BokbokError`` with the code `listen` if one of them is closed or no stream, or both have been taken
  ///   before; nothing has changed then.
  static func take() throws(BokbokError) -> Streams {
    let wereTaken = self.areTaken.withLockedValue { areTaken in
      defer { areTaken = true }
      return areTaken
    }
    guard !wereTaken else {
      throw BokbokError(
        .listen,
        "standard input and output have been taken by a server of this process before; they serve one connection"
      )
    }
    do throws(BokbokError) {
      return try self.takeOnce()
    } catch {
      self.areTaken.withLockedValue { $0 = false }
      throw error
    }
  }

  private static func takeOnce() throws(BokbokError) -> Streams {
    let (isOneSocket, isErrorOutput) = try self.check()
    let input = try self.move(STDIN_FILENO)
    var output: CInt = -1
    do throws(BokbokError) {
      if !isOneSocket { output = try self.move(STDOUT_FILENO) }
      try self.replace(silencingErrors: isErrorOutput)
    } catch {
      _ = close(input)
      if output >= 0 { _ = close(output) }
      throw error
    }
    if isOneSocket { return .socket(input) }
    return .pair(
      input: self.withOwnDescription(input, flags: O_RDONLY),
      output: self.withOwnDescription(output, flags: O_WRONLY)
    )
  }

  /// Whether both are the same socket, and whether standard error is what standard output is, known by device and inode
  /// (A-2.c, A-2.e); an error where one of them cannot be served on.
  private static func check() throws(BokbokError) -> (isOneSocket: Bool, isErrorOutput: Bool) {
    let input = try self.status(of: STDIN_FILENO, "standard input")
    let output = try self.status(of: STDOUT_FILENO, "standard output")
    var errors = stat()
    let hasErrors = fstat(STDERR_FILENO, &errors) == 0
    return (
      isOneSocket: input.st_mode & S_IFMT == S_IFSOCK && self.isSame(input, output),
      isErrorOutput: hasErrors && self.isSame(errors, output)
    )
  }

  private static func isSame(_ one: stat, _ other: stat) -> Bool {
    one.st_dev == other.st_dev && one.st_ino == other.st_ino
  }

  private static func status(of descriptor: CInt, _ name: String) throws(BokbokError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw self.error(name, "is closed")
    }
    switch status.st_mode & S_IFMT {
    case S_IFIFO:
      break
    case S_IFSOCK:
      try self.checkSocket(descriptor, name)
    case S_IFCHR where isatty(descriptor) == 1:
      // It would change the bytes and echo them.
      throw self.error(name, "is a terminal")
    case S_IFREG:
      throw self.error(name, "is a regular file")
    case S_IFDIR:
      throw self.error(name, "is a directory")
    default:
      throw self.error(name, "is a device, such as /dev/null")
    }
    return status
  }

  private static func checkSocket(_ descriptor: CInt, _ name: String) throws(BokbokError) {
    guard SocketOptions.integer(SO_TYPE, of: descriptor) == SocketOptions.streamType else {
      throw self.error(name, "is a socket of another type than SOCK_STREAM")
    }
    guard SocketOptions.integer(SO_ACCEPTCONN, of: descriptor) == 0 else {
      throw BokbokError(
        .listen,
        """
        a server cannot serve on stdio:: \(name) is a socket that listens, but expected is one connection; have the \
        supervisor accept it (inetd: nowait, systemd: Accept=yes)
        """
      )
    }
  }

  private static func error(_ name: String, _ what: String) -> BokbokError {
    BokbokError(
      .listen,
      """
      a server cannot serve on stdio:: \(name) \(what), but expected is a pipe or a socket; start the server with an \
      exec: address, or from inetd or systemd
      """
    )
  }

  private static func move(_ descriptor: CInt) throws(BokbokError) -> CInt {
    let moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    guard moved >= 0 else {
      throw BokbokError(.resources, "standard input and output cannot be moved: \(SystemFailure.text(errno))")
    }
    return moved
  }

  private static func replace(silencingErrors: Bool) throws(BokbokError) {
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard nothing >= 0 else {
      throw BokbokError(.listen, "/dev/null cannot be opened: \(SystemFailure.text(errno))")
    }
    defer { _ = close(nothing) }
    _ = dup2(nothing, STDIN_FILENO)
    // A-2.e: inetd passes its socket as standard error, too; what is written there would get between the records.
    if silencingErrors { _ = dup2(nothing, STDERR_FILENO) }
    // Standard error may be closed; then there is nowhere to print to.
    if dup2(STDERR_FILENO, STDOUT_FILENO) < 0 { _ = dup2(nothing, STDOUT_FILENO) }
  }

  /// The same pipe, opened once more where the system allows: a description that no other process shares,
  /// so that none finds it non-blocking. Else the descriptor itself, whose mode ``DescriptorModes`` gives back.
  private static func withOwnDescription(_ descriptor: CInt, flags: CInt) -> CInt {
    #if os(Linux)
    let own = open("/proc/self/fd/\(descriptor)", flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard own >= 0 else { return descriptor }
    _ = close(descriptor)
    return own
    #else
    return descriptor
    #endif
  }
}
