/// The names of the metrics that the library keeps, each with the dimension `role` (`server` or `client`).
public enum MetricNames {
  /// Counter: connections that opened.
  public static let connectionsOpened = "bokbok.connections.opened"
  /// Meter: connections that are open now.
  public static let connectionsActive = "bokbok.connections.active"
  /// Counter: streams that ended before they were open: refused, not authenticated, too slow, another protocol.
  public static let handshakeFailures = "bokbok.handshake.failures"
  /// Counter: own requests.
  public static let requestsSent = "bokbok.requests.sent"
  /// Counter: requests that reached the handler.
  public static let requestsReceived = "bokbok.requests.received"
  /// Counter: answers of the handler that were a value.
  public static let answersSent = "bokbok.answers.sent"
  /// Counter: answers to own requests that were a value.
  public static let answersReceived = "bokbok.answers.received"
  /// Counter: answers of the handler that were an error.
  public static let errorsSent = "bokbok.errors.sent"
  /// Counter: own requests that failed, also by a time limit or the end of the connection, but not by being cancelled.
  public static let errorsReceived = "bokbok.errors.received"
  /// Counter: bytes written to streams.
  public static let bytesSent = "bokbok.bytes.sent"
  /// Counter: bytes read from streams.
  public static let bytesReceived = "bokbok.bytes.received"
  /// Timer: from an own request to its answer, a value or an error.
  public static let requestDuration = "bokbok.request.duration"
}
