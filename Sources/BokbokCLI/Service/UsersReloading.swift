internal import Bokbok
internal import Logging
internal import NIOConcurrencyHelpers

/// The users of a server that runs, which can be read again from their file.
final class UsersReloading: Sendable {
  private let path: String
  private let users: NIOLockedValueBox<UsersFile>

  /// Reads the file.
  ///
  /// - Throws: a failure that says what is wrong with it.
  init(path: String) throws(CommandFailure) {
    self.path = path
    users = NIOLockedValueBox(try UsersFile(path: path))
  }

  /// What the server asks, for each connection.
  var security: ServerSecurity {
    .sealed(lookingUpCandidates: { user in self.keys(of: user) })
  }

  private func keys(of user: UserName) -> [PresharedKey] {
    users.withLockedValue { $0.keys[user] } ?? []
  }

  /// Reads the file again. A bad file changes nothing: a mistake in it must not lock everybody out.
  func reload(logger: Logger) {
    do throws(CommandFailure) {
      let read = try UsersFile(path: path)
      users.withLockedValue { $0 = read }
      logger.notice("The users file was read again: \(read.keys.count) users. Open connections stay as they are.")
    } catch {
      logger.error("The users file was not taken over, the users from before stay. \(error)")
    }
  }
}
