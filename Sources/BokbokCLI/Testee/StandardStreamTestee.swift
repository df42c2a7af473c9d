internal import Bokbok
internal import BokbokConformance

/// The server of a testee on standard input and output, with what its command line says.
struct StandardStreamTestee {
  private static let usersFileByteCountMax = 1 << 20

  private let server: Server

  /// Begins to serve the one connection.
  ///
  /// - Parameters:
  ///   - usersFile: the path of a file with the users in JSON; nil: the server is plain.
  ///   - settings: settings in JSON; nil: the defaults.
  ///   - limits: limits in JSON; nil: the defaults.
  init(_ testee: Testee, usersFile: String?, settings: String?, limits: String?) async throws {
    var members = JSON.Object([("address", "stdio:")])
    members["users"] = try usersFile.map { (path) throws(CommandFailure) in
      try Self.json(try POSIXFile.contents(of: path, byteCountMax: Self.usersFileByteCountMax), "The file \(path)")
    }
    members["settings"] = try settings.map { (text) throws(CommandFailure) in
      try Self.json(Array(text.utf8), "--settings")
    }
    members["limits"] = try limits.map { (text) throws(CommandFailure) in try Self.json(Array(text.utf8), "--limits") }
    self.server = try await testee.startServer(TesteeCommandLine(name: "listen", members: members)).server
  }

  /// Returns when the connection has ended.
  func waitUntilStopped() async {
    await server.waitUntilStopped()
  }

  private static func json(_ bytes: [UInt8], _ source: String) throws(CommandFailure) -> JSON {
    do {
      return try JSON(parsing: bytes)
    } catch {
      throw CommandFailure(.dataError, "\(source) is not JSON: \(error).")
    }
  }
}
