import BokbokCore
import NIOCore
import Testing

/// Which side the machine under test plays, and how the connection is protected: nearly every test runs in all four.
struct ConnectionSetup: Hashable, Sendable, CustomTestStringConvertible {
  enum Side: String, Sendable, CaseIterable {
    case server
    case client
  }

  var side: Side
  var isSealed: Bool

  static let all: [ConnectionSetup] = Side.allCases.flatMap { side in
    [false, true].map { ConnectionSetup(side: side, isSealed: $0) }
  }
  static let sealed: [ConnectionSetup] = all.filter(\.isSealed)
  static let plain: [ConnectionSetup] = all.filter { !$0.isSealed }
  static let servers: [ConnectionSetup] = all.filter { $0.side == .server }
  static let clients: [ConnectionSetup] = all.filter { $0.side == .client }

  static let sealedServer = ConnectionSetup(side: .server, isSealed: true)
  static let sealedClient = ConnectionSetup(side: .client, isSealed: true)
  static let plainServer = ConnectionSetup(side: .server, isSealed: false)
  static let plainClient = ConnectionSetup(side: .client, isSealed: false)

  var testDescription: String { "\(isSealed ? "sealed" : "plain") \(side)" }

  var tagByteCount: Int { isSealed ? CipherState.tagByteCount : 0 }

  /// The largest body of a frame: 65527 bytes plain, 65511 sealed.
  var bodyByteCountMax: Int {
    Record.contentByteCountMax - Frame.headerByteCount - tagByteCount
  }

  var mode: Preamble.Mode { isSealed ? .sealed : .plain }
}

/// The secrets of the tests: fixed, so that a run can be repeated byte for byte.
enum TestSecrets {
  static let userName = ByteBuffer(string: "alice")
  static let userKey: [UInt8] = Array(0x00...0x1F)
  static let sessionKey: [UInt8] = Array(0x20...0x3F)
  static let clientEphemeral: [UInt8] = Array(0x40...0x5F)
  static let serverEphemeral: [UInt8] = Array(0x60...0x7F)
  static let decoyKey: [UInt8] = Array(0x80...0x9F)

  static func bytes(_ bytes: [UInt8]) throws -> SecretBytes {
    try SecretBytes(copying: bytes)
  }

  static func client(
    _ setup: ConnectionSetup,
    userName: ByteBuffer = TestSecrets.userName,
    userKey: [UInt8] = TestSecrets.userKey
  ) throws -> ClientSecurity {
    guard setup.isSealed else { return .plain }
    return .sealed(
      userName: userName,
      userKey: try bytes(userKey),
      sessionKey: try bytes(sessionKey),
      ephemeral: try bytes(clientEphemeral)
    )
  }

  static func server(_ setup: ConnectionSetup) throws -> ServerSecurity {
    guard setup.isSealed else { return .plain }
    return .sealed(decoyKey: try bytes(decoyKey), ephemeral: try bytes(serverEphemeral))
  }
}

extension Frame {
  static func settings(_ settings: Settings) -> Frame {
    .settings(settings.value)
  }

  static func settings(_ value: Value) -> Frame {
    Frame(.settings, body: encoded(value))
  }

  static func request(_ id: ExchangeID, _ value: Value) -> Frame {
    Frame(.request, exchange: id, body: encoded(value))
  }

  static func request(_ id: ExchangeID, bytes: ByteBuffer, more: Bool) -> Frame {
    Frame(.request, exchange: id, hasMore: more, body: bytes)
  }

  static func response(_ id: ExchangeID, _ value: Value) -> Frame {
    Frame(.response, exchange: id, body: encoded(value))
  }

  static func response(_ id: ExchangeID, bytes: ByteBuffer, more: Bool) -> Frame {
    Frame(.response, exchange: id, hasMore: more, body: bytes)
  }

  static func error(_ id: ExchangeID, _ code: String, _ message: String = "", details: [Value] = []) -> Frame {
    Frame(.error, exchange: id, body: encoded(.list([Value(code), Value(message)] + details)))
  }

  static func cancel(_ id: ExchangeID) -> Frame {
    Frame(.cancel, exchange: id)
  }

  static func ping(_ number: UInt64) -> Frame {
    Frame(.ping, body: ByteBuffer(integer: number))
  }

  static func pong(_ number: UInt64) -> Frame {
    Frame(.pong, body: ByteBuffer(integer: number))
  }

  static func close(_ code: String = "normal", _ message: String = "") -> Frame {
    Frame(.close, body: encoded([Value(code), Value(message)]))
  }

  private static func encoded(_ value: Value) -> ByteBuffer {
    var body = ByteBuffer()
    value.encode(into: &body)
    return body
  }
}

extension Value {
  /// An atom whose encoding has exactly so many bytes: the test's way to a message of a given length.
  static func message(byteCount: Int) -> Value {
    for digitCount in 1...8 {
      let payload = byteCount - 1 - digitCount
      guard payload >= 0, String(payload).utf8.count == digitCount else { continue }
      return .atom(ByteBuffer(repeating: UInt8(ascii: "x"), count: payload))
    }
    // A length such as 12 has no atom (10 bytes make 13); a list adds two bytes.
    return .list([.message(byteCount: byteCount - 2)])
  }
}

extension ByteBuffer {
  /// Cuts the readable bytes into parts of so many bytes, the last one shorter.
  func parts(byteCount: Int) -> [ByteBuffer] {
    var rest = self
    var parts: [ByteBuffer] = []
    while rest.readableBytes > 0, let part = rest.readSlice(length: min(byteCount, rest.readableBytes)) {
      parts.append(part)
    }
    return parts
  }
}
