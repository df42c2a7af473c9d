internal import Logging
internal import NIOCore

/// Runs the tasks of handlers on their connection's event loop (SE-0417).
///
/// There is one for each connection, so that a turn that takes long can be charged to the connection whose handler ran; but
/// where nothing is logged, those of an event loop share one.
final class HandlerExecutor: TaskExecutor {
  let loop: LoopContext
  private let logger: Logger
  private let slowTurnThreshold: TimeAmount

  init(loop: LoopContext, logger: Logger, slowTurnThreshold: TimeAmount) {
    self.loop = loop
    self.logger = logger
    self.slowTurnThreshold = slowTurnThreshold
  }

  /// One whose turns nobody is told of.
  static func silent(on loop: LoopContext) -> HandlerExecutor {
    HandlerExecutor(loop: loop, logger: .silent, slowTurnThreshold: .nanoseconds(.max))
  }

  func enqueue(_ job: consuming ExecutorJob) {
    self.loop.enqueue(UnownedJob(job), executor: self)
  }

  /// A turn in which a handler of this connection ran took so long.
  func turnTook(_ duration: TimeAmount) {
    guard duration > self.slowTurnThreshold else { return }
    self.logger.warning(
      """
      handlers held up the event loop for \(duration.nanoseconds / 1_000_000) ms; move those that compute to the \
      global pool with Configuration.handlerExecution = .globalPool, or with the same option of the one handler
      """
    )
  }
}
