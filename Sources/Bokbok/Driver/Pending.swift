internal import NIOCore

/// One caller that waits for one result, which is given once; later ones are dropped.
///
/// Sendable although it has mutable state: it is touched on the event loop of its connection only, one access
/// at a time.
class Pending<Success: Sendable>: @unchecked Sendable {
  private enum Waiter {
    case task(UnsafeContinuation<Success, any Error>)
    case callback((Result<Success, any Error>) -> Void)
  }

  @exclusivity(unchecked) private var waiter: Waiter?
  /// Whether the caller is called back on the event loop, and no task waits.
  let callsBack: Bool
  /// Cancelled or answered.
  @exclusivity(unchecked) private(set) var isFinished = false

  /// One that a task will wait for, see `begin`.
  init() {
    self.callsBack = false
  }

  /// One whose caller is called back.
  init(callback: @escaping (Result<Success, any Error>) -> Void) {
    self.waiter = .callback(callback)
    self.callsBack = true
  }

  /// Begins to wait. False: the caller had given up before; it has been told.
  func begin(_ continuation: UnsafeContinuation<Success, any Error>) -> Bool {
    guard !self.isFinished else {
      continuation.resume(throwing: CancellationError())
      return false
    }
    self.waiter = .task(continuation)
    return true
  }

  func finish(with result: Result<Success, any Error>) {
    self.isFinished = true
    guard let waiter = self.waiter.take() else { return }
    switch waiter {
    case .task(let continuation): continuation.resume(with: result)
    case .callback(let callback): callback(result)
    }
  }
}

/// An own request that is under way.
final class PendingRequest: Pending<Value>, @unchecked Sendable {
  /// The exchange, once the machine has taken the request.
  @exclusivity(unchecked) var exchange: ExchangeID?
  @exclusivity(unchecked) var deadline: NIODeadline?
  /// Only where metrics are kept.
  @exclusivity(unchecked) var began: NIODeadline?
}
