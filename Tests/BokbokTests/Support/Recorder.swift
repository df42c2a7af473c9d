import NIOConcurrencyHelpers

/// Collects what happens, and lets tests wait for it.
final class Recorder<Element: Sendable>: Sendable {
  private struct Waiter {
    let count: Int
    let continuation: CheckedContinuation<[Element], Never>
  }

  private struct State {
    var elements: [Element] = []
    var waiters: [Waiter] = []
  }

  private let state = NIOLockedValueBox(State())

  /// What has been recorded so far.
  var elements: [Element] { self.state.withLockedValue { $0.elements } }

  func record(_ element: Element) {
    let (due, elements) = self.state.withLockedValue { state in
      state.elements.append(element)
      let count = state.elements.count
      let due = state.waiters.filter { $0.count <= count }
      state.waiters.removeAll { $0.count <= count }
      return (due, state.elements)
    }
    for waiter in due { waiter.continuation.resume(returning: elements) }
  }

  /// Waits until so many have been recorded.
  @discardableResult
  func wait(count: Int = 1) async -> [Element] {
    await withCheckedContinuation { continuation in
      let elements: [Element]? = self.state.withLockedValue { state in
        if state.elements.count >= count { return state.elements }
        state.waiters.append(Waiter(count: count, continuation: continuation))
        return nil
      }
      if let elements { continuation.resume(returning: elements) }
    }
  }
}

/// Something that happens once.
typealias Event = Recorder<Void>

extension Recorder where Element == Void {
  func happen() { self.record(()) }
}

/// Holds handlers back until the test lets them go.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let state = NIOLockedValueBox(State())

  func open() {
    let waiters = self.state.withLockedValue { state in
      state.isOpen = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits until the gate opens; being cancelled does not help.
  func pass() async {
    await withCheckedContinuation { continuation in
      let isOpen = self.state.withLockedValue { state in
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}

/// Waits until the task is cancelled.
func untilCancelled() async {
  let gate = Gate()
  await withTaskCancellationHandler {
    await gate.pass()
  } onCancel: {
    gate.open()
  }
}
