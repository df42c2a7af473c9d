/// What a program does with its connections: one handler for requests, and two for connections that open and end.
///
/// Both sides of a connection can have handlers: once it is open the two are equal.
public struct Handlers: Sendable {
  /// Server: asked for each connection that opens. It lets the connection in or turns it down (C-9).
  ///
  /// Requests wait until it has decided. One that throws turns the connection down with the code `shutdown`. It is
  /// cancelled when the connection ends before it has decided. nil, the default, lets everyone in. A client does not
  /// call it.
  ///
  /// It runs on the event loop of the connection; see ``HandlerExecution/eventLoop``.
  public var open: (@Sendable (Connection) async throws -> OpenDecision)?

  /// Answers the requests of the other side. The default answers each with ``RemoteError`` of the code
  /// `unknown-request`.
  public var request: RequestHandler

  /// Called exactly once for each connection that was open and was not turned down, with how it ended (C-8).
  ///
  /// It runs on the event loop of the connection, after the open handler has ended. It is not cancelled.
  public var close: (@Sendable (Connection, ConnectionEnd) async -> Void)?

  /// Handlers; each can be left out.
  public init(
    open: (@Sendable (Connection) async throws -> OpenDecision)? = nil,
    request: RequestHandler = .absent,
    close: (@Sendable (Connection, ConnectionEnd) async -> Void)? = nil
  ) {
    self.open = open
    self.request = request
    self.close = close
  }
}

/// What an open handler decides about a connection (C-9).
public struct OpenDecision: Sendable {
  enum Kind: Sendable {
    case letIn
    case turnDown(code: String, message: String)
  }

  let kind: Kind

  /// The connection stays: its requests reach the handler from now on.
  public static let letIn = OpenDecision(kind: .letIn)

  /// The connection is closed with this code and message; requests that came meanwhile are answered with `closing`, and
  /// the close handler is not called.
  ///
  /// - Throws: ``BokbokError`` with the code ``BokbokError/Code/configuration`` unless the code has 1 to 64 bytes of
  ///   `a-z 0-9 . -` and is not `protocol-error`.
  public static func turnDown(code: String = "shutdown", message: String = "") throws(BokbokError) -> OpenDecision {
    try CloseCode.check(code)
    return OpenDecision(kind: .turnDown(code: code, message: message))
  }
}
