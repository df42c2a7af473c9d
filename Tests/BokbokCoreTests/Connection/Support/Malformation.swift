import BokbokCore
import NIOCore
import Testing

/// A record's content that breaks the rules of frames (section 5), whatever the connection is about.
struct Malformation: Sendable, CustomTestStringConvertible {
  var name: String
  var clause: String
  var content: ByteBuffer

  var testDescription: String { name }

  init(_ name: String, _ clause: String, _ content: ByteBuffer) {
    self.name = name
    self.clause = clause
    self.content = content
  }

  private init(_ name: String, _ clause: String, _ frame: Frame) {
    var content = ByteBuffer()
    frame.write(into: &content)
    self.init(name, clause, content)
  }

  /// A header of any kind and its body.
  private static func raw(kind: UInt8, flags: UInt8 = 0, length: Int? = nil, id: UInt32, _ body: String) -> ByteBuffer {
    var content = ByteBuffer()
    content.writeMultipleIntegers(kind, flags, UInt16(length ?? body.utf8.count), id)
    content.writeString(body)
    return content
  }

  /// A body with which a frame of this kind is well-formed.
  private static func body(_ kind: FrameKind) -> String {
    switch kind {
    case .settings: "()"
    case .request, .response: "1:a"
    case .error, .close: "(1:a0:)"
    case .cancel: ""
    case .ping, .pong: "12345678"
    }
  }

  static let all: [Malformation] = truncated + kindsAndFlags + ids + bodies

  private static var truncated: [Malformation] {
    (1..<8).map { count in
      Malformation("\(count) bytes left", "F-1.d", ByteBuffer(repeating: 5, count: count))
    }
      + FrameKind.allCases.map { kind in
        let id: UInt32 = kind.belongsToExchange ? 1 : 0
        let length = body(kind).utf8.count + 1
        return Malformation(
          "\(kind.name) with a body longer than its record",
          "F-1.e",
          raw(kind: kind.rawValue, length: length, id: id, body(kind))
        )
      }
  }

  private static var kindsAndFlags: [Malformation] {
    [UInt8(8), 9, 0x7F, 0x80, 0xFF].map { kind in
      Malformation("kind \(kind)", "F-1.f", raw(kind: kind, id: 0, ""))
    }
      + FrameKind.allCases.flatMap { kind in
        [UInt8(2), 0x80, 0xFE, 0xFF].map { flags in
          let id: UInt32 = kind.belongsToExchange ? 1 : 0
          return Malformation(
            "\(kind.name) with flags \(flags)",
            "F-1.g",
            raw(kind: kind.rawValue, flags: flags, id: id, body(kind))
          )
        }
      }
      + FrameKind.allCases.filter { !$0.mayHaveMore }.map { kind in
        let id: UInt32 = kind.belongsToExchange ? 1 : 0
        return Malformation(
          "\(kind.name) with MORE",
          "F-1.h",
          raw(kind: kind.rawValue, flags: 1, id: id, body(kind))
        )
      }
  }

  private static var ids: [Malformation] {
    FrameKind.allCases.map { kind in
      Malformation(
        "\(kind.name) with \(kind.belongsToExchange ? "id 0" : "an id")",
        kind.belongsToExchange ? "F-1.i" : "F-1.j",
        raw(kind: kind.rawValue, id: kind.belongsToExchange ? 0 : 1, body(kind))
      )
    }
  }

  private static var bodies: [Malformation] {
    [FrameKind.ping, .pong].flatMap { kind in
      ["", "1234567", "123456789"].map { body in
        Malformation(
          "\(kind.name) of \(body.utf8.count) bytes",
          "F-1.k",
          raw(kind: kind.rawValue, id: 0, body)
        )
      }
    } + [
      Malformation("CANCEL with a body", "F-1.l", raw(kind: FrameKind.cancel.rawValue, id: 1, "x")),
      Malformation("REQUEST, MORE and empty", "X-4.e", .request(9, bytes: ByteBuffer(), more: true)),
      Malformation("RESPONSE, MORE and empty", "X-4.e", .response(9, bytes: ByteBuffer(), more: true)),
    ]
  }
}

/// What a connection is doing when something happens to it.
enum Standing: CaseIterable, CustomTestStringConvertible {
  case idle
  case requestsUnderWay
  case receivingFragments
  case handling
  case answeringLong
  case sendingLong
  case closingAsked
  case closingAnswered

  var testDescription: String { "\(self)" }

  /// An open connection in this standing. Its own requests take ids from 1; the peer's have 101 and on.
  func connection(_ setup: ConnectionSetup, configuration: MachineConfiguration = .init()) throws -> DrivenConnection {
    let connection = try DrivenConnection(setup, configuration: configuration)
    try connection.open()
    switch self {
    case .idle:
      break
    case .requestsUnderWay:
      _ = try connection.begin("a")
      connection.receive(.response(try connection.begin("b"), bytes: ByteBuffer(string: "1"), more: true))
    case .receivingFragments:
      connection.receive(.request(101, bytes: ByteBuffer(string: "(1:a"), more: true))
    case .handling:
      connection.receive(.request(101, "a"))
    case .answeringLong:
      connection.receive(.request(101, "a"))
      connection.isWritable = false
      connection.respond(to: 101, .value(.message(byteCount: 200_000)))
      connection.takeOutputOnce(byteCountMax: 1)
      connection.isWritable = false
    case .sendingLong:
      connection.isWritable = false
      _ = try connection.begin(.message(byteCount: 200_000))
      connection.takeOutputOnce(byteCountMax: 1)
    case .closingAsked:
      _ = try connection.begin("a")
      connection.close()
    case .closingAnswered:
      connection.receive(.request(101, "a"), .close())
    }
    _ = connection.takeActions()
    _ = connection.takeFrames()
    return connection
  }
}
