internal import Dispatch
internal import Foundation
internal import NIOCore

/// An event loop whose time is a ``VirtualClock``'s and whose thread is the case's: what is due runs when the clock asks.
///
/// Sendable although it has mutable state: what is due is behind a lock, and the clock is used on the loop's thread only.
final class VirtualEventLoop: EventLoop, VirtualActor, @unchecked Sendable {
  private let clock: VirtualClock
  private let thread = pthread_self()
  private let lock = NSLock()
  private var tasks: [LoopTask] = []
  private var taskCount: UInt64 = 0

  private struct LoopTask {
    let number: UInt64
    let deadline: NIODeadline
    let run: () -> Void
  }

  init(clock: VirtualClock) {
    self.clock = clock
  }

  var now: NIODeadline { clock.machineNow }

  // MARK: Tasks

  var inEventLoop: Bool { pthread_equal(thread, pthread_self()) != 0 }

  func execute(_ task: @escaping @Sendable () -> Void) {
    add(at: .uptimeNanoseconds(0), task)
  }

  @discardableResult
  private func add(at deadline: NIODeadline, _ run: @escaping () -> Void) -> UInt64 {
    lock.lock()
    defer { lock.unlock() }
    taskCount += 1
    tasks.append(LoopTask(number: taskCount, deadline: deadline, run: run))
    return taskCount
  }

  private func remove(_ number: UInt64) {
    lock.lock()
    defer { lock.unlock() }
    tasks.removeAll { $0.number == number }
  }

  func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
    let promise = makePromise(of: T.self)
    let number = add(at: deadline) {
      do {
        promise.assumeIsolated().succeed(try task())
      } catch {
        promise.fail(error)
      }
    }
    return Scheduled(promise: promise, cancellationTask: { self.remove(number) })
  }

  func scheduleTask<T>(in amount: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
    scheduleTask(deadline: now + amount, task)
  }

  func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
    queue.async { callback(nil) }
  }

  func preconditionInEventLoop(file: StaticString, line: UInt) {
    precondition(inEventLoop, file: file, line: line)
  }

  func preconditionNotInEventLoop(file: StaticString, line: UInt) {
    precondition(!inEventLoop, file: file, line: line)
  }

  // MARK: The clock

  func act() -> Bool {
    guard let task = takeDue() else { return false }
    task()
    return true
  }

  private func takeDue() -> (() -> Void)? {
    lock.lock()
    defer { lock.unlock() }
    let now = now
    // The earliest, and of those at the same time the one that came first.
    let due = tasks.indices.filter { tasks[$0].deadline <= now }
    guard let index = due.min(by: { (tasks[$0].deadline, tasks[$0].number) < (tasks[$1].deadline, tasks[$1].number) })
    else { return nil }
    return tasks.remove(at: index).run
  }

  var deadline: ContinuousClock.Instant? {
    lock.lock()
    defer { lock.unlock() }
    return tasks.map(\.deadline).min().map { clock.caseTime($0) }
  }

  /// Forgets what was to be done.
  func dropEverything() {
    lock.lock()
    let dropped = tasks
    tasks = []
    lock.unlock()
    // Outside of the lock: what goes may call in.
    withExtendedLifetime(dropped) {}
  }
}

/// Runs tasks on a virtual event loop.
final class VirtualTaskExecutor: TaskExecutor {
  private let loop: VirtualEventLoop

  init(loop: VirtualEventLoop) {
    self.loop = loop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// A sleep by a virtual event loop's time. Sendable although it has mutable state: it is touched on the loop's thread only.
final class VirtualSleep: @unchecked Sendable {
  private let loop: VirtualEventLoop
  private var continuation: UnsafeContinuation<Void, any Error>?
  private var timer: Scheduled<Void>?
  private var isCancelled = false

  private init(loop: VirtualEventLoop) {
    self.loop = loop
  }

  /// Waits for so long; nil: for ever. Throws `CancellationError` as soon as the task is cancelled.
  static func wait(for amount: TimeAmount?, on loop: VirtualEventLoop) async throws {
    let sleep = VirtualSleep(loop: loop)
    try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { sleep.begin($0, amount) }
    } onCancel: {
      sleep.cancel()
    }
  }

  private func begin(_ continuation: UnsafeContinuation<Void, any Error>, _ amount: TimeAmount?) {
    loop.preconditionInEventLoop()
    guard !isCancelled else { return continuation.resume(throwing: CancellationError()) }
    self.continuation = continuation
    if let amount { timer = loop.scheduleTask(in: amount) { self.finish(.success(())) } }
  }

  private func cancel() {
    loop.preconditionInEventLoop()
    isCancelled = true
    timer?.cancel()
    finish(.failure(CancellationError()))
  }

  private func finish(_ result: Result<Void, any Error>) {
    continuation.take()?.resume(with: result)
  }
}
