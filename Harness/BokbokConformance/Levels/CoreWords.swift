internal import BokbokCore
internal import NIOCore

/// What outcomes of the core are called in the testee contract.
extension ConnectionEnding {
  /// The `reason` of the event `closed`.
  var reason: String {
    switch self {
    case .clean, .turnedDown: "clean"
    case .violation: "violation"
    case .tampered: "tampered"
    case .aborted: "aborted"
    default: "lost"
    }
  }

  /// The CLOSE that passed; nil where none did.
  var close: (code: String, message: String)? {
    switch self {
    case .clean(let code, let message): (code, message)
    case .turnedDown(let code): (code, "")
    case .violation(_, let requirement, let message): ("protocol-error", "\(requirement): \(message)")
    default: nil
    }
  }

  /// The `error` of a call that this outcome ends.
  var errorJSON: JSON {
    func error(_ kind: String, _ message: String, _ others: [(String, JSON)] = []) -> JSON {
      .object(JSON.Object([("kind", .string(kind)), ("message", .string(message))] + others))
    }
    return switch self {
    case .clean(let code, let message): error("closing", message, [("code", .string(code))])
    case .turnedDown(let code): error("closing", "turned down", [("code", .string(code))])
    case .lost, .aborted: error("lost", "the connection was lost")
    case .violation(let side, let requirement, let message):
      error("violation", "\(requirement): \(message)", [("side", side == .local ? "local" : "remote")])
    case .tampered: error("tampered", "a record does not authenticate")
    case .refused(let code, let message): error("refused", message, [("code", .string(code))])
    case .refusedPeer(let code, let reason): error("refused", reason, [("code", .string(code))])
    case .notBokbok: error("notBokbok", "the other side does not speak Bokbok")
    case .authenticationFailed: error("authentication", "the server did not prove that it holds the key")
    case .timedOut: error("timeout", "the connection did not open in time")
    }
  }
}

extension CoreConnection.RequestError {
  /// The `error` of the reply.
  var json: JSON {
    switch self {
    case .ending(let ending):
      return ending.errorJSON
    case .cancelled:
      return ["kind": "cancelled", "message": "this side cancelled the request"]
    case .failure(.closing):
      return ["kind": "closing", "message": "the request was not sent"]
    case .failure(.malformed(let reason)):
      return ["kind": "malformed", "message": .string(reason)]
    case .failure(.tooLarge(let byteCount, let byteCountMax)):
      return ["kind": "tooLarge", "message": .string("\(byteCount) bytes, but the other side takes \(byteCountMax)")]
    case .failure(.remote(let code, let message, let details)):
      // ERROR `closing` counts as the closing that this side may find itself: either way nothing was processed.
      return [
        "kind": code == "closing" ? "closing" : "remote",
        "code": .string(code),
        "message": .string(message),
        "details": .array(details.map { .string($0.hexadecimal) }),
      ]
    }
  }

  /// What a handler answers whose own request failed (E-1).
  var answer: HandlerAnswer {
    if case .failure(.remote(let code, let message, let details)) = self {
      return .error(code: code, message: message, details: details)
    }
    return .failed(message: "the handler failed")
  }
}

/// The commands that need no connection.
enum CoreCodec {
  static func result(of command: VirtualTestee.Command) throws -> JSON {
    switch command.name {
    case "deriveKey":
      let key = try PresharedKey.derive(
        passphrase: command.members["passphrase"]?.string ?? "",
        user: command.members["user"]?.string ?? ""
      )
      return ["key": .string(key.hexadecimal())]
    case "decodeValue":
      do {
        return ["value": json(try WireValues.decode(Hexadecimal.bytes(command.members["bytes"]?.string ?? "") ?? []))]
      } catch {
        throw VirtualTestee.Refusal(kind: "malformed", message: "\(error)")
      }
    default:
      do {
        let bytes = try WireValues.encode(value(command.members["value"] ?? .null))
        return ["bytes": .string(Hexadecimal.text(bytes))]
      } catch let error as ValueEncodingError {
        throw VirtualTestee.Refusal(kind: "malformed", message: "\(error)")
      }
    }
  }

  // Recursion is bounded: values nest at most 64 deep (V-3), and the JSON reader bounds how deep arrays nest.
  private static func json(_ value: Value) -> JSON {
    switch value {
    case .atom(let bytes): ["hex": .string(Hexadecimal.text(bytes.readableBytesView))]
    case .list(let elements): .array(elements.map { json($0) })
    }
  }

  private static func value(_ json: JSON) throws -> Value {
    if let elements = json.array { return .list(try elements.map { try value($0) }) }
    guard let bytes = json["hex"]?.string.flatMap({ Hexadecimal.bytes($0) }) else {
      throw VirtualTestee.Refusal(kind: "other", message: "an atom is {\"hex\": \"…\"}")
    }
    return .atom(ByteBuffer(bytes: bytes))
  }
}
