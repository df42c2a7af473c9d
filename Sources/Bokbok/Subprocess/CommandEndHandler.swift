internal import NIOCore

/// Holds the end of a command's stream back for a moment, until it is known how the command ended: that is why the
/// connection is lost.
///
/// On its event loop only; it stands before the connection's handler.
final class CommandEndHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let process: CommandProcess
  private var context: ChannelHandlerContext?
  private var inputHasClosed = false
  private var isInactive = false
  private var isReleased = false
  private var isWaiting = false

  /// A command that closes its output may go on; then nothing is known of its end.
  private static let patience = TimeAmount.milliseconds(500)

  init(process: CommandProcess) {
    self.process = process
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed? = event as? ChannelEvent, !self.isReleased else {
      context.fireUserInboundEventTriggered(event)
      return
    }
    self.inputHasClosed = true
    self.wait(context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    guard !self.isReleased else {
      context.fireChannelInactive()
      return
    }
    self.isInactive = true
    self.wait(context)
  }

  private func wait(_ context: ChannelHandlerContext) {
    guard !self.isWaiting else { return }
    self.isWaiting = true
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let eventLoop = context.eventLoop
    self.process.whenEnded { end in eventLoop.execute { bound.value.release(end) } }
    eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { self.release(nil) }
  }

  private func release(_ end: CommandEnd?) {
    guard !self.isReleased, let context = self.context else { return }
    self.isReleased = true
    if let end { context.fireUserInboundEventTriggered(end) }
    if self.inputHasClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    if self.isInactive { context.fireChannelInactive() }
  }
}
