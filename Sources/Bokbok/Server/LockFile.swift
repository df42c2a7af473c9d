#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// An exclusive lock on a file of its own. The file is never removed: who waited for a file that goes would lock
/// nothing.
struct LockFile: Sendable {
  private let descriptor: CInt

  /// Creates the file, for its owner only, if it is not there, and locks it. A lock that another holds is an error at
  /// once.
  static func take(_ path: String) throws(BokbokError) -> LockFile {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw BokbokError(.listen, "the lock file \(path) cannot be opened: \(SystemFailure.text(errno))")
    }
    var result: CInt
    repeat {
      result = flock(descriptor, LOCK_EX | LOCK_NB)
    } while result != 0 && errno == EINTR
    guard result == 0 else {
      let errorNumber = errno
      _ = close(descriptor)
      guard errorNumber == EWOULDBLOCK else {
        throw BokbokError(.listen, "the lock file \(path) cannot be locked: \(SystemFailure.text(errorNumber))")
      }
      throw BokbokError(
        .listen,
        "another server holds the lock \(path), and with it the socket; stop it or use another path"
      )
    }
    return LockFile(descriptor: descriptor)
  }

  func release() {
    _ = close(self.descriptor)
  }
}
