internal import BokbokCore

/// What passes the time while a case waits, and lets everything else go on meanwhile.
///
/// Live it is the system's clock and its descriptors; the other levels have a clock that jumps.
protocol CaseClock: AnyObject {
  /// The time by which the case waits.
  var now: ContinuousClock.Instant { get }

  /// The time by which what happens is noted: ``now``, and different for all that happens where that stands still.
  var timestamp: ContinuousClock.Instant { get }

  /// The most time between two looks at what happens, where something is judged by what the kit was there to see; nil: as
  /// long as nothing happens.
  var heartbeat: Duration? { get set }

  /// Lets everything go on until the condition gives a value, or the time is over: then nil.
  func wait<Result>(until deadline: ContinuousClock.Instant, for condition: () throws -> Result?) throws -> Result?
}

extension CaseClock {
  var timestamp: ContinuousClock.Instant { now }

  /// Lets everything go on for this long.
  func serve(for duration: Duration) throws {
    let nothing: Bool? = try wait(until: now + duration) { nil }
    assert(nothing == nil)
  }
}

/// The kit's end of a byte stream.
protocol CaseStream: AnyObject {
  /// The bytes that have come and were not taken yet.
  var available: ArraySlice<UInt8> { get }
  /// How the incoming half ended; nil while it has not.
  var inputEnd: StreamEnd? { get }
  var isOpen: Bool { get }
  /// Whether everything that was sent has left the kit, or cannot any more.
  var isFlushed: Bool { get }
  /// Whether writing has failed: the peer is gone.
  var hasOutputFailed: Bool { get }
  /// While set, nothing is read, so that the peer's sending comes to a halt.
  var isReadingPaused: Bool { get set }
  /// Set by who wants to know, while reading is paused, that something has come; false again when it has.
  var watchesUnreadInput: Bool { get set }
  /// While set, what is sent waits; then all of it goes out at once.
  var isHeld: Bool { get set }

  /// Takes that many of the available bytes.
  func take(_ count: Int) -> [UInt8]
  func send(_ bytes: [UInt8])
  /// Shuts down the sending half, behind what is queued.
  func shutDownOutput()
  /// Resets the stream, as far as it can be.
  func reset()
  /// Closes both halves. Whoever wants no reset reads to the end first.
  func close()
}

/// The implementation under test, as it is driven: commands in, replies and events out.
protocol CaseTestee: AnyObject {
  /// Events in the order in which they came, which no step has taken.
  var events: [JSON] { get set }
  /// Why no more can be expected of it; nil while more can.
  var failure: TesteeProcess.Failure? { get }
  /// What it said for people.
  var errorText: [UInt8] { get }
  /// What went over the contract, for the trace.
  var log: [ContractLine] { get }

  /// Gives a command and returns its number, by which the reply is known.
  func send(_ command: String, _ members: JSON.Object) -> Int
  /// The reply to a command, once it has come; it is given once.
  func takeReply(to sequence: Int) -> JSON?
  /// Forgets what an earlier case has left.
  func beginCase()
  /// The descriptors that it has open; nil where it has none of its own, or the system does not tell.
  func openDescriptors() -> OpenDescriptors?
  /// The memory that it has for itself; nil where it has none of its own, or the system does not tell.
  func memoryByteCount() -> Int?
  /// Forgets what went over the contract from this line on.
  func forgetLog(from index: Int)
  /// Ends it: asks it to, and makes it if it does not within the time. Returns how it ended.
  func end(within duration: Duration) throws -> ChildProcess.ExitStatus?
  /// Ends it at once.
  func release()
}

/// How the kit and testees find each other.
protocol MeetingPlace: AnyObject {
  /// The address that the testee's next server is told to listen on.
  func nextServerAddress() -> SocketAddress
  /// A stream to a server of the testee.
  func connect(
    to address: SocketAddress,
    receiveBufferByteCount: Int?,
    trace: StreamTrace
  ) throws -> any CaseStream
  /// Looks at what a server of the testee has made at its address, beside serving there.
  func check(serverAt address: SocketAddress) throws
  /// The address that the testee's clients are told to connect to.
  func clientAddress() throws -> String
  /// The address of a relay that reports what happens to it, and where it does.
  func reportingRelay(_ options: RelayOptions) throws -> (address: String, reports: RelayReports)
  /// The stream of a testee that has connected; nil while there is none.
  func takeStream(receiveBufferByteCount: Int?, trace: StreamTrace) throws -> (any CaseStream)?
  /// Whether a testee has connected and no case has taken the stream.
  var hasWaitingStream: Bool { get }
  func dropWaitingStreams()
  /// Notes a testee's ephemeral public key; false if one has been used before.
  func noteFresh(publicKey: [UInt8]) -> Bool
  /// 32 secret bytes for a handshake of the kit's.
  func freshSecret() throws(SecretError) -> SecretBytes
}

extension MeetingPlace {
  func check(serverAt address: SocketAddress) throws {}

  func freshSecret() throws(SecretError) -> SecretBytes { try SecretBytes.random(count: 32) }
}

extension MeetingPlace {
  func reportingRelay(_ options: RelayOptions) throws -> (address: String, reports: RelayReports) {
    throw CaseDataProblem(description: "there is a relay only over standard input and output")
  }
}
