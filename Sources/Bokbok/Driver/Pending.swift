internal import NIOCore

/// One caller that waits for one result, which is given once; later ones are dropped.
///
/// Sendable although it has mutable state: it is touched on the event loop of its connection only, one access
/// at a time.
class Pending<Success: Sendable>: @unchecked Sendable {
  @exclusivity(unchecked) private var continuation: UnsafeContinuation<Success, any Error>?
  /// Cancelled or answered.
  @exclusivity(unchecked) fileprivate(set) var isFinished = false

  /// Begins to wait. False: the caller had given up before; it has been told.
  func begin(_ continuation: UnsafeContinuation<Success, any Error>) -> Bool {
    guard !self.isFinished else {
      continuation.resume(throwing: CancellationError())
      return false
    }
    self.continuation = continuation
    return true
  }

  func finish(with result: Result<Success, any Error>) {
    self.isFinished = true
    guard let continuation = self.continuation else { return }
    self.continuation = nil
    continuation.resume(with: result)
  }
}

/// An own request that is under way.
final class PendingRequest: Pending<Value>, @unchecked Sendable {
  /// Called in place of a task that waits. Here and not in the generic class, where it would be wrapped in another closure.
  @exclusivity(unchecked) private var callback: ((Result<Value, any Error>) -> Void)?
  /// The exchange, once the machine has taken the request.
  @exclusivity(unchecked) var exchange: ExchangeID?
  @exclusivity(unchecked) var deadline: NIODeadline?
  /// Only where metrics are kept.
  @exclusivity(unchecked) var began: NIODeadline?

  init(callback: ((Result<Value, any Error>) -> Void)? = nil) {
    self.callback = callback
  }

  /// Whether a caller is still to be called back.
  var callsBack: Bool { self.callback != nil }

  override func finish(with result: Result<Value, any Error>) {
    guard let callback = self.callback.take() else { return super.finish(with: result) }
    self.isFinished = true
    callback(result)
  }
}
