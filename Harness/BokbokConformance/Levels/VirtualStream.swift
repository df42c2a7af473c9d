/// A byte stream in memory, both ends of it: the kit's, and that of the implementation, whose reads are cut as a
/// ``Split`` has it.
///
/// It behaves as a stream socket does: what is sent and not read fills it until no more goes in; each half ends by
/// itself; and whoever closes it with something unread resets it.
final class VirtualStream: CaseStream, VirtualActor {
  /// Nil until the kit has taken the stream of a client.
  private var trace: StreamTrace?
  private let split: Split
  /// How many bytes that nobody has read it holds on their way to the implementation.
  private static let outgoingCapacity = 65_536
  /// The same towards the kit.
  private var incomingCapacity = 65_536
  /// The longest piece that the kit has sent at once.
  private(set) var longestSend = 0

  // To the implementation.
  /// What the kit has sent and nobody has read, as it was sent.
  private var outgoing: [[UInt8]] = []
  /// Where reading goes on: in which piece, and where in it.
  private var outgoingPlace = (piece: 0, offset: 0)
  private var outgoingByteCount = 0
  private var hasOutputEnded = false

  // To the kit.
  private var incoming: [UInt8] = []
  private var hasPeerEnded = false
  private var hasPeerClosed = false
  private var wasReset = false

  // The kit's end.
  private var input: [UInt8] = []
  private var inputOffset = 0
  private(set) var inputEnd: StreamEnd?
  private(set) var isOpen = true
  private(set) var hasOutputFailed = false
  var isReadingPaused = false
  var watchesUnreadInput = false
  private var held: [[UInt8]] = []
  var isHeld = false {
    didSet {
      guard !isHeld, !held.isEmpty else { return }
      enqueue(held.flatMap { $0 })
      held = []
    }
  }

  init(split: Split) {
    self.split = split
  }

  /// The kit takes its end. Before that nothing arrives there.
  func attach(trace: StreamTrace, receiveBufferByteCount: Int?) {
    self.trace = trace
    if let receiveBufferByteCount { incomingCapacity = receiveBufferByteCount }
  }

  // MARK: The kit's end

  var available: ArraySlice<UInt8> { input[inputOffset...] }

  func take(_ count: Int) -> [UInt8] {
    let bytes = Array(input[inputOffset..<(inputOffset + count)])
    inputOffset += count
    if inputOffset == input.count {
      input.removeAll(keepingCapacity: true)
      inputOffset = 0
    }
    return bytes
  }

  func send(_ bytes: [UInt8]) {
    guard isOpen, !hasOutputFailed else { return }
    trace?.note(.sent(bytes))
    if hasPeerClosed {
      // As the system does it: the first write to an end that is gone brings a reset.
      if !bytes.isEmpty { fail() }
    } else if isHeld {
      held.append(bytes)
    } else {
      enqueue(bytes)
    }
  }

  private func enqueue(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    longestSend = max(longestSend, bytes.count)
    outgoing.append(bytes)
    outgoingByteCount += bytes.count
  }

  private func fail() {
    trace?.note(.remark(.kitCannotWrite(reason: "the testee has closed the stream")))
    hasOutputFailed = true
    guard inputEnd == nil else { return }
    trace?.note(.remark(.inputEnded(.reset, reason: "the testee has closed the stream")))
    inputEnd = .reset
  }

  var isFlushed: Bool { (outgoingByteCount <= Self.outgoingCapacity && held.isEmpty) || hasOutputFailed || !isOpen }

  func shutDownOutput() {
    guard isOpen, !hasOutputEnded else { return }
    trace?.note(.remark(.kitEndsSending))
    hasOutputEnded = true
  }

  func reset() {
    guard isOpen else { return }
    trace?.note(.remark(.kitResets))
    dropEverything()
    wasReset = true
  }

  func close() {
    guard isOpen else { return }
    trace?.note(.remark(.kitCloses))
    if !incoming.isEmpty || inputOffset < input.count {
      dropEverything()
      wasReset = true
    }
    hasOutputEnded = true
    isOpen = false
    inputEnd = inputEnd ?? .end
  }

  private func dropEverything() {
    dropOutgoing()
    isOpen = false
    inputEnd = inputEnd ?? .end
  }

  /// Brings to the kit what the implementation has sent.
  func act() -> Bool {
    guard isOpen, inputEnd == nil, trace != nil else { return false }
    if isReadingPaused {
      guard watchesUnreadInput, !incoming.isEmpty || hasPeerEnded else { return false }
      trace?.note(.remark(.inputWaits))
      watchesUnreadInput = false
      return true
    }
    if !incoming.isEmpty {
      trace?.note(.received(incoming))
      input += incoming
      incoming.removeAll(keepingCapacity: true)
      return true
    }
    guard hasPeerEnded else { return false }
    trace?.note(.remark(.inputEnded(wasReset ? .reset : .end, reason: "the testee has reset it")))
    inputEnd = wasReset ? .reset : .end
    if wasReset { hasOutputFailed = true }
    return true
  }

  var deadline: ContinuousClock.Instant? { nil }

  // MARK: The implementation's end

  /// The next piece of what the kit has sent, cut as the split has it; nil while there is none.
  func read() -> ArraySlice<UInt8>? {
    guard hasUnread else { return nil }
    let (piece, offset) = outgoingPlace
    let sent = outgoing[piece]
    let end = offset + split.readLength(at: offset, of: sent.count)
    outgoingByteCount -= end - offset
    outgoingPlace = end == sent.count ? (piece + 1, 0) : (piece, end)
    if !hasUnread { dropOutgoing() }
    return sent[offset..<end]
  }

  private var hasUnread: Bool { outgoingPlace.piece < outgoing.count }

  private func dropOutgoing() {
    outgoing.removeAll(keepingCapacity: true)
    outgoingPlace = (0, 0)
    outgoingByteCount = 0
  }

  /// Whether the kit has ended its half and everything was read.
  var isAtEnd: Bool { hasOutputEnded && !hasUnread }

  /// Whether the kit has reset the stream.
  var isReset: Bool { wasReset && !isOpen && !hasPeerClosed }

  /// Whether the kit has closed both halves: what is written now gets nowhere.
  var isClosedByKit: Bool { !isOpen }

  /// Whether there is room.
  var isWritable: Bool { incoming.count < incomingCapacity }

  func write(_ bytes: some Sequence<UInt8>) {
    incoming.append(contentsOf: bytes)
  }

  /// The implementation has finished sending.
  func endWriting() {
    hasPeerEnded = true
  }

  /// The implementation closes both halves.
  func closePeer() {
    guard !hasPeerClosed else { return }
    hasPeerClosed = true
    hasPeerEnded = true
    guard hasUnread else { return }
    // What was sent and nobody reads turns the close into a reset.
    dropOutgoing()
    wasReset = true
    guard !hasOutputFailed else { return }
    if isOpen { trace?.note(.remark(.kitCannotWrite(reason: "the testee has closed the stream"))) }
    hasOutputFailed = true
  }
}
