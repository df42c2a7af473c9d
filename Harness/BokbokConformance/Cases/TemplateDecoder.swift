internal import BokbokCore

/// Makes templates of JSON that fits the schema.
enum TemplateDecoder {
  static func bytes(_ source: JSON) throws -> ByteTemplate {
    guard let object = source.object else { return .empty }
    switch object.names.first(where: { makers.contains($0) }) {
    case "hex": return .bytes(try hexadecimal(source["hex"]))
    case "text": return .bytes(Array((source["text"]?.string ?? "").utf8))
    case "value": return .bytes(try notation(source["value"]))
    case "blob": return .blob(source["blob"]?.integer ?? 0)
    case "repeat": return .repeated(try child(source["repeat"]), times: source["times"]?.integer ?? 0)
    case "atom": return .atom(try child(source["atom"]))
    case "list": return .list(try (source["list"]?.array ?? []).map { try bytes($0) })
    case "join": return .join(try (source["join"]?.array ?? []).map { try bytes($0) })
    case "part": return .part(try child(source["part"]), from: source["from"]?.integer ?? 0, to: source["to"]?.integer)
    case "changed": return .changed(try child(source["changed"]), change(source))
    case "preamble": return preamble(source["preamble"] ?? [:])
    case "settings": return .bytes(settings(source["settings"] ?? [:]))
    case "frame": return .frame(try frame(source["frame"] ?? [:]))
    case "record": return .record(try child(source["record"]), declaredByteCount: source["length"]?.integer)
    case "digest": return .digest(try child(source["digest"]))
    case "captured": return .captured(source["captured"]?.string ?? "")
    case "sent": return traffic(source["sent"], isSent: true)
    case "received": return traffic(source["received"], isSent: false)
    default: throw CaseDecoder.Problem(step: nil, message: "bytes made in an unknown way: \(object.names)")
    }
  }

  private static let makers: Set = [
    "hex", "text", "value", "blob", "repeat", "atom", "list", "join", "part", "changed", "preamble", "settings",
    "frame",
    "record", "digest", "captured", "sent", "received",
  ]

  private static func child(_ source: JSON?) throws -> ByteTemplate { try bytes(source ?? [:]) }

  private static func hexadecimal(_ source: JSON?) throws -> [UInt8] {
    guard let text = source?.string, let bytes = Hexadecimal.bytes(text) else {
      throw CaseDecoder.Problem(step: nil, message: "an odd number of hexadecimal digits: \(source?.string ?? "")")
    }
    return bytes
  }

  private static func notation(_ source: JSON?) throws -> [UInt8] {
    let text = source?.string ?? ""
    do {
      return try WireValues.encode(Value(notation: text))
    } catch {
      throw CaseDecoder.Problem(step: nil, message: "\(text): \(error)")
    }
  }

  static func change(_ source: JSON) -> ByteChange {
    ByteChange(index: source["at"]?.integer ?? 0, mask: UInt8(truncatingIfNeeded: source["xor"]?.integer ?? 1))
  }

  private static func preamble(_ source: JSON) -> ByteTemplate {
    let mode: ByteTemplate.PreambleMode =
      switch source["mode"] {
      case .integer(let number)?: .byte(UInt8(truncatingIfNeeded: number))
      case "plain"?: .byte(WirePreamble.plain)
      case "sealed"?: .byte(WirePreamble.sealed)
      case "refused"?: .byte(WirePreamble.refused)
      case "other"?: .other
      default: .own
      }
    return .preamble(
      magic: source["magic"]?.string.map { Array($0.utf8) } ?? WirePreamble.magic,
      version: UInt8(truncatingIfNeeded: source["version"]?.integer ?? Int(WirePreamble.version)),
      mode: mode
    )
  }

  /// The body of a SETTINGS with these numbers.
  static func settings(_ source: JSON) -> [UInt8] {
    let settings = (source.object?.members ?? []).map { name, number in
      Value.list([Value(name), Value(number.integer ?? 0)])
    }
    // A few pairs are never too deep or too many.
    return (try? WireValues.encode(.list(settings))) ?? []
  }

  private static func traffic(_ source: JSON?, isSent: Bool) -> ByteTemplate {
    .traffic(connection: source?["connection"]?.string, record: source?["record"]?.integer, isSent: isSent)
  }

  static func frame(_ source: JSON) throws -> FrameTemplate {
    let kind =
      source["kind"]?.integer.map { UInt8(truncatingIfNeeded: $0) }
      ?? WireKind(name: source["kind"]?.string ?? "")?.rawValue ?? 0
    let more: UInt8 = source["more"]?.bool == true ? WireFrame.moreFlag : 0
    return FrameTemplate(
      kind: kind,
      flags: UInt8(truncatingIfNeeded: source["flags"]?.integer ?? 0) | more,
      id: id(source["id"] ?? 0),
      body: try body(source),
      declaredByteCount: source["length"]?.integer
    )
  }

  static func body(_ source: JSON) throws -> ByteTemplate {
    if let value = source["value"] {
      guard source["body"] == nil else {
        throw CaseDecoder.Problem(step: nil, message: "\"value\" and \"body\" exclude each other")
      }
      return .bytes(try notation(value))
    }
    return try source["body"].map { try bytes($0) } ?? .empty
  }

  static func id(_ source: JSON) -> IDTemplate {
    if let name = source.string { return .captured(String(name.dropFirst())) }
    return .number(UInt32(truncatingIfNeeded: source.integer ?? 0))
  }

  /// A request's payload: a value in notation, or bytes.
  static func payload(_ source: JSON) throws -> ByteTemplate {
    source.string == nil ? try bytes(source) : .bytes(try notation(source))
  }

  static func pattern(_ source: JSON) throws -> FramePattern {
    let counts = source["bodyBytes"]
    let least = counts?["min"]?.integer ?? 0
    let most = counts?["max"]?.integer ?? .max
    guard least <= most else { throw CaseDecoder.Problem(step: nil, message: "\"bodyBytes\": min is over max") }
    return FramePattern(
      kind: WireKind(name: source["kind"]?.string ?? "") ?? .settings,
      id: source["id"].map { id($0) },
      more: source["more"]?.bool,
      value: try source["value"]?.string.map { try ValuePattern($0) },
      body: try source["body"].map { try bytes($0) },
      codes: source["code"].map(\.strings),
      message: try source["message"].map { message in
        try message.string.map { .bytes(Array($0.utf8)) } ?? bytes(message)
      },
      details: try source["details"]?.string.map { try ValuePattern($0) },
      bodyByteCounts: counts.map { _ in least...most },
      isAfterPart: source["afterPart"]?.bool ?? false,
      captureName: source["captureBody"]?.string,
      source: source
    )
  }
}
