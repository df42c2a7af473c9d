public import Logging

/// What a handler knows about a request besides its value.
public struct RequestContext: Sendable {
  /// The connection that the request came on. A handler may send requests on it in turn, to any depth that the other
  /// side's `max-requests` allows.
  public let connection: Connection

  /// The number of the exchange: unique among those under way, and used again later.
  public let exchange: UInt32

  /// Until when the handler may take (``Configuration/handlerTimeout``); nil where there is no limit. A handler that
  /// sends requests itself can give them what is left.
  public var deadline: ContinuousClock.Instant? { self.limit?.deadline }

  /// Where there is a limit. A class, because the standard library keeps the size of an instant to itself: a struct that
  /// holds one is copied by way of its metadata, which takes a tenth of the time of a small request.
  let limit: Limit?

  final class Limit: Sendable {
    let deadline: ContinuousClock.Instant

    init(_ deadline: ContinuousClock.Instant) {
      self.deadline = deadline
    }
  }

  /// The user that was authenticated; nil on a plain connection.
  public var user: UserName? { self.connection.user }

  /// The address of the other side.
  public var peerAddress: Address { self.connection.peerAddress }

  /// The connection's logger with the number of the exchange added to its metadata.
  public var logger: Logger {
    var logger = self.connection.logger
    logger[metadataKey: LogKeys.exchange] = "\(self.exchange)"
    return logger
  }
}
