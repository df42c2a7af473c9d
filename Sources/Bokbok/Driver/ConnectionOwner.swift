/// What opened the stream of a connection: a client's attempt to connect, or a server.
enum ConnectionOwner {
  case client(ClientAttempt)
  case server(ServerCore, ServerCore.StreamID)

  /// A server has not stopped before its close handlers have ended.
  func closeHandlerIsDue() {
    if case .server(let core, _) = self { core.closeHandlerIsDue() }
  }

  func closeHandlerEnded() {
    if case .server(let core, _) = self { core.closeHandlerEnded() }
  }
}
