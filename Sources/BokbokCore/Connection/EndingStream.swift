import NIOCore

/// A stream after its last word (F-3): the word is written, the sending half shut down, and what still arrives is
/// discarded until the end of input, for a bounded time.
struct EndingStream {
  private enum State {
    /// The word is being written.
    case writing(deadline: NIODeadline)
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
  init(output: ByteBuffer?, timeout: TimeAmount, inputHasEnded: Bool, now: NIODeadline) {
    self.output = output
    self.timeout = timeout
    self.inputHasEnded = inputHasEnded
    state = .writing(deadline: now + timeout)
  }

  /// A stream that is closed without a word.
  static func atOnce() -> EndingStream {
    var stream = EndingStream(output: nil, timeout: .zero, inputHasEnded: true, now: .uptimeNanoseconds(0))
    stream.state = .closing
    return stream
  }

  var deadline: NIODeadline? {
    switch state {
    case .writing(let deadline), .discarding(let deadline): deadline
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
    if let deadline, now >= deadline { state = .closing }
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
