import NIOCore

/// A stream after its last word (F-3): the word is written, the sending half shut down, and what still arrives is
/// discarded until the end of input, for a bounded time.
struct EndingStream {
  private enum State {
    /// The word is being written. The deadline is nil until the clock has said what time it is: an outcome may be
    /// decided by a call that does not.
    case writing(deadline: NIODeadline?)
    /// The sending half is to be shut down.
    case written
    /// Input is discarded.
    case discarding(deadline: NIODeadline)
    case closing
    case closed
  }

  private let timeout: TimeAmount
  private var state: State
  private var inputHasEnded = false
  private var output: ByteBuffer?

  /// `output` is what is left to be taken, the word at its end.
  init(output: ByteBuffer?, timeout: TimeAmount, inputHasEnded: Bool) {
    self.output = output
    self.timeout = timeout
    self.inputHasEnded = inputHasEnded
    state = .writing(deadline: nil)
  }

  /// A stream that is closed without a word.
  static func atOnce() -> EndingStream {
    var stream = EndingStream(output: nil, timeout: .zero, inputHasEnded: true)
    stream.state = .closing
    return stream
  }

  var deadline: NIODeadline? {
    switch state {
    case .writing(let deadline): deadline ?? .uptimeNanoseconds(0)
    case .discarding(let deadline): deadline
    case .written, .closing, .closed: nil
    }
  }

  var wantsWriteReport: Bool {
    if case .writing = state { output == nil } else { false }
  }

  mutating func takeOutput() -> ByteBuffer? {
    output.take()
  }

  mutating func outputWritten() {
    if case .writing = state, output == nil { state = .written }
  }

  mutating func receiveEnd() {
    inputHasEnded = true
    if case .discarding = state { state = .closing }
  }

  /// Nothing more goes: the stream can only be closed.
  mutating func streamFailed() {
    if case .closed = state { return }
    state = .closing
  }

  mutating func timePassed(now: NIODeadline) {
    switch state {
    case .writing(nil): state = .writing(deadline: now + timeout)
    case .writing(let deadline?) where now >= deadline: state = .closing
    case .discarding(let deadline) where now >= deadline: state = .closing
    case .writing, .written, .discarding, .closing, .closed: break
    }
  }

  mutating func nextAction(now: NIODeadline) -> ConnectionAction? {
    switch state {
    case .written:
      state = inputHasEnded ? .closing : .discarding(deadline: now + timeout)
      return .shutDownOutput
    case .closing:
      state = .closed
      return .closeStream
    case .writing, .discarding, .closed:
      return nil
    }
  }
}

/// Whether output that has to go out before a stream can be ended does so: however slowly, but not slower than some of
/// it within the time limit of a word (F-3).
struct OutputProgress {
  /// Nil until the clock has said what time it is.
  private var checkDeadline: NIODeadline?
  private var hasMoved = false

  var deadline: NIODeadline { checkDeadline ?? .uptimeNanoseconds(0) }

  mutating func tookOutput() {
    hasMoved = true
  }

  /// To be asked at `deadline`.
  mutating func isStuck(now: NIODeadline, timeout: TimeAmount) -> Bool {
    guard now >= deadline else { return false }
    if checkDeadline != nil, !hasMoved { return true }
    checkDeadline = now + timeout
    hasMoved = false
    return false
  }
}

/// A connection whose outcome is known: it is reported, and the stream brought to its end.
struct EndedConnection {
  var stream: EndingStream
  private var report: ConnectionEnding?
  let counters: ConnectionCounters
  var now: NIODeadline

  /// Without a stream to end: it is closed at once.
  init(
    _ ending: ConnectionEnding,
    stream: EndingStream = .atOnce(),
    counters: ConnectionCounters = ConnectionCounters(),
    now: NIODeadline
  ) {
    report = ending
    self.stream = stream
    self.counters = counters
    self.now = now
  }

  mutating func nextAction() -> ConnectionAction? {
    // F-3: the outcome is reported at once, not after the wait.
    if let ending = report.take() { return .ended(ending) }
    return stream.nextAction(now: now)
  }
}
