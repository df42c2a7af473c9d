internal import BokbokCore
internal import NIOCore

/// What an application asks of its side.
enum SideCall {
  case request(Value)
  case cancel(ExchangeID)
  /// The handler of one of the other side's requests has ended.
  case respond(ExchangeID, HandlerAnswer)
  case ping(PingToken)
  case close(code: String, message: String)
  case abort
  /// The open handler's decision (C-9).
  case letIn
  case turnDown(code: String, message: String)

  /// What became of it at once.
  enum Outcome: Equatable {
    case done
    /// A request was taken, under this id.
    case accepted(ExchangeID)
    /// A request failed, in the words of the testee contract.
    case failed(String)

    var json: JSON {
      switch self {
      case .done: [:]
      case .accepted(let id): ["id": .integer(Int(id))]
      case .failed(let kind): ["fails": .string(kind)]
      }
    }
  }
}

// MARK: - JSON

extension SideCall {
  var json: JSON {
    switch self {
    case .request(let value):
      (["call": "request"] as JSON).merging(Self.members(ofSent: value))
    case .cancel(let id): ["call": "cancel", "id": .integer(Int(id))]
    case .respond(let id, let answer):
      (["call": "respond", "id": .integer(Int(id))] as JSON).merging(Self.members(of: answer))
    case .ping(let token): ["call": "ping", "token": .hex(SideReport.tokenBytes(token))]
    case .close(let code, let message): ["call": "close", "code": .string(code), "message": .string(message)]
    case .abort: ["call": "abort"]
    case .letIn: ["call": "letIn"]
    case .turnDown(let code, let message):
      ["call": "turnDown", "code": .string(code), "message": .string(message)]
    }
  }

  private static func members(of answer: HandlerAnswer) -> JSON {
    switch answer {
    case .value(let value): members(ofSent: value)
    case .error(let code, let message, let details):
      ["code": .string(code), "message": .string(message), "details": ValueJSON.list(details)]
    case .failed(let message): ["failure": .string(message)]
    }
  }

  /// A value by its bytes, or by its depth where it cannot be sent.
  private static func members(ofSent value: Value) -> JSON {
    if (try? value.encodedByteCount()) != nil { return ValueJSON.members(of: value) }
    var depth = 0
    var inner = value
    while case .list(let elements) = inner {
      depth += 1
      guard let first = elements.first else { break }
      inner = first
    }
    return ["depth": .integer(depth)]
  }

  init(json: JSON?, place: String) throws(VectorMismatch) {
    func text(_ name: String) -> String { json?[name]?.string ?? "" }
    let id = ExchangeID(truncatingIfNeeded: json?["id"]?.integer ?? 0)
    switch json?["call"]?.string {
    case "request": self = .request(try Self.value(json, place: place))
    case "cancel": self = .cancel(id)
    case "respond":
      if let failure = json?["failure"]?.string {
        self = .respond(id, .failed(message: failure))
      } else if json?["code"] != nil {
        var details: [Value] = []
        for (index, detail) in (json?["details"]?.array ?? []).enumerated() {
          details.append(try Self.decode(detail, place: "\(place)/details/\(index)"))
        }
        self = .respond(id, .error(code: text("code"), message: text("message"), details: details))
      } else {
        self = .respond(id, .value(try Self.value(json, place: place)))
      }
    case "ping":
      let bytes = try json?["token"].octets(at: place + "/token") ?? []
      self = .ping(bytes.reduce(0) { $0 << 8 | PingToken($1) })
    case "close": self = .close(code: text("code"), message: text("message"))
    case "abort": self = .abort
    case "letIn": self = .letIn
    case "turnDown": self = .turnDown(code: text("code"), message: text("message"))
    default: throw VectorMismatch(place: place + "/call", message: "not a call that is known")
    }
  }

  private static func value(_ json: JSON?, place: String) throws(VectorMismatch) -> Value {
    guard let depth = json?["depth"]?.integer else { return try decode(json?["bytes"], place: place + "/bytes") }
    var value = Value.list([])
    for _ in 1..<max(1, min(depth, 1000)) { value = [value] }
    return value
  }

  private static func decode(_ json: JSON?, place: String) throws(VectorMismatch) -> Value {
    let bytes = try json.octets(at: place)
    do {
      return try WireValues.decode(bytes)
    } catch {
      throw VectorMismatch(place: place, message: "expected a value: \(error)")
    }
  }
}
