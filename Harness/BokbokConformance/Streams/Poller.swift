internal import Foundation

/// A descriptor that a ``Poller`` waits for.
protocol PollSource: AnyObject {
  /// The descriptors to wait for now, with `POLLIN` or `POLLOUT`.
  var interests: [(descriptor: Int32, events: Int16)] { get }

  /// One of them is ready; what it found, the source keeps for those who wait.
  func handle(_ descriptor: Int32, _ events: Int16)
}

/// Waits on all streams and processes of one group of cases, on one thread: nothing in the kit needs a lock or a sleep.
final class Poller: CaseClock {
  private var sources: [any PollSource] = []
  /// What decides in place of the system's clock how time passes; nil in a live run.
  var timekeeper: (any Timekeeper)?

  /// The time by which what happens is noted.
  var now: ContinuousClock.Instant { timekeeper?.now ?? .now }

  /// The most time between two looks at the sources, where something is judged by what the kit was there to see; nil: as
  /// long as nothing happens.
  var heartbeat: Duration? {
    didSet {
      lastLook = nil
      longestDelay = .zero
    }
  }
  /// The longest time for which the machine kept the kit from looking, since the heartbeat was set.
  private(set) var longestDelay = Duration.zero
  private var lastLook: ContinuousClock.Instant?
  /// What asks the run to end, which ends each wait; nil where nothing does.
  private let stop: RunStop?

  init(stop: RunStop? = nil) {
    self.stop = stop
  }

  func add(_ source: any PollSource) {
    sources.append(source)
  }

  func remove(_ source: any PollSource) {
    sources.removeAll { $0 === source }
  }

  /// Serves all sources until the condition gives a value, or the time is over: then nil. Throws ``RunStopped`` if the
  /// run is to end.
  func wait<Result>(until deadline: ContinuousClock.Instant, for condition: () throws -> Result?) throws -> Result? {
    if let timekeeper { return try timekeeper.wait(deadline - now, for: condition) }
    while true {
      if let stop, stop.isRequested { throw RunStopped() }
      if let result = try condition() { return result }
      let rest = deadline - .now
      guard rest > .zero else { return nil }
      try serve(for: rest)
    }
  }

  /// Serves all sources for this long.
  func serve(until deadline: ContinuousClock.Instant) throws {
    let nothing: Bool? = try wait(until: deadline) { nil }
    assert(nothing == nil)
  }

  private func noteLook() {
    guard heartbeat != nil else { return }
    let now = ContinuousClock.now
    if let lastLook { longestDelay = max(longestDelay, now - lastLook) }
    lastLook = now
  }

  /// Serves what is ready now. Returns whether there was anything.
  @discardableResult
  func serveReady() throws -> Bool {
    try serve(forMilliseconds: 0)
  }

  /// Waits for the next event, and serves it.
  private func serve(for duration: Duration) throws {
    try serve(forMilliseconds: min(min(duration, heartbeat ?? duration).milliseconds + 1, 60_000))
  }

  /// Returns whether anything happened in that time.
  @discardableResult
  private func serve(forMilliseconds milliseconds: Int) throws -> Bool {
    var descriptors: [pollfd] = []
    var owners: [any PollSource] = []
    for source in sources {
      for interest in source.interests {
        descriptors.append(pollfd(fd: interest.descriptor, events: interest.events, revents: 0))
        owners.append(source)
      }
    }
    // Last, since it has no owner.
    if let stop { descriptors.append(pollfd(fd: stop.wakeDescriptor, events: Int16(POLLIN), revents: 0)) }
    let count = poll(&descriptors, nfds_t(descriptors.count), Int32(milliseconds))
    noteLook()
    guard count >= 0 else {
      if errno == EINTR { return false }
      throw SystemCallError(call: "poll", code: errno)
    }
    guard count > 0 else { return false }
    for (descriptor, owner) in zip(descriptors, owners) where descriptor.revents != 0 {
      // An earlier one may have ended this one.
      if sources.contains(where: { $0 === owner }) { owner.handle(descriptor.fd, descriptor.revents) }
    }
    return true
  }
}

/// Decides how time passes where it is not the system's.
protocol Timekeeper: AnyObject {
  var now: ContinuousClock.Instant { get }

  /// Lets time pass until the condition gives a value, or for this long: then nil.
  func wait<Result>(_ duration: Duration, for condition: () throws -> Result?) throws -> Result?
}

extension Duration {
  /// Whole milliseconds, rounded down.
  var milliseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }
}
