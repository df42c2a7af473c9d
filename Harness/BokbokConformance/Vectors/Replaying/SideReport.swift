internal import BokbokCore
internal import NIOCore

/// What a side tells its application, as sessions hold it.
enum SideReport {
  /// The report of an action; the words are those of the testee contract where it has them.
  static func json(_ action: ConnectionAction) -> JSON {
    switch action {
    case .checkAdmission: report("checkAdmission")
    case .lookUpKey(let userName): report("lookUpKey", ["user": .hex(Array(userName.readableBytesView))])
    case .opened(let userName):
      report("opened", ["user": userName.map { .hex(Array($0.readableBytesView)) } ?? .null])
    case .handle(let id, let value):
      report("request", id, ValueJSON.members(of: value))
    case .cancelHandler(let id): report("cancelled", id)
    case .answered(let id, let value):
      report("answered", id, ValueJSON.members(of: value))
    case .failed(let id, let failure): report("failed", id, members(of: failure))
    case .ponged(let token): report("ponged", ["token": .hex(tokenBytes(token))])
    case .closeReceived(let code, let message):
      report("closeReceived", ["code": .string(code), "message": .string(message)])
    case .ended(let ending): report("ended", members(of: ending))
    case .shutDownOutput: report("shutDownOutput")
    case .closeStream: report("closeStream")
    }
  }

  private static func report(_ event: String, _ members: JSON = [:]) -> JSON {
    (["event": .string(event)] as JSON).merging(members)
  }

  private static func report(_ event: String, _ id: ExchangeID, _ members: JSON = [:]) -> JSON {
    report(event, (["id": .integer(Int(id))] as JSON).merging(members))
  }

  /// A PING's eight bytes.
  static func tokenBytes(_ token: PingToken) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: token)
    return bytes
  }

  static func kind(of failure: RequestFailure) -> String {
    switch failure {
    case .remote: "remote"
    case .closing: "closing"
    case .malformed: "malformed"
    case .tooLarge: "tooLarge"
    }
  }

  private static func members(of failure: RequestFailure) -> JSON {
    switch failure {
    case .remote(let code, let message, let details):
      ["kind": "remote", "code": .string(code), "message": .string(message), "details": ValueJSON.list(details)]
    case .closing, .malformed, .tooLarge:
      ["kind": .string(kind(of: failure))]
    }
  }

  // MARK: Endings

  /// The outcome in the words of the format.
  static func outcome(of ending: ConnectionEnding) -> String {
    switch ending {
    case .clean: "clean"
    case .turnedDown: "turnedDown"
    case .lost: "lost"
    case .violation: "violation"
    case .tampered: "tampered"
    case .aborted: "aborted"
    case .refused, .refusedPeer: "refused"
    case .notBokbok: "notBokbok"
    case .authenticationFailed: "authentication"
    case .timedOut: "timeout"
    }
  }

  private static func members(of ending: ConnectionEnding) -> JSON {
    let outcome: JSON = ["outcome": .string(outcome(of: ending))]
    switch ending {
    case .clean(let code, let message), .refused(let code, let message):
      return outcome.merging(["code": .string(code), "message": .string(message)])
    case .turnedDown(let code), .refusedPeer(let code, _):
      return outcome.merging(["code": .string(code)])
    case .violation(let side, _, _):
      return outcome.merging(["side": .string(side == .local ? "local" : "remote")])
    case .lost, .tampered, .aborted, .notBokbok, .authenticationFailed, .timedOut:
      return outcome
    }
  }
}

/// Values inside of reports, calls and frames.
enum ValueJSON {
  /// Longer notation is left out: it is there for people.
  private static let notationByteCountMax = 100

  static func members(of value: Value) -> JSON {
    guard let bytes = try? value.encoded() else { return [:] }
    let encoded = Array(bytes.readableBytesView)
    return (["bytes": Octets(compacting: encoded).json] as JSON).merging(notation(of: encoded))
  }

  /// `reads`, if the bytes are a value whose notation is short.
  static func notation(of bytes: [UInt8]) -> JSON {
    guard bytes.count <= notationByteCountMax, let value = try? WireValues.decode(bytes) else { return [:] }
    let notation = value.notation
    return notation.utf8.count <= notationByteCountMax ? ["reads": .string(notation)] : [:]
  }

  static func list(_ values: [Value]) -> JSON {
    .array(values.map { value in (try? WireValues.encode(value)).map { .hex($0) } ?? .null })
  }
}

extension JSON {
  /// An object with the members of another after its own; any other value stays as it is.
  func merging(_ other: JSON) -> JSON {
    guard case .object(var object) = self, let added = other.object else { return self }
    for (name, value) in added.members { object[name] = value }
    return .object(object)
  }
}
