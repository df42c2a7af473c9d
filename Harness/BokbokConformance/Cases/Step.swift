/// One step of a case.
struct Step: Sendable {
  /// Its place, for people: `3`, or `3.2` inside a `repeat`.
  let place: String
  /// The connection that it is about.
  let connection: String
  /// The configurations in which it is played: all of these words must hold.
  let only: [String]
  var timeLimit: Duration?
  /// What it waits for comes no sooner than this after the step before it began.
  let notBefore: Duration?
  var pieces: Pieces?
  var action: Action
  /// The step as it stands in the file, for the trace.
  let source: JSON

  /// How bytes are cut when they are sent.
  struct Pieces: Sendable, Equatable {
    let byteCount: Int
    let interval: Duration
  }

  indirect enum Action: Sendable {
    case connect(ConnectStep)
    case opening(until: Case.Start, OpeningStep)
    case send([FrameTemplate])
    case sendMessage(MessageTemplate)
    case sendRecord(RecordTemplate)
    case sendBytes(ByteTemplate)
    case stream(StreamAct)
    case expect([FramePattern])
    case expectAnyOrder([FramePattern])
    case expectOneOf([[FramePattern]])
    case expectOvertaking(FramePattern, overtaken: FramePattern)
    case expectBytes(ByteTemplate)
    case expectRecord(byteCount: Int?)
    case refusal(RefusalStep)
    case violation(EndingStep)
    case tampering(EndingStep)
    case end([StreamEnd])
    case silence(Duration)
    case fence
    case roundTrip(String?, id: IDTemplate?)
    case close(CloseStep)
    case cleanEnd(code: String?, message: String?, keepsStream: Bool)
    case discards(byteCount: Int)
    case closesStream
    case command(CommandStep)
    case reply(ReplyStep)
    case event(EventPattern)
    case noEvent(EventPattern)
    case noConnection
    case goodConnection
    case relay(RelayStep)
    case `repeat`(RepeatStep)
  }

  /// Whether it, or a step inside of it, is repeated until the testee's memory has stopped to grow.
  var boundsMemory: Bool {
    guard case .repeat(let repetition) = action else { return false }
    return repetition.memory != nil || repetition.steps.contains(where: \.boundsMemory)
  }

  enum StreamAct: String, Sendable {
    case halfClose
    case reset
    case close
    case pauseReading
    /// Waits, while reading is paused, until the system holds bytes of the testee.
    case awaitInput
    case resumeReading
    /// What is sent waits, so that it goes out in one piece.
    case hold
    case release
  }
}

/// How an opening departs from the book.
struct OpeningStep: Sendable {
  var user: ByteTemplate?
  var key: [UInt8]?
  var preamble: ByteTemplate?
  var message1: HandshakeEdit?
  var message2: HandshakeEdit?
  var settings: ByteTemplate?
  var isPreambleSent = false
  var pieces: Step.Pieces?
}

/// What the kit does to a handshake message of its own.
struct HandshakeEdit: Sendable {
  var change: ByteChange?
  var cutTo: Int?
  var append: ByteTemplate?
  var ephemeral: [UInt8]?
  var replacement: ByteTemplate?
}

/// One byte that is changed. A negative index counts from the end.
struct ByteChange: Sendable, Equatable {
  let index: Int
  let mask: UInt8

  func apply(to bytes: inout [UInt8]) {
    let index = index < 0 ? bytes.count + index : index
    if bytes.indices.contains(index) { bytes[index] ^= mask }
  }
}

struct ConnectStep: Sendable {
  let name: String
  let start: Case.Start
  let opening: OpeningStep
  let receiveBufferByteCount: Int?
}

struct RecordTemplate: Sendable {
  let content: ByteTemplate
  let declaredByteCount: Int?
  let isUnsealed: Bool
  let change: ByteChange?
  let cutTo: Int?
  let isDropped: Bool
}

struct MessageTemplate: Sendable {
  let kind: WireKind
  let id: IDTemplate
  let body: ByteTemplate
  let fragmentByteCount: Int?
  let isUnfinished: Bool
  /// The most bytes of frames in one record; nil: each fragment has a record of its own.
  let recordByteCount: Int?
}

struct RefusalStep: Sendable {
  let codes: [String]?
  let captureName: String?
  let sameAs: String?
  /// Whether the kit's half stays as it is, for steps that look on.
  let keepsStream: Bool
}

/// A violation or a tampering that the testee finds.
struct EndingStep: Sendable {
  let allowsAnswers: Bool
  let allowsRequests: Bool
  let expectsSettings: Bool
  let isReported: Bool
  /// Whether the kit's half stays as it is, for steps that look on.
  let keepsStream: Bool
}

struct CloseStep: Sendable {
  let code: String
  let message: String
  let allowsAnswers: Bool
}

/// What the kit does to the relay of a connection, or what the relay reports next.
enum RelayStep: Sendable {
  /// It has been started with these words at its end, and these descriptors besides the standard ones.
  case started(words: [String]?, descriptors: [Int]?)
  /// Its standard input has ended.
  case inputEnded
  /// SIGTERM came, no sooner after the end of its input than this.
  case terminated(notBefore: Duration)
  /// It was killed, no sooner after SIGTERM than this.
  case killed(notBefore: Duration)
  /// It ended by itself, and no signal came.
  case ended
  /// Its process is gone from the table of processes.
  case reaped
  /// The kit kills it.
  case kill
}

/// Steps that are played again and again.
struct RepeatStep: Sendable {
  /// How often; where memory is bounded, at first.
  let times: Int
  var steps: [Step]
  let memory: MemoryLimit?
}

/// How much a repetition may leave in the testee's memory.
struct MemoryLimit: Sendable {
  let bytesPerRepetitionMax: Int
  /// After how many repetitions the memory must have stopped to grow by more than that.
  let timesMax: Int
}

/// A command of the testee contract.
struct CommandStep: Sendable {
  let name: String
  let label: String?
  let payload: ByteTemplate?
  /// The label of the request that `cancel` is about.
  let request: String?
  let bytes: ByteTemplate?
  /// Members that go to the testee as they are: `code`, `message`, `graceful`, `passphrase`, `user`, `value`.
  let members: JSON.Object
}

struct ReplyStep: Sendable {
  let label: String
  let outcome: Outcome

  enum Outcome: Sendable {
    case anything
    case success(ReplyPattern)
    case failure(ErrorPattern)
  }
}

struct ReplyPattern: Sendable {
  let response: ValuePattern?
  let responseBytes: ByteTemplate?
  /// Members that must be equal: `key`, `value`.
  let members: JSON.Object
  let bytes: ByteTemplate?
}

struct ErrorPattern: Sendable {
  let kinds: [String]
  let codes: [String]?
  let message: String?
  let details: ValuePattern?
  let side: String?
}

struct EventPattern: Sendable {
  let name: String
  let payload: ValuePattern?
  let payloadBytes: ByteTemplate?
  let reasons: [String]?
  let codes: [String]?
  let message: String?
  /// The user, where it matters; `.null` for none.
  let user: JSON?
  /// Whether events of other connections count too.
  let isOfAnyConnection: Bool
}
