/// What opened the stream of a connection: a client's attempt to connect, or a server.
enum ConnectionOwner {
  case client(ClientAttempt)
  case server(ServerCore, ServerCore.StreamID)

  /// The stream is gone, and with it everything the connection had to do.
  func streamClosed(_ handler: ConnectionHandler) {
    if case .server(let core, let stream) = self { core.streamClosed(stream) }
  }
}
