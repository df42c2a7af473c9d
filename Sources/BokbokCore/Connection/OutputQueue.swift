import DequeModule
import NIOCore

/// What waits to be sent: single frames in the order of sending, and messages of more than one frame that take turns.
///
/// Frames are appended to the record they will go out in, so that all that are ready share records, and one sealing
/// serves them all.
struct OutputQueue {
  /// What a frame counts towards while it waits.
  enum FrameClass {
    /// PONGs, and ERRORs made where no handler had begun (P-4).
    case protocolAnswer
    /// Answers of handlers (P-5).
    case answer
    case other
  }

  /// A message of more than one frame.
  struct LongMessage {
    var kind: FrameKind
    var exchange: ExchangeID
    /// The whole message's length, which counts towards the peer's `max-partial`.
    var byteCount: Int
    /// What has not been sent.
    var rest: ByteBuffer
  }

  /// What became of the messages whose last fragment was put in order by `take`.
  typealias Finished = (kind: FrameKind, exchange: ExchangeID)

  private struct Mark {
    /// Size of the content without tag, in bytes.
    var contentByteCount = 0
    var protocolByteCount = 0
    var answerByteCount = 0
    /// Fragments of answers, which count towards no limit any more.
    var answerFragmentByteCount = 0
    var fragmentCount = 0
  }

  private let tagByteCount: Int
  /// Whole records, each with room for its header and tag; the last one is open while `open` is not nil.
  private var records = ByteBuffer()
  private var marks: Deque<Mark> = []
  private var open: Mark?

  private var waiting: Deque<LongMessage> = []
  private var begun: Deque<LongMessage> = []
  private var begunByteCount = 0
  private var longAnswerByteCount = 0
  private var longestShortAnswer = 0

  /// Bytes of PONGs and of the protocol layer's own ERRORs that wait (P-4).
  private(set) var protocolByteCount = 0
  private var shortAnswerByteCount = 0
  private var answerFragmentByteCount = 0
  /// Fragments in the records that have not been taken.
  private var fragmentCount = 0

  /// The peer's `max-partial`.
  var partialBytesMax = 0

  init(isSealed: Bool) {
    tagByteCount = isSealed ? CipherState.tagByteCount : 0
  }

  /// The largest body of a frame, in bytes.
  var bodyByteCountMax: Int {
    Record.contentByteCountMax - tagByteCount - Frame.headerByteCount
  }

  /// What waits to be sent, in bytes.
  var byteCount: Int {
    begun.reduce(records.readableBytes) { $0 + $1.rest.readableBytes }
      + waiting.reduce(0) { $0 + $1.rest.readableBytes }
  }

  /// Whether answers to the peer wait to be sent: of handlers, or of the protocol layer.
  var hasAnswersWaiting: Bool {
    shortAnswerByteCount + longAnswerByteCount + answerFragmentByteCount + protocolByteCount > 0
  }

  /// Whether the answers that wait to be sent, the longest not counted, exceed a limit in bytes (P-5).
  func answersExceed(_ byteCountMax: Int) -> Bool {
    let total = shortAnswerByteCount + longAnswerByteCount
    guard total > byteCountMax else { return false }
    var longest = longestShortAnswer
    for message in begun where message.kind == .response { longest = max(longest, message.rest.readableBytes) }
    for message in waiting where message.kind == .response { longest = max(longest, message.rest.readableBytes) }
    return total - longest > byteCountMax
  }

  // MARK: Frames

  /// Puts a frame in the order of sending. Its body must fit one frame.
  mutating func append(
    _ kind: FrameKind,
    exchange: ExchangeID = 0,
    body: ByteBuffer,
    as frameClass: FrameClass = .other
  ) {
    beginFrame(kind, exchange: exchange, hasMore: false, bodyByteCount: body.readableBytes, as: frameClass)
    records.writeImmutableBuffer(body)
  }

  /// Puts a message of one frame in the order of sending. `bodyByteCount` is the value's encoded size.
  mutating func append(
    _ kind: FrameKind,
    exchange: ExchangeID,
    value: Value,
    bodyByteCount: Int,
    as frameClass: FrameClass = .other
  ) {
    beginFrame(kind, exchange: exchange, hasMore: false, bodyByteCount: bodyByteCount, as: frameClass)
    value.encode(into: &records)
  }

  private mutating func beginFrame(
    _ kind: FrameKind,
    exchange: ExchangeID,
    hasMore: Bool,
    bodyByteCount: Int,
    as frameClass: FrameClass
  ) {
    let byteCount = Frame.headerByteCount + bodyByteCount
    if let mark = open, mark.contentByteCount + byteCount > Record.contentByteCountMax - tagByteCount {
      closeRecord()
    }
    if open == nil {
      open = Mark()
      records.writeInteger(UInt16(0))  // the header, set when the record goes out
    }
    open?.contentByteCount += byteCount
    switch frameClass {
    case .protocolAnswer:
      open?.protocolByteCount += byteCount
      protocolByteCount += byteCount
    case .answer:
      open?.answerByteCount += byteCount
      shortAnswerByteCount += byteCount
      longestShortAnswer = max(longestShortAnswer, byteCount)
    case .other:
      break
    }
    Frame.writeHeader(
      kind,
      hasMore: hasMore,
      exchange: exchange,
      bodyByteCount: bodyByteCount,
      into: &records
    )
  }

  /// Size of the records as they will go out, with the tag of the one that is open.
  private var recordsByteCount: Int {
    records.readableBytes + (open == nil ? 0 : tagByteCount)
  }

  private mutating func closeRecord() {
    guard let mark = open else { return }
    records.writeRepeatingByte(0, count: tagByteCount)
    marks.append(mark)
    open = nil
  }

  // MARK: Messages of more than one frame

  /// Puts a message in the queue of those that are sent in fragments.
  mutating func appendLong(_ kind: FrameKind, exchange: ExchangeID, message: ByteBuffer) {
    if kind == .response { longAnswerByteCount += message.readableBytes }
    waiting.append(
      LongMessage(kind: kind, exchange: exchange, byteCount: message.readableBytes, rest: message)
    )
  }

  /// What `removeLong` found.
  enum Removal {
    case notFound
    /// Nothing of it had been sent.
    case waiting
    /// Some of it had been sent, not the last fragment.
    case begun
  }

  /// Stops a message: the rest of it is not sent, and it no longer counts towards `max-partial`.
  mutating func removeLong(_ kind: FrameKind, exchange: ExchangeID) -> Removal {
    if let index = begun.firstIndex(where: { $0.exchange == exchange && $0.kind == kind }) {
      let message = begun.remove(at: index)
      begunByteCount -= message.byteCount
      if kind == .response { longAnswerByteCount -= message.rest.readableBytes }
      // It may have room and not have had its turn.
      return message.rest.readableBytes < message.byteCount ? .begun : .waiting
    }
    if let index = waiting.firstIndex(where: { $0.exchange == exchange && $0.kind == kind }) {
      let message = waiting.remove(at: index)
      if kind == .response { longAnswerByteCount -= message.rest.readableBytes }
      return .waiting
    }
    return .notFound
  }

  /// a message begins when it and those begun and not ended fit together; those that wait go in their order.
  private mutating func beginWaiting() {
    while let message = waiting.first, begunByteCount + message.byteCount <= partialBytesMax {
      waiting.removeFirst()
      begunByteCount += message.byteCount
      begun.append(message)
    }
  }

  /// Puts one fragment of the message whose turn it is in the order of sending.
  private mutating func appendFragment() -> Finished? {
    guard var message = begun.popFirst() else { return nil }
    let count = min(bodyByteCountMax, message.rest.readableBytes)
    let isLast = count == message.rest.readableBytes
    beginFrame(message.kind, exchange: message.exchange, hasMore: !isLast, bodyByteCount: count, as: .other)
    if let fragment = message.rest.readSlice(length: count) {
      records.writeImmutableBuffer(fragment)
    }
    open?.fragmentCount += 1
    fragmentCount += 1
    if message.kind == .response {
      longAnswerByteCount -= count
      let frameByteCount = Frame.headerByteCount + count
      open?.answerFragmentByteCount += frameByteCount
      answerFragmentByteCount += frameByteCount
    }
    guard isLast else {
      begun.append(message)
      return nil
    }
    begunByteCount -= message.byteCount
    return (message.kind, message.exchange)
  }

  // MARK: Taking

  /// Takes records that are ready, sealed: single frames before fragments (P-1, X-4), about `byteCountMax` bytes, at
  /// least one record. Messages whose last fragment is in it are given to `finished`.
  mutating func take(
    byteCountMax: Int,
    protection: inout RecordProtection,
    finished: (Finished) -> Void
  ) throws(CipherError) -> ByteBuffer? {
    beginWaiting()
    // P-1: fragments get the room that single frames leave, so that none waits in a record that is not taken now; but
    // one, where single frames leave none for ever.
    var isDue = fragmentCount == 0
    while !begun.isEmpty, isDue || recordsByteCount < byteCountMax {
      if let done = appendFragment() {
        finished(done)
        beginWaiting()
      }
      isDue = false
    }
    closeRecord()
    guard !marks.isEmpty else { return nil }

    let start = records.readerIndex
    var end = start
    var taken = 0
    for mark in marks {
      let count = mark.contentByteCount + tagByteCount
      if end - start >= byteCountMax, taken > 0 { break }
      records.setInteger(UInt16(truncatingIfNeeded: count), at: end)
      try protection.seal(&records, at: end + Record.headerByteCount, count: mark.contentByteCount)
      end += Record.headerByteCount + count
      protocolByteCount -= mark.protocolByteCount
      shortAnswerByteCount -= mark.answerByteCount
      answerFragmentByteCount -= mark.answerFragmentByteCount
      fragmentCount -= mark.fragmentCount
      taken += 1
    }
    if taken == marks.count {
      marks.removeAll(keepingCapacity: true)
      longestShortAnswer = 0
      let output = records
      records = ByteBuffer()
      return output
    }
    marks.removeFirst(taken)
    // A copy, not a slice: with a slice alive, the next append would copy all that is left.
    var output = ByteBufferAllocator().buffer(capacity: end - start)
    output.writeBytes(records.readableBytesView.prefix(end - start))
    records.moveReaderIndex(to: end)
    if records.readerIndex > records.readableBytes { records.discardReadBytes() }
    return output
  }

  /// Drops all messages of which fragments are left (F-2).
  mutating func dropFragments() {
    begun.removeAll()
    waiting.removeAll()
    begunByteCount = 0
    longAnswerByteCount = 0
  }

  /// Drops everything.
  mutating func removeAll() {
    dropFragments()
    records = ByteBuffer()
    marks.removeAll()
    open = nil
    protocolByteCount = 0
    shortAnswerByteCount = 0
    answerFragmentByteCount = 0
    fragmentCount = 0
    longestShortAnswer = 0
  }
}
