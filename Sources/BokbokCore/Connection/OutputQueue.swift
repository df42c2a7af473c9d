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
    var rest: EncodedMessage
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

  /// Size of what was taken last.
  private var lastByteCount = 0
  private static let reservedByteCountMax = 65_536
  /// What was taken last, while messages are under way that fill records: by the next time its bytes have mostly been
  /// written, and its memory serves again. To give it back each time costs more than to fill it.
  private var spare: ByteBuffer?

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
    begun.reduce(records.readableBytes) { $0 + $1.rest.byteCount }
      + waiting.reduce(0) { $0 + $1.rest.byteCount }
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
    for message in begun where message.kind == .response { longest = max(longest, message.rest.byteCount) }
    for message in waiting where message.kind == .response { longest = max(longest, message.rest.byteCount) }
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
    let byteCount = body.readableBytes
    appendFrame(kind, exchange: exchange, hasMore: false, bodyByteCount: byteCount, as: frameClass) { position in
      body.withUnsafeReadableBytes { bytes in
        if let source = bytes.baseAddress { position.copyMemory(from: source, byteCount: byteCount) }
      }
    }
  }

  /// Puts a message of one frame in the order of sending. `bodyByteCount` is the value's encoded size.
  mutating func append(
    _ kind: FrameKind,
    exchange: ExchangeID,
    value: Value,
    bodyByteCount: Int,
    as frameClass: FrameClass = .other
  ) {
    appendFrame(kind, exchange: exchange, hasMore: false, bodyByteCount: bodyByteCount, as: frameClass) { position in
      var position = position
      value.write(to: &position)
    }
  }

  /// Appends a frame, and the header of its record where it is the first in it, with one access to the buffer.
  /// `writeBody` gets room for the body.
  @inline(__always)
  private mutating func appendFrame(
    _ kind: FrameKind,
    exchange: ExchangeID,
    hasMore: Bool,
    bodyByteCount: Int,
    as frameClass: FrameClass,
    writeBody: (UnsafeMutableRawPointer) -> Void
  ) {
    let frameByteCount = Frame.headerByteCount + bodyByteCount
    let recordHeaderByteCount = beginFrame(byteCount: frameByteCount, as: frameClass)
    let byteCount = recordHeaderByteCount + frameByteCount
    records.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { memory in
      guard var position = memory.baseAddress else { return 0 }
      if recordHeaderByteCount > 0 {
        position.storeBytes(of: 0, as: UInt16.self)  // set when the record goes out
        position += recordHeaderByteCount
      }
      Frame.writeHeader(kind, hasMore: hasMore, exchange: exchange, bodyByteCount: bodyByteCount, to: &position)
      writeBody(position)
      return byteCount
    }
  }

  /// Counts a frame, header included, into the record that it will go out in; returns the size of the record's header
  /// where the frame is the first in it, else 0.
  private mutating func beginFrame(byteCount: Int, as frameClass: FrameClass) -> Int {
    if let mark = open, mark.contentByteCount + byteCount > Record.contentByteCountMax - tagByteCount {
      closeRecord()
    }
    var mark = open ?? Mark()
    let isFirst = mark.contentByteCount == 0
    mark.contentByteCount += byteCount
    switch frameClass {
    case .protocolAnswer:
      mark.protocolByteCount += byteCount
      protocolByteCount += byteCount
    case .answer:
      mark.answerByteCount += byteCount
      shortAnswerByteCount += byteCount
      longestShortAnswer = max(longestShortAnswer, byteCount)
    case .other:
      break
    }
    open = mark
    if records.capacity == 0, let spare = spare.take() {
      records = spare
      records.clear()
    } else if records.capacity == 0 {
      // As much as the last time, so that a steady load does not make the buffer grow in steps.
      let capacity = max(
        Record.headerByteCount + byteCount + tagByteCount,
        min(lastByteCount, Self.reservedByteCountMax)
      )
      records = ByteBufferAllocator().buffer(capacity: capacity)
    }
    return isFirst ? Record.headerByteCount : 0
  }

  /// Size of the records as they will go out, with the tag of the one that is open.
  private var recordsByteCount: Int {
    records.readableBytes + (open == nil ? 0 : tagByteCount)
  }

  private mutating func closeRecord() {
    guard let mark = open else { return }
    addTag()
    marks.append(mark)
    open = nil
  }

  /// Room for the tag of the record that ends here.
  private mutating func addTag() {
    if tagByteCount > 0 { records.writeRepeatingByte(0, count: tagByteCount) }
  }

  // MARK: Messages of more than one frame

  /// Puts a message in the queue of those that are sent in fragments.
  mutating func appendLong(_ kind: FrameKind, exchange: ExchangeID, message: EncodedMessage) {
    if kind == .response { longAnswerByteCount += message.byteCount }
    waiting.append(LongMessage(kind: kind, exchange: exchange, byteCount: message.byteCount, rest: message))
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
      if kind == .response { longAnswerByteCount -= message.rest.byteCount }
      if begun.isEmpty { spare = nil }
      // It may have room and not have had its turn.
      return message.rest.byteCount < message.byteCount ? .begun : .waiting
    }
    if let index = waiting.firstIndex(where: { $0.exchange == exchange && $0.kind == kind }) {
      let message = waiting.remove(at: index)
      if kind == .response { longAnswerByteCount -= message.rest.byteCount }
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
    let count = min(bodyByteCountMax, message.rest.byteCount)
    let isLast = count == message.rest.byteCount
    appendFrame(message.kind, exchange: message.exchange, hasMore: !isLast, bodyByteCount: count, as: .other) {
      message.rest.take(count, to: $0)
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
    let start = records.readerIndex
    var end = start
    if marks.isEmpty {
      // One record, as mostly: it needs no place in the line.
      guard let mark = open else { return nil }
      addTag()
      open = nil
      try finish(mark, at: &end, protection: &protection)
    } else {
      closeRecord()
      var taken = 0
      for mark in marks {
        if end - start >= byteCountMax, taken > 0 { break }
        try finish(mark, at: &end, protection: &protection)
        taken += 1
      }
      marks.removeFirst(taken)
    }
    if marks.isEmpty {
      longestShortAnswer = 0
      let output = records
      records = ByteBuffer()
      lastByteCount = output.readableBytes
      if !begun.isEmpty, output.storageCapacity <= 4 * Self.reservedByteCountMax { spare = output }
      return output
    }
    // A copy, not a slice: with a slice alive, the next append would copy all that is left.
    var output = ByteBufferAllocator().buffer(capacity: end - start)
    output.writeBytes(records.readableBytesView.prefix(end - start))
    records.moveReaderIndex(to: end)
    if records.readerIndex > records.readableBytes { records.discardReadBytes() }
    return output
  }

  /// Writes the header of the record that begins at `end`, seals it, and counts out what it holds.
  private mutating func finish(
    _ mark: Mark,
    at end: inout Int,
    protection: inout RecordProtection
  ) throws(CipherError) {
    let count = mark.contentByteCount + tagByteCount
    records.setInteger(UInt16(truncatingIfNeeded: count), at: end)
    try protection.seal(&records, at: end + Record.headerByteCount, count: mark.contentByteCount)
    end += Record.headerByteCount + count
    protocolByteCount -= mark.protocolByteCount
    shortAnswerByteCount -= mark.answerByteCount
    answerFragmentByteCount -= mark.answerFragmentByteCount
    fragmentCount -= mark.fragmentCount
  }

  /// Drops all messages of which fragments are left (F-2).
  mutating func dropFragments() {
    begun.removeAll()
    waiting.removeAll()
    begunByteCount = 0
    longAnswerByteCount = 0
    spare = nil
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
