package import NIOCore

/// A server's side of one connection on a channel that the caller has, without a listener: for measuring the driver with
/// bytes in memory.
package enum ServedChannel {
  /// Gives the channel to a new connection. On the channel's event loop, before the channel is active.
  package static func serve(
    _ channel: any Channel,
    security: ServerSecurity,
    configuration: Configuration = Configuration(),
    handlers: Handlers
  ) throws {
    let endpoint = try Endpoint(role: .server, configuration: configuration, handlers: handlers, logger: nil)
    let core = try ServerCore(endpoint: endpoint, security: security)
    guard core.accepted(channel) else { return }
    try core.take(channel, address: .standardIO)
  }
}
