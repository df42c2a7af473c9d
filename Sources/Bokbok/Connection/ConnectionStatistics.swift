/// What has gone over a connection so far.
public struct ConnectionStatistics: Hashable, Sendable {
  /// Bytes read from the stream, with everything that the protocol adds.
  public var bytesReceived: UInt64
  /// Bytes handed out to be written to the stream.
  public var bytesSent: UInt64
  /// Records received whole since the handshake.
  public var recordsReceived: UInt64
  /// Frames received since the handshake.
  public var framesReceived: UInt64
  /// Own requests.
  public var requestsSent: UInt64
  /// Requests of the other side that reached the handler.
  public var requestsReceived: UInt64
}
