package import Logging
package import NIOCore

/// A server of streams that somebody else makes, such as in memory.
package final class ChannelServer: Sendable {
  private let core: ServerCore
  private let address: Address

  /// - Parameter address: What connections say that they are with, where their channels have no address.
  package init(
    address: Address,
    security: ServerSecurity,
    configuration: Configuration,
    handlers: Handlers,
    logger: Logger? = nil
  ) throws {
    let endpoint = try Endpoint(role: .server, configuration: configuration, handlers: handlers, logger: logger)
    self.core = try ServerCore(endpoint: endpoint, security: security)
    self.address = address
  }

  /// Takes a stream, on the event loop of its channel, which is active.
  package func accept(_ channel: any Channel) throws {
    guard self.core.accepted(channel) else {
      channel.close(promise: nil)
      return
    }
    try self.core.take(channel, address: self.address)
  }

  /// Ends all streams, and returns when that is done.
  package func stop(_ how: Server.StopMode) async {
    self.core.listenerClosed()
    self.core.stop(how)
    await self.core.waitUntilStopped()
  }
}

extension Connection {
  /// Opens a connection over a stream that somebody else has made, on the event loop of its channel, which is active.
  package static func open(
    over channel: any Channel,
    address: Address,
    security: ClientSecurity,
    configuration: Configuration,
    handlers: Handlers,
    logger: Logger? = nil
  ) async throws -> Connection {
    let endpoint = try Endpoint(role: .client, configuration: configuration, handlers: handlers, logger: logger)
    let loop = LoopContexts.context(for: channel.eventLoop)
    let pending = Pending<Connection>()
    let attempt = ClientAttempt(to: address, security: security, endpoint: endpoint, loop: loop, pending: pending)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        loop.perform {
          guard pending.begin(continuation) else { return }
          do {
            try attempt.open(channel)
          } catch {
            channel.close(promise: nil)
            attempt.fail(with: error)
          }
        }
      }
    } onCancel: {
      loop.perform { attempt.giveUp(because: CancellationError()) }
    }
  }
}
