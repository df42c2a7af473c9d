internal import NIOCore

/// Something that goes on while the case waits: a stream, or the implementation at its other end.
protocol VirtualActor: AnyObject {
  /// Does the next thing that there is to do now; false if there is nothing.
  func act() -> Bool
  /// When there will be something to do although nothing else happens; nil: never.
  var deadline: ContinuousClock.Instant? { get }
}

/// A clock that stands still while anything is left to do, and then jumps to the next time at which something is due: a
/// time limit of a minute passes at once, and the same case always plays the same.
final class VirtualClock: CaseClock {
  private(set) var now: ContinuousClock.Instant
  /// Nothing is ever missed here.
  var heartbeat: Duration?

  private let origin: ContinuousClock.Instant
  private var actors: [any VirtualActor] = []
  /// What asks the run to end, which ends each wait; nil where nothing does.
  private let stop: RunStop?
  /// After so many acts it is looked whether the run is to end.
  private static let actsBetweenLooks = 1024

  /// So many acts without time passing are no progress: two sides answer each other for ever.
  private static let actsWithoutTimeMax = 20 << 20

  init(stop: RunStop? = nil) {
    self.stop = stop
    // Not the beginning of time: differences may be negative.
    origin = .now
    now = origin
    lastTimestamp = origin
  }

  /// Also what happens at the same time has its order.
  var timestamp: ContinuousClock.Instant {
    lastTimestamp = max(now, lastTimestamp + Self.timestampStep)
    return lastTimestamp
  }

  private var lastTimestamp: ContinuousClock.Instant
  /// So little that all of a play makes no microsecond.
  private static let timestampStep = Duration(secondsComponent: 0, attosecondsComponent: 1000)

  /// The time in the terms of the core.
  var machineNow: NIODeadline { machineTime(now) }

  /// A time of the core as one of the case.
  func caseTime(_ deadline: NIODeadline) -> ContinuousClock.Instant {
    origin + .nanoseconds(Int64(clamping: deadline.uptimeNanoseconds) - Self.machineOrigin)
  }

  private func machineTime(_ instant: ContinuousClock.Instant) -> NIODeadline {
    let (seconds, attoseconds) = (instant - origin).components
    let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    return .uptimeNanoseconds(UInt64(Self.machineOrigin + nanoseconds))
  }

  /// Where the core's clock stands at the beginning.
  private static let machineOrigin: Int64 = 1_000_000_000_000

  func add(_ actor: any VirtualActor) {
    actors.append(actor)
  }

  /// Nothing goes on any more.
  func removeAll() { actors = [] }

  func remove(_ actor: any VirtualActor) {
    actors.removeAll { $0 === actor }
  }

  func wait<Result>(until deadline: ContinuousClock.Instant, for condition: () throws -> Result?) throws -> Result? {
    var actsLeft = Self.actsWithoutTimeMax
    while true {
      if actsLeft % Self.actsBetweenLooks == 0, let stop, stop.isRequested { throw RunStopped() }
      if let result = try condition() { return result }
      if actors.contains(where: { $0.act() }) {
        actsLeft -= 1
        guard actsLeft > 0 else { throw NeverAtRest() }
        continue
      }
      guard now < deadline else { return nil }
      let next = actors.compactMap(\.deadline).min() ?? deadline
      // What is due in the past and does nothing when its turn comes would hold the clock up for ever.
      guard next > now || next > deadline else { throw NeverAtRest() }
      now = min(next, deadline)
      actsLeft = Self.actsWithoutTimeMax
    }
  }

  /// The implementation goes on and on without waiting for anything.
  struct NeverAtRest: Error, CustomStringConvertible {
    var description: String { "what is played never comes to rest: time cannot pass" }
  }
}
