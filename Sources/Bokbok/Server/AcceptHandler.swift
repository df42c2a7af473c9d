internal import Logging
internal import NIOCore

/// Tells the server of new streams in their order, and keeps it alive through errors of accepting: running out of
/// descriptors pauses it (O-12).
final class AcceptHandler: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private let core: ServerCore
  private var context: ChannelHandlerContext?
  private var isPaused = false

  /// How long a pause lasts at most. It ends earlier when a stream of this server closes; descriptors that others gave
  /// back show only by trying.
  private static let pause = TimeAmount.milliseconds(200)

  init(core: ServerCore) {
    self.core = core
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let channel = Self.unwrapInboundIn(data)
    guard self.core.accepted(channel) else {
      channel.close(promise: nil)
      return
    }
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, SystemFailure.isShortage(error) else {
      // Mostly of one stream that ended before it was set up.
      self.core.endpoint.logger.debug("a stream could not be accepted", metadata: [LogKeys.error: "\(error)"])
      return
    }
    guard !self.isPaused else { return }
    self.core.endpoint.logger.warning(
      "accepting pauses: the process has no descriptors or memory left; raise ulimit -n or lower connectionsMax",
      metadata: [LogKeys.error: "\(error)"]
    )
    self.setPaused(true)
    let eventLoop = context.eventLoop
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.setPaused(false) }
    self.core.whenStreamCloses { eventLoop.execute { bound.value.setPaused(false) } }
  }

  private func setPaused(_ isPaused: Bool) {
    guard isPaused != self.isPaused, let context = self.context else { return }
    self.isPaused = isPaused
    do {
      try context.channel.syncOptions?.setOption(.autoRead, value: !isPaused)
    } catch {
      self.core.endpoint.logger.debug("the listener has closed", metadata: [LogKeys.error: "\(error)"])
    }
  }
}
