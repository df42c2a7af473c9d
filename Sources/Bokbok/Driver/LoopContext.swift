internal import DequeModule
internal import NIOConcurrencyHelpers
internal import NIOCore

/// What the connections of one event loop share: the turns of the loop, the jobs of handler tasks, and the keys' memory.
///
/// A turn is everything that one event sets off: the bytes of a read, or the calls that came from other threads
/// meanwhile. Its jobs run first, then each connection that has something to send is flushed once, so that all answers
/// of a turn share a record and a write.
///
/// Sendable although it has mutable state: all of it but the inbox, which a mutex guards, is touched on the event loop
/// only; each entry says so or checks.
final class LoopContext: @unchecked Sendable {
  let eventLoop: any EventLoop

  /// On the event loop only.
  let keySlab = KeySlab()

  private struct Job {
    let job: UnownedJob
    /// Held so that the executor outlives the job.
    let executor: HandlerExecutor
  }

  private enum Arrival {
    case job(Job)
    case work(@Sendable () -> Void)
  }

  private struct Inbox {
    var arrivals: Deque<Arrival> = []
    var isScheduled = false
  }

  // The event loop's own state. It is not checked at run time for overlapping access: nothing keeps one while it calls out.
  @exclusivity(unchecked) private var jobs: Deque<Job> = []
  @exclusivity(unchecked) private var unflushed: [ConnectionHandler] = []
  @exclusivity(unchecked) private var isInTurn = false
  @exclusivity(unchecked) private var isContinuationScheduled = false
  @exclusivity(unchecked) private var turnBegan: NIODeadline?
  @exclusivity(unchecked) private var lastExecutor: HandlerExecutor?

  /// The executor of the connections that log nothing, while there are any: it holds this. Not weak, since each of its
  /// retains would then take the runtime's slow way.
  private(set) var silentExecutor: HandlerExecutor?
  private var silentConnectionCount = 0

  private let inbox = NIOLockedValueBox(Inbox())

  /// Jobs of one turn at most: a task that yields for ever must not keep the loop from reading.
  private static let jobsPerTurnMax = 512

  init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// The time by which the loop's timers go. All time limits are taken from it, never from the system's clock beside it.
  var now: NIODeadline { self.eventLoop.now }

  // MARK: From any thread

  /// Runs the work in a turn of the event loop: at once if the caller is on the loop, else soon, in the order of calls.
  func perform(_ work: @escaping @Sendable () -> Void) {
    if self.eventLoop.inEventLoop {
      self.turn(work)
    } else {
      self.arrive(.work(work))
    }
  }

  /// Runs a job of a task in a turn of the event loop.
  func enqueue(_ job: UnownedJob, executor: HandlerExecutor) {
    let job = Job(job: job, executor: executor)
    guard self.eventLoop.inEventLoop else {
      self.arrive(.job(job))
      return
    }
    self.jobs.append(job)
    if !self.isInTurn { self.scheduleContinuation() }
  }

  private func arrive(_ arrival: Arrival) {
    let mustSchedule = self.inbox.withLockedValue { inbox in
      inbox.arrivals.append(arrival)
      defer { inbox.isScheduled = true }
      return !inbox.isScheduled
    }
    // One wake-up of the loop for all that arrive before it looks.
    if mustSchedule { self.eventLoop.execute { self.takeArrivals() } }
  }

  // MARK: On the event loop

  /// Runs the closure as part of a turn, and ends the turn unless this is inside one.
  func turn<Result>(_ body: () -> Result) -> Result {
    let result = self.withinTurn(body)
    self.endTurn()
    return result
  }

  /// Runs the closure as the beginning of a turn that another call will end: what one read produced is sent together.
  func withinTurn<Result>(_ body: () -> Result) -> Result {
    self.eventLoop.assertInEventLoop()
    let wasInTurn = self.isInTurn
    self.isInTurn = true
    if self.turnBegan == nil { self.turnBegan = .now() }
    defer { self.isInTurn = wasInTurn }
    return body()
  }

  /// Has the connection flushed at the end of this turn.
  func needsFlush(_ handler: ConnectionHandler) {
    guard !handler.isWaitingForFlush else { return }
    handler.isWaitingForFlush = true
    self.unflushed.append(handler)
  }

  /// A connection that logs nothing has begun: others share its executor.
  func silentConnectionBegan(_ executor: HandlerExecutor) {
    self.silentConnectionCount += 1
    self.silentExecutor = self.silentExecutor ?? executor
  }

  func silentConnectionEnded() {
    self.silentConnectionCount -= 1
    if self.silentConnectionCount == 0 { self.silentExecutor = nil }
  }

  /// A handler of the executor's connection ran, or a part of one: the time of the turn is charged to it.
  func handlerRan(_ executor: HandlerExecutor) {
    self.lastExecutor = executor
  }

  /// Runs the jobs that are due and flushes, unless this is inside a turn.
  func endTurn() {
    guard !self.isInTurn else { return }
    self.isInTurn = true
    let began = self.turnBegan ?? .now()
    var jobsLeft = Self.jobsPerTurnMax
    while !self.unflushed.isEmpty || (jobsLeft > 0 && !self.jobs.isEmpty) {
      while jobsLeft > 0, let next = self.jobs.popFirst() {
        jobsLeft -= 1
        next.job.runSynchronously(on: next.executor.asUnownedTaskExecutor())
        self.lastExecutor = next.executor
      }
      let handlers = self.unflushed
      self.unflushed.removeAll(keepingCapacity: true)
      for handler in handlers {
        handler.isWaitingForFlush = false
        handler.flush()
      }
    }
    self.isInTurn = false
    self.turnBegan = nil
    if let executor = self.lastExecutor {
      self.lastExecutor = nil
      executor.turnTook(.now() - began)
    }
    if !self.jobs.isEmpty { self.scheduleContinuation() }
  }

  private func scheduleContinuation() {
    guard !self.isContinuationScheduled else { return }
    self.isContinuationScheduled = true
    self.eventLoop.execute {
      self.isContinuationScheduled = false
      self.endTurn()
    }
  }

  private func takeArrivals() {
    let arrivals = self.inbox.withLockedValue { inbox in
      inbox.isScheduled = false
      var arrivals: Deque<Arrival> = []
      swap(&arrivals, &inbox.arrivals)
      return arrivals
    }
    self.turn {
      for arrival in arrivals {
        switch arrival {
        case .job(let job): self.jobs.append(job)
        case .work(let work): work()
        }
      }
    }
  }
}
