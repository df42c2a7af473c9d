import NIOCore

/// The exchanges of which the peer is the requester.
struct PeerExchanges {
  enum Phase: UInt8 {
    /// Not whole yet: the fragments that have come are in `messages`.
    case receiving
    /// Whole, and waits in `messages` to be handed to the handler (P-5, C-9): a message that is a value.
    case held
    case handling
    /// The handler has ended; the answer is longer than a frame and its last fragment is not in the order of sending.
    case answering
  }

  /// Plain bytes, so that the table moves them without counting references; what few exchanges have is in a table beside.
  struct Exchange {
    var phase: Phase
    /// Size of the whole request, in bytes.
    var byteCount = 0
    /// A CANCEL came while the handler was running.
    var isCancelled = false
  }

  private var table = ExchangeTable<Exchange>()
  /// What has come of requests that are not whole, and those that wait for the handler.
  private var messages: [ExchangeID: ByteBuffer] = [:]
  private var held = WaitingLine()
  /// Sum of the sizes of whole requests whose handlers have not ended, in bytes.
  private(set) var heldByteCount = 0

  /// Exchanges that take one of the peer's places.
  var count: Int { table.count }

  func contains(_ id: ExchangeID) -> Bool {
    table.contains(id)
  }

  subscript(id: ExchangeID) -> Exchange? {
    get { table[id] }
    _modify { yield &table[id] }
  }

  /// The first fragment of a new request; its bytes are copied out of the receive buffer.
  mutating func receive(_ id: ExchangeID, fragment: ByteBuffer) {
    var partial = ByteBuffer()
    partial.writeImmutableBuffer(fragment)
    table.insert(id, Exchange(phase: .receiving))
    messages[id] = partial
  }

  /// A further fragment.
  mutating func append(_ fragment: ByteBuffer, to id: ExchangeID) {
    guard table[id]?.phase == .receiving else { return }
    messages[id, default: ByteBuffer()].appendFragment(fragment)
  }

  /// What is held of a request that is not whole, in bytes; nil where the request is whole.
  func partialByteCount(of id: ExchangeID) -> Int? {
    guard table[id]?.phase == .receiving else { return nil }
    return messages[id]?.readableBytes ?? 0
  }

  /// The whole request: what was held, and the last fragment. The exchange is out of the table until it is held,
  /// handled or answered.
  mutating func takePartial(_ id: ExchangeID, last: ByteBuffer) -> ByteBuffer {
    guard table.remove(id)?.phase == .receiving, var message = messages.removeValue(forKey: id) else { return last }
    message.appendFragment(last)
    return message
  }

  /// A whole request waits for the handler, with its bytes: they take less room than the value, and a copy does not
  /// keep the receive buffer.
  mutating func hold(_ id: ExchangeID, message: ByteBuffer) {
    let byteCount = message.readableBytes
    let isPartOfMore = message.storageCapacity > 2 * byteCount + 1024
    let kept = isPartOfMore ? ByteBuffer(bytes: message.readableBytesView) : message
    table.insert(id, Exchange(phase: .held, byteCount: byteCount))
    messages[id] = kept
    heldByteCount += byteCount
    held.append(id)
  }

  /// A whole request goes to the handler without waiting.
  mutating func handle(_ id: ExchangeID, byteCount: Int) {
    table.insert(id, Exchange(phase: .handling, byteCount: byteCount))
    heldByteCount += byteCount
  }

  var hasHeld: Bool { !held.isEmpty }

  /// The request that has waited longest for the handler.
  mutating func handleNextHeld() -> (id: ExchangeID, message: ByteBuffer)? {
    guard let id = held.popFirst(), let message = messages.removeValue(forKey: id) else { return nil }
    table[id]?.phase = .handling
    return (id, message)
  }

  /// Takes all requests out that wait for the handler, in their order.
  mutating func removeHeld() -> [ExchangeID] {
    let ids = held.removeAll()
    for id in ids { remove(id) }
    return ids
  }

  /// Takes out a request whose handler has ended; nil where none is being handled. One search of the table.
  mutating func takeHandled(_ id: ExchangeID) -> Exchange? {
    let exchange = table.remove(id) { $0.phase == .handling }
    guard let exchange else { return nil }
    heldByteCount -= exchange.byteCount
    return exchange
  }

  /// The answer of a request that was taken out goes out in fragments.
  mutating func beginAnswering(_ id: ExchangeID) {
    table.insert(id, Exchange(phase: .answering))
  }

  /// The last frame of the answer is in the order of sending.
  mutating func remove(_ id: ExchangeID) {
    guard let exchange = table.remove(id) else { return }
    heldByteCount -= exchange.byteCount
    switch exchange.phase {
    case .receiving:
      messages[id] = nil
    case .held:
      held.remove(id)
      messages[id] = nil
    case .handling, .answering:
      break
    }
  }
}
