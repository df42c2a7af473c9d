internal import Foundation

/// How fast the machine and the testee answer at present, measured at the start of a run and again as it goes: the time
/// limits of the kit and of its cases grow with it, so that a busy machine fails nobody.
///
/// All threads of a run share one.
final class Pace: @unchecked Sendable {
  // Sendable is safe: everything that changes is behind the lock.

  /// What the reply to `hello` takes at most where nothing has to be stretched. On an idle machine it is a tenth of that,
  /// also with an interpreter.
  static let usualRoundTrip: Duration = .milliseconds(20)
  /// Slower than so many times that is no load any more: limits have to end.
  static let factorMax = 8.0

  private static let sampleCountMax = 32
  private static let sampleInterval: Duration = .milliseconds(200)

  private let lock = NSLock()
  private var samples: [Duration] = []
  private var nextSampleTime = ContinuousClock.now
  private var firstRoundTrip: Duration?
  private var highestFactor = 1.0
  private var firstStartDuration: Duration?

  /// Notes how long one reply to `hello` took.
  func note(_ roundTrip: Duration) {
    lock.lock()
    defer { lock.unlock() }
    if samples.count == Self.sampleCountMax { samples.removeFirst() }
    samples.append(roundTrip)
    firstRoundTrip = firstRoundTrip ?? roundTrip
    highestFactor = max(highestFactor, currentFactor)
  }

  /// Notes how long the first process took from its start to its first answer.
  func noteStart(_ duration: Duration) {
    lock.lock()
    defer { lock.unlock() }
    firstStartDuration = firstStartDuration ?? duration
  }

  /// How long that was; nil if none has started.
  var startDuration: Duration? {
    lock.lock()
    defer { lock.unlock() }
    return firstStartDuration
  }

  /// Whether it is time for another measurement; says so to one thread only.
  func takeTurn() -> Bool {
    lock.lock()
    defer { lock.unlock() }
    guard ContinuousClock.now >= nextSampleTime else { return false }
    nextSampleTime = .now + Self.sampleInterval
    return true
  }

  /// By how much times are to be stretched now: 1 unless the machine is busy or slow, ``factorMax`` at most.
  var factor: Double {
    lock.lock()
    defer { lock.unlock() }
    return currentFactor
  }

  /// What has been measured so far, for the report.
  var measured: Measured {
    lock.lock()
    defer { lock.unlock() }
    return Measured(roundTripAtStart: firstRoundTrip ?? .zero, factorMax: highestFactor)
  }

  struct Measured: Sendable {
    /// How long the reply to `hello` took at the start.
    var roundTripAtStart = Duration.zero
    /// The largest factor of the run.
    var factorMax = 1.0
  }

  /// Of the last measurements, all but the slowest tenth were as fast as this says.
  private var currentFactor: Double {
    guard !samples.isEmpty else { return 1 }
    let slow = samples.sorted()[samples.count * 9 / 10]
    return min(Self.factorMax, max(1, slow / Self.usualRoundTrip))
  }
}
