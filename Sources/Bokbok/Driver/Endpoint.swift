internal import Logging
internal import NIOCore

/// What all connections of one server, or the one of a client, have in common.
final class Endpoint: Sendable {
  enum Role: String {
    case client
    case server
  }

  let role: Role
  let configuration: Configuration
  let machineConfiguration: SharedConfiguration
  let handlers: Handlers
  let logger: Logger
  /// Whether somebody listens to the logger: else connections need no metadata for it.
  let isLogging: Bool
  let metrics: ConnectionMetrics?

  /// Checks the configuration.
  init(role: Role, configuration: Configuration, handlers: Handlers, logger: Logger?) throws(BokbokError) {
    self.role = role
    self.configuration = configuration
    self.machineConfiguration = SharedConfiguration(try configuration.machineConfiguration())
    self.handlers = handlers
    self.logger = logger ?? .silent
    self.isLogging = logger != nil
    self.metrics = ConnectionMetrics(role: role.rawValue, factory: configuration.metricsFactory)
  }

  /// Socket options of a new stream, and how NIO reads and writes it. On the event loop of the channel.
  func prepare(_ channel: any Channel) throws {
    guard let options = channel.syncOptions else { return }
    // C-6: the end of input is told apart from the end of the stream.
    try options.setOption(.allowRemoteHalfClosure, value: true)
    // A read that fills less than its buffer is the last one of its turn, so that this costs no call more.
    try options.setOption(.maxMessagesPerRead, value: 4)
    // Little waits in NIO's own buffer: what waits longer can be overtaken by what is more urgent (P-1).
    try options.setOption(.writeBufferWaterMark, value: .init(low: 32_768, high: 65_536))
    try options.setOption(.recvAllocator, value: ReceiveBufferSize())
    switch channel.remoteAddress ?? channel.localAddress {
    case .v4, .v6:
      // NIO has set it on a client's socket.
      if self.role == .server || !self.configuration.tcpNoDelay {
        try options.setOption(.tcpOption(.tcp_nodelay), value: self.configuration.tcpNoDelay ? 1 : 0)
      }
      if self.configuration.tcpKeepalive { try options.setOption(.socketOption(.so_keepalive), value: 1) }
    default:
      break
    }
  }
}
