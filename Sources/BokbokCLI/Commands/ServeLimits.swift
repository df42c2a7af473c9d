internal import ArgumentParser
internal import Bokbok

/// The limits of a server that can be set on the command line. Those that are left out have the library's defaults.
struct ServeLimits: ParsableArguments {
  @Option(help: ArgumentHelp("How many connections may be open.", valueName: "count"))
  var connectionsMax: Int?

  @Option(help: ArgumentHelp("How many requests each client may have under way.", valueName: "count"))
  var requestsMax: Int?

  @Option(help: ArgumentHelp("The largest request that is taken, at least 1024.", valueName: "bytes"))
  var messageBytesMax: Int?

  @Option(help: ArgumentHelp("How long a connection may take to open.", valueName: "seconds"))
  var handshakeTimeout: Double?

  @Option(help: ArgumentHelp("How long is waited for what is under way when the server stops.", valueName: "seconds"))
  var drainTimeout: Double?

  @Option(help: ArgumentHelp("Ask for a sign of life after so long without one.", valueName: "seconds"))
  var keepalive: Double?

  @Option(help: ArgumentHelp("Close connections on which nothing was under way for so long.", valueName: "seconds"))
  var idleTimeout: Double?

  @Option(help: ArgumentHelp("The permissions of a UNIX socket, in octal; 0600 if left out.", valueName: "mode"))
  var socketMode: String?

  @Flag(help: "Tell clients nothing about unexpected errors of handlers.")
  var hideHandlerErrors = false

  private static let secondsMax = 1_000_000_000.0

  func validate() throws {
    let durations = [
      ("--handshake-timeout", handshakeTimeout), ("--drain-timeout", drainTimeout), ("--keepalive", keepalive),
      ("--idle-timeout", idleTimeout),
    ]
    for (name, seconds) in durations {
      guard let seconds else { continue }
      guard (0...ServeLimits.secondsMax).contains(seconds) else {
        throw ValidationError("\(name) is a number of seconds, not negative, but \(seconds) was given.")
      }
    }
    if let socketMode, ServeLimits.mode(socketMode) == nil {
      throw ValidationError("--socket-mode is an octal number from 0000 to 0777, but \"\(socketMode)\" was given.")
    }
  }

  /// The defaults of the library with what was given. The library checks the ranges.
  var configuration: Configuration {
    var configuration = Configuration()
    if let connectionsMax { configuration.connectionsMax = connectionsMax }
    if let requestsMax { configuration.requestsMax = requestsMax }
    if let messageBytesMax { configuration.messageBytesMax = messageBytesMax }
    if let handshakeTimeout { configuration.handshakeTimeout = .seconds(handshakeTimeout) }
    if let drainTimeout { configuration.drainTimeout = .seconds(drainTimeout) }
    if let keepalive { configuration.keepaliveInterval = .seconds(keepalive) }
    if let idleTimeout { configuration.idleTimeout = .seconds(idleTimeout) }
    if let socketMode, let mode = ServeLimits.mode(socketMode) { configuration.unixSocketMode = mode }
    configuration.hidesHandlerErrors = hideHandlerErrors
    return configuration
  }

  private static func mode(_ text: String) -> UInt32? {
    UInt32(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
  }
}
