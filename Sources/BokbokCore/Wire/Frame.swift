package import NIOCore

/// What a frame is (section 5).
package enum FrameKind: UInt8, Sendable, CaseIterable {
  case settings = 0
  case request = 1
  case response = 2
  case error = 3
  case cancel = 4
  case ping = 5
  case pong = 6
  case close = 7

  /// Whether the exchange id names an exchange; where it does not, it is 0 (F-1).
  package var belongsToExchange: Bool {
    switch self {
    case .request, .response, .error, .cancel: true
    case .settings, .ping, .pong, .close: false
    }
  }

  /// Whether a message of this kind may be cut into fragments (F-1).
  package var mayHaveMore: Bool {
    self == .request || self == .response
  }

  /// The kind's name in the specification.
  package var name: String {
    switch self {
    case .settings: "SETTINGS"
    case .request: "REQUEST"
    case .response: "RESPONSE"
    case .error: "ERROR"
    case .cancel: "CANCEL"
    case .ping: "PING"
    case .pong: "PONG"
    case .close: "CLOSE"
    }
  }
}

/// The number of an exchange, from 1 to 2^32 - 1; 0 where a frame belongs to none.
package typealias ExchangeID = UInt32

/// One frame of a record.
package struct Frame: Equatable, Sendable {
  /// Size of the header, in bytes: kind, flags, body length, exchange id.
  package static let headerByteCount = 8
  /// Flag MORE: another fragment of this message follows.
  package static let moreFlag: UInt8 = 0x01
  /// Size of the body of a PING and a PONG, in bytes.
  package static let pingByteCount = 8

  package var kind: FrameKind
  package var hasMore: Bool
  package var exchange: ExchangeID
  package var body: ByteBuffer

  package init(_ kind: FrameKind, exchange: ExchangeID = 0, hasMore: Bool = false, body: ByteBuffer = ByteBuffer()) {
    self.kind = kind
    self.hasMore = hasMore
    self.exchange = exchange
    self.body = body
  }

  /// Appends the frame. The body must be at most 65535 bytes.
  package func write(into buffer: inout ByteBuffer) {
    Frame.writeHeader(
      kind,
      hasMore: hasMore,
      exchange: exchange,
      bodyByteCount: body.readableBytes,
      into: &buffer
    )
    buffer.writeImmutableBuffer(body)
  }

  static func writeHeader(
    _ kind: FrameKind,
    hasMore: Bool,
    exchange: ExchangeID,
    bodyByteCount: Int,
    into buffer: inout ByteBuffer
  ) {
    assert(bodyByteCount <= Int(UInt16.max), "a frame's body is at most 65535 bytes")
    buffer.writeMultipleIntegers(
      kind.rawValue,
      hasMore ? moreFlag : 0,
      UInt16(truncatingIfNeeded: bodyByteCount),
      exchange
    )
  }

  /// The same into memory that has room for it; moves the position behind it.
  static func writeHeader(
    _ kind: FrameKind,
    hasMore: Bool,
    exchange: ExchangeID,
    bodyByteCount: Int,
    to position: inout UnsafeMutableRawPointer
  ) {
    assert(bodyByteCount <= Int(UInt16.max), "a frame's body is at most 65535 bytes")
    position.storeBytes(of: kind.rawValue, as: UInt8.self)
    position.storeBytes(of: hasMore ? moreFlag : 0, toByteOffset: 1, as: UInt8.self)
    position.storeBytes(of: UInt16(truncatingIfNeeded: bodyByteCount).bigEndian, toByteOffset: 2, as: UInt16.self)
    position.storeBytes(of: exchange.bigEndian, toByteOffset: 4, as: UInt32.self)
    position += headerByteCount
  }

  /// Takes the next frame from a record's content; nil when none is left.
  ///
  /// The body shares the record's storage.
  package static func read(from record: inout ByteBuffer) throws(Violation) -> Frame? {
    guard record.readableBytes > 0 else { return nil }
    guard
      let (rawKind, flags, bodyByteCount, exchange) = record.readMultipleIntegers(
        as: (UInt8, UInt8, UInt16, UInt32).self
      )
    else {
      throw Violation("F-1", "a record ends inside a frame's header")
    }
    guard let kind = FrameKind(rawValue: rawKind) else {
      throw Violation("F-1", "unknown frame kind \(rawKind)")
    }
    guard flags & ~moreFlag == 0 else {
      throw Violation("F-1", "reserved flag set in a \(kind.name) frame")
    }
    let hasMore = flags & moreFlag != 0
    guard !hasMore || kind.mayHaveMore else {
      throw Violation("F-1", "MORE on a \(kind.name) frame")
    }
    guard kind.belongsToExchange == (exchange != 0) else {
      throw Violation(
        "F-1",
        exchange == 0
          ? "a \(kind.name) frame without an exchange id" : "a \(kind.name) frame with exchange id \(exchange)"
      )
    }
    guard let body = record.readSlice(length: Int(bodyByteCount)) else {
      throw Violation("F-1", "a \(kind.name) frame's body is longer than its record")
    }
    switch kind {
    case .ping, .pong:
      guard body.readableBytes == pingByteCount else {
        throw Violation("F-1", "a \(kind.name) frame's body is not 8 bytes")
      }
    case .cancel:
      guard body.readableBytes == 0 else { throw Violation("F-1", "a CANCEL frame with a body") }
    case .request, .response:
      guard !(hasMore && body.readableBytes == 0) else {
        throw Violation("X-4", "a MORE fragment with an empty body")
      }
    case .settings, .error, .close:
      break
    }
    return Frame(kind, exchange: exchange, hasMore: hasMore, body: body)
  }
}
