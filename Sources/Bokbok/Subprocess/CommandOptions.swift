/// How a client starts the command of an `exec:` address, and how it ends it.
///
/// Giving one in ``Configuration/commands`` allows such addresses: they run programs with the rights of this process.
public struct CommandOptions: Sendable {
  /// All defaults.
  public init() {}

  /// All environment variables of the command; nil, the default: those of this process at the time.
  public var environment: [String: String]?

  /// The command's working directory; nil, the default: that of this process. A program with a `/` in its name that does
  /// not begin with one is looked for from there; one without a `/` in the `PATH` of this process.
  public var workingDirectory: String?

  /// How long the command may take to end once its stream is closed, which ends its standard input, until it is sent
  /// SIGTERM; not negative, default 2 s.
  public var terminateTimeout: Duration = .seconds(2)

  /// How long after that SIGTERM it is sent SIGKILL if it has not ended; not negative, default 2 s.
  public var killTimeout: Duration = .seconds(2)

  /// Called for each line that the command writes to standard error, without its line end, in their order, on the
  /// event loop of the connection: it must not block. The text is the command's: escape it before you show it, for
  /// example with `String(displaying:)`. A line longer than 8192 bytes comes in parts. nil, the default: the lines go to
  /// the log with the level `info`.
  public var errorLine: (@Sendable (String) -> Void)?
}
