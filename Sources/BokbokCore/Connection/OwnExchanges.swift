import NIOCore

/// The exchanges of which this side is the requester.
struct OwnExchanges {
  enum Phase: UInt8 {
    /// Waits for a free place; the message waits in `messages`, encoded.
    case waitingForPlace
    /// Has a place; the message is longer than a frame, and its last fragment is not in the order of sending.
    case sending
    case sent
  }

  /// Plain bytes, so that the table moves them without counting references; what few exchanges have is in tables beside.
  struct Exchange {
    var phase: Phase
    /// The caller has been told; whatever answer comes is not passed on.
    var isAbandoned = false
    /// CANCEL has been sent.
    var isCancelled = false
    /// Bytes of the answer that have come.
    var responseByteCount = 0
  }

  private var table = ExchangeTable<Exchange>()
  /// The messages of those that wait for a place.
  private var messages: [ExchangeID: EncodedMessage] = [:]
  /// Fragments of answers that are not whole; none are held where nobody waits for the answer.
  private var responses: [ExchangeID: ByteBuffer] = [:]
  private var waiting = WaitingLine()
  private var lastID: ExchangeID = 0
  /// Exchanges that take a place at the peer.
  private(set) var underWayCount = 0
  /// Requests with a place whose last fragment is not in the order of sending.
  private(set) var sendingCount = 0

  /// Whether nothing is under way or waits.
  var isEmpty: Bool { table.isEmpty }

  subscript(id: ExchangeID) -> Exchange? {
    get { table[id] }
    _modify { yield &table[id] }
  }

  /// Whether requests wait for a place.
  var hasWaiting: Bool { !waiting.isEmpty }

  /// an id that this side does not have under way.
  private mutating func newID() -> ExchangeID {
    repeat {
      lastID = lastID == .max ? 1 : lastID + 1
    } while table.contains(lastID)
    return lastID
  }

  /// Whether a request may go out now: a place is free, and nobody waits for one.
  func hasPlace(requestsMax: UInt32) -> Bool {
    waiting.isEmpty && underWayCount < Int(requestsMax)
  }

  /// Takes a place at once.
  mutating func begin(isLong: Bool) -> ExchangeID {
    let id = newID()
    table.insert(id, Exchange(phase: isLong ? .sending : .sent))
    underWayCount += 1
    if isLong { sendingCount += 1 }
    return id
  }

  /// Queues a request until a place is free: first come, first served.
  mutating func wait(with message: EncodedMessage) -> ExchangeID {
    let id = newID()
    table.insert(id, Exchange(phase: .waitingForPlace))
    messages[id] = message
    waiting.append(id)
    return id
  }

  /// Gives a free place to the request that has waited longest.
  mutating func beginWaiting(requestsMax: UInt32, singleByteCountMax: Int) -> (id: ExchangeID, message: EncodedMessage)?
  {
    while underWayCount < Int(requestsMax), let id = waiting.popFirst() {
      guard let message = messages.removeValue(forKey: id) else { continue }
      let isLong = message.byteCount > singleByteCountMax
      table[id]?.phase = isLong ? .sending : .sent
      underWayCount += 1
      if isLong { sendingCount += 1 }
      return (id, message)
    }
    return nil
  }

  /// The last fragment is in the order of sending.
  mutating func becameSent(_ id: ExchangeID) {
    guard table[id]?.phase == .sending else { return }
    table[id]?.phase = .sent
    sendingCount -= 1
  }

  /// CANCEL was sent for a request that is under way: it keeps its place until the answer.
  mutating func becameCancelled(_ id: ExchangeID) {
    becameSent(id)  // no more of it follows
    table[id]?.isCancelled = true
    table[id]?.isAbandoned = true
    dropResponse(of: id)
  }

  /// How far the request of an exchange under way has gone out; nil where none is under way.
  func phase(of id: ExchangeID) -> UnderWay? {
    switch table[id]?.phase {
    case .sent: .sent
    case .sending: .sending
    case .waitingForPlace, nil: nil
    }
  }

  enum UnderWay {
    case sending
    case sent
  }

  /// Adds a fragment of the answer, copied out of the receive buffer, and says how many bytes more are held.
  mutating func appendResponse(_ fragment: ByteBuffer, to id: ExchangeID) -> Int {
    table[id]?.responseByteCount += fragment.readableBytes
    guard table[id]?.isAbandoned == false else { return 0 }
    responses[id, default: ByteBuffer()].appendFragment(fragment)
    return fragment.readableBytes
  }

  /// Takes out an exchange that was sent and of whose answer nothing has come: nearly every one when its answer comes.
  /// Nil where it is another; else whether it was abandoned. One search of the table.
  mutating func takeUnanswered(_ id: ExchangeID) -> Bool? {
    let exchange = table.remove(id) { $0.phase == .sent && $0.responseByteCount == 0 }
    guard let exchange else { return nil }
    underWayCount -= 1
    return exchange.isAbandoned
  }

  /// How many bytes of an answer are held.
  func responseByteCountHeld(of id: ExchangeID) -> Int {
    responses.isEmpty ? 0 : responses[id]?.readableBytes ?? 0
  }

  private mutating func dropResponse(of id: ExchangeID) {
    if !responses.isEmpty { responses[id] = nil }
  }

  /// The whole answer: what was held, and the last fragment. An answer of one fragment is not copied.
  mutating func takeResponse(of id: ExchangeID, last: ByteBuffer) -> ByteBuffer {
    guard !responses.isEmpty, var message = responses.removeValue(forKey: id) else { return last }
    message.appendFragment(last)
    return message
  }

  /// Takes an exchange out: it is answered, or nothing of it was sent.
  mutating func remove(_ id: ExchangeID) {
    guard let exchange = table.remove(id) else { return }
    dropResponse(of: id)
    switch exchange.phase {
    case .waitingForPlace:
      waiting.remove(id)
      messages[id] = nil
    case .sending:
      sendingCount -= 1
      underWayCount -= 1
    case .sent:
      underWayCount -= 1
    }
  }

  /// Takes out all that wait for a place, in their order.
  mutating func removeWaiting() -> [ExchangeID] {
    let ids = waiting.removeAll()
    for id in ids { table.remove(id) }
    messages = [:]
    return ids
  }

  /// Requests of which not everything is in the order of sending.
  var sendingIDs: [ExchangeID] {
    guard sendingCount > 0 else { return [] }
    return table.ids { $0.phase == .sending }.sorted()
  }
}
