internal import NIOConcurrencyHelpers

/// A number of places for tasks; those that find none wait for one, in the order in which they came.
final class HandlerSlots: Sendable {
  private struct State {
    var freeCount: Int
    var nextTicket: UInt64 = 0
    /// Those that wait, by their tickets, which grow.
    var waiters: [(ticket: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    /// Tickets that were cancelled before they waited.
    var cancelledTickets: Set<UInt64> = []
  }

  private let state: NIOLockedValueBox<State>

  init(count: Int) {
    state = NIOLockedValueBox(State(freeCount: count))
  }

  /// Takes a place, which has to be given back.
  ///
  /// - Throws: `CancellationError` if the task is cancelled while it waits; then it has no place.
  func acquire() async throws {
    let ticket = state.withLockedValue { state in
      defer { state.nextTicket += 1 }
      return state.nextTicket
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Void, any Error>? = state.withLockedValue { state in
          if state.cancelledTickets.remove(ticket) != nil { return .failure(CancellationError()) }
          if state.freeCount > 0 {
            state.freeCount -= 1
            return .success(())
          }
          state.waiters.append((ticket, continuation))
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let waiter = state.withLockedValue { state -> CheckedContinuation<Void, any Error>? in
        guard let index = state.waiters.firstIndex(where: { $0.ticket == ticket }) else {
          state.cancelledTickets.insert(ticket)
          return nil
        }
        return state.waiters.remove(at: index).continuation
      }
      waiter?.resume(throwing: CancellationError())
    }
    // A cancellation that came after the place was given left its mark.
    state.withLockedValue { _ = $0.cancelledTickets.remove(ticket) }
  }

  /// Gives a place back: to the one that waits longest.
  func release() {
    let waiter = state.withLockedValue { state -> CheckedContinuation<Void, any Error>? in
      guard !state.waiters.isEmpty else {
        state.freeCount += 1
        return nil
      }
      return state.waiters.removeFirst().continuation
    }
    waiter?.resume()
  }
}
