/// Where a request handler runs.
public struct HandlerExecution: Hashable, Sendable, CustomStringConvertible {
  /// The name.
  public let description: String

  private init(_ description: String) {
    self.description = description
  }

  /// On the event loop of the connection: the fastest for handlers that neither block nor compute for long. An
  /// asynchronous handler comes back to the loop after each `await`, unless it runs on an actor.
  ///
  /// A handler that blocks here holds up every connection of that loop; see ``Configuration/slowTurnThreshold``.
  public static let eventLoop = HandlerExecution("eventLoop")

  /// On the global pool of Swift concurrency: for handlers that compute. One that blocks a thread for long needs
  /// threads of its own, since the pool has one for each core.
  public static let globalPool = HandlerExecution("globalPool")
}
