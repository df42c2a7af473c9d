internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The file of a UNIX server's socket, and the lock that a server holds while it serves.
struct UnixSocketFile: Sendable {
  let path: String
  private let lock: LockFile
  private let identity: FileIdentity

  /// Finds out whether something listens at the path, removes a dead socket, and binds a new one with the given
  /// permissions, all under the lock. Nothing listens yet.
  ///
  /// - Returns: The file, and the descriptor of the bound socket, which the caller owns.
  /// - Throws: ``BokbokError`` with the code `address` or `listen`.
  static func create(path: String, mode: UInt32) throws(BokbokError) -> (UnixSocketFile, CInt) {
    let address: SocketAddress
    do {
      address = try SocketAddress(unixDomainSocketPath: path)
    } catch {
      throw BokbokError(.address, "\(path) cannot be the path of a UNIX socket: \(error)", cause: error)
    }
    let lock = try LockFile.take(path + ".lock")
    do throws(BokbokError) {
      try self.clear(path, address)
      let descriptor = try UnixSocket.bind(to: address, path: path, mode: mode)
      guard let identity = FileIdentity(path: path), identity.isSocket else {
        _ = close(descriptor)
        throw BokbokError(.listen, "the socket at \(path) was replaced while the server started; try again")
      }
      return (UnixSocketFile(path: path, lock: lock, identity: identity), descriptor)
    } catch {
      lock.release()
      throw error
    }
  }

  /// Removes the file, unless another one has taken its place.
  func remove() {
    if FileIdentity(path: self.path) == self.identity { _ = unlink(self.path) }
  }

  /// Gives the lock back; its file stays.
  func unlock() {
    self.lock.release()
  }

  /// Makes the path free for a new socket, if what is there is a socket on which nothing listens.
  private static func clear(_ path: String, _ address: SocketAddress) throws(BokbokError) {
    guard let existing = FileIdentity(path: path) else { return }
    guard existing.isSocket else {
      throw BokbokError(
        .listen,
        "the server cannot listen on \(path): a file that is no socket is there; remove it or use another path"
      )
    }
    switch UnixSocket.probe(address) {
    case .dead:
      break
    case .alive:
      throw BokbokError(
        .listen,
        "the server cannot listen on \(path): something listens there; stop it or use another path"
      )
    case .unknown(let errorNumber):
      throw BokbokError(
        .listen,
        """
        the server cannot listen on \(path): a socket is there, and whether something listens on it cannot be found \
        out: \(SystemFailure.text(errorNumber)); remove it or use another path
        """
      )
    }
    guard unlink(path) == 0 || errno == ENOENT else {
      throw BokbokError(
        .listen,
        "the server cannot remove the dead socket \(path): \(SystemFailure.text(errno)); remove it yourself"
      )
    }
  }
}

/// Which file a path names: a file that took its place has another device or inode.
struct FileIdentity: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  let isSocket: Bool

  /// nil where there is no such file. Links are not followed.
  init?(path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    self.device = UInt64(status.st_dev)
    self.inode = UInt64(status.st_ino)
    self.isSocket = status.st_mode & S_IFMT == S_IFSOCK
  }
}
