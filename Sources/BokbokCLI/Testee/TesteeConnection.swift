internal import Bokbok
internal import BokbokConformance
internal import NIOConcurrencyHelpers

/// A connection of a testee, with the events it causes.
///
/// The events of a connection that the testee itself opens are held back until the reply to its `connect` has been
/// given to the output.
final class TesteeConnection: Sendable {
  /// The id in the contract.
  let id: String
  /// The id of the server that took it; nil where this side opened it.
  let server: String?

  private struct State {
    var heldEvents: [JSON]?
    var hasEnded = false
    var endWaiters: [CheckedContinuation<Void, Never>] = []
  }

  private let state: NIOLockedValueBox<State>
  private let output: TesteeOutput

  init(id: String, server: String?, holdsEvents: Bool, output: TesteeOutput) {
    self.id = id
    self.server = server
    self.output = output
    self.state = NIOLockedValueBox(State(heldEvents: holdsEvents ? [] : nil))
  }

  /// Reports an event of this connection.
  func report(_ event: String, _ members: KeyValuePairs<String, JSON?> = [:]) {
    var object = JSON.Object()
    object["event"] = .string(event)
    object["connection"] = .string(id)
    // What is nil is left out.
    for (name, value) in members { object[name] = value }
    state.withLockedValue { state in
      if state.heldEvents == nil {
        output.write(.object(object))
      } else {
        state.heldEvents?.append(.object(object))
      }
    }
  }

  /// Gives a reply to the output, and after it the events that were held back.
  func releaseEvents(after reply: JSON) {
    state.withLockedValue { state in
      output.write(reply)
      for event in state.heldEvents ?? [] { output.write(event) }
      state.heldEvents = nil
    }
  }

  /// Whether the end has been reported.
  var hasEnded: Bool { state.withLockedValue { $0.hasEnded } }

  /// Reports the end, once.
  func reportEnd(_ end: ConnectionEnd) {
    report(
      "closed",
      [
        "reason": .string(end.reason.rawValue),
        "code": end.code.map { .string($0) },
        "message": end.code.map { _ in .string(end.message) },
      ]
    )
    let waiters = state.withLockedValue { state in
      state.hasEnded = true
      defer { state.endWaiters = [] }
      return state.endWaiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns when the end has been reported.
  func waitUntilEndReported() async {
    await withCheckedContinuation { continuation in
      let hasEnded = state.withLockedValue { state in
        if !state.hasEnded { state.endWaiters.append(continuation) }
        return state.hasEnded
      }
      if hasEnded { continuation.resume() }
    }
  }
}
