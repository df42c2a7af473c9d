internal import BokbokCore
internal import NIOCore

/// Bytes as a data file describes them, made when the step is played.
indirect enum ByteTemplate: Sendable {
  case bytes([UInt8])
  case blob(Int)
  case repeated(ByteTemplate, times: Int)
  case atom(ByteTemplate)
  case list([ByteTemplate])
  case join([ByteTemplate])
  case part(ByteTemplate, from: Int, to: Int?)
  case changed(ByteTemplate, ByteChange)
  case preamble(magic: [UInt8], version: UInt8, mode: PreambleMode)
  case frame(FrameTemplate)
  case record(ByteTemplate, declaredByteCount: Int?)
  case digest(ByteTemplate)
  case captured(String)
  case traffic(connection: String?, record: Int?, isSent: Bool)

  enum PreambleMode: Sendable, Equatable {
    /// The mode of the configuration.
    case own
    /// The other one of plain and sealed.
    case other
    case byte(UInt8)
  }
}

/// A frame that is sent, as a data file describes it.
struct FrameTemplate: Sendable {
  let kind: UInt8
  let flags: UInt8
  let id: IDTemplate
  let body: ByteTemplate
  let declaredByteCount: Int?
}

/// An exchange id: a number, or the name under which a pattern captures it.
enum IDTemplate: Sendable, Equatable {
  case number(UInt32)
  case captured(String)
}

/// What templates are made from, besides themselves.
protocol TemplateContext {
  var isSealed: Bool { get }
  func capturedBytes(_ name: String) throws -> [UInt8]
  func capturedID(_ name: String) throws -> UInt32
  func traffic(of connection: String?, record: Int?, isSent: Bool) throws -> [UInt8]
}

extension ByteTemplate {
  static let empty = ByteTemplate.bytes([])

  func build(in context: some TemplateContext) throws -> [UInt8] {
    switch self {
    case .bytes(let bytes):
      return bytes
    case .blob(let count):
      let round = (0..<251).map { UInt8($0) }
      return Array(try Self.repeated(.bytes(round), times: count / 251 + 1).build(in: context).prefix(count))
    case .repeated(let template, let times):
      let bytes = try template.build(in: context)
      var result: [UInt8] = []
      result.reserveCapacity(bytes.count * times)
      // By doubling: a million of two bytes is twenty steps.
      var run = bytes
      var rest = times
      while rest > 0 {
        if rest & 1 == 1 { result += run }
        rest >>= 1
        if rest > 0 { run += run }
      }
      return result
    case .atom(let template):
      let bytes = try template.build(in: context)
      return Array("\(bytes.count):".utf8) + bytes
    case .list(let templates):
      return try [UInt8(ascii: "(")] + ByteTemplate.join(templates).build(in: context) + [UInt8(ascii: ")")]
    case .join(let templates):
      // Whole arrays are appended: element by element it would be slow for large ones.
      return try templates.reduce(into: []) { $0 += try $1.build(in: context) }
    case .part(let template, let from, let to):
      let bytes = try template.build(in: context)
      let start = min(from, bytes.count)
      return Array(bytes[start..<max(start, min(to ?? bytes.count, bytes.count))])
    case .changed(let template, let change):
      var bytes = try template.build(in: context)
      change.apply(to: &bytes)
      return bytes
    case .preamble(let magic, let version, let mode):
      return magic + [version, mode.byte(isSealed: context.isSealed)]
    case .frame(let template):
      return try template.build(in: context).bytes
    case .record(let template, let declaredByteCount):
      return .record(try template.build(in: context), declaredByteCount: declaredByteCount)
    case .digest(let template):
      return SHA256.hash(of: ByteBuffer(bytes: try template.build(in: context)))
    case .captured(let name):
      return try context.capturedBytes(name)
    case .traffic(let connection, let record, let isSent):
      return try context.traffic(of: connection, record: record, isSent: isSent)
    }
  }
}

extension ByteTemplate.PreambleMode {
  func byte(isSealed: Bool) -> UInt8 {
    switch self {
    case .own: isSealed ? WirePreamble.sealed : WirePreamble.plain
    case .other: isSealed ? WirePreamble.plain : WirePreamble.sealed
    case .byte(let byte): byte
    }
  }
}

extension FrameTemplate {
  func build(in context: some TemplateContext) throws -> WireFrame {
    WireFrame(
      kind: kind,
      flags: flags,
      id: try id.number(in: context),
      body: try body.build(in: context),
      declaredByteCount: declaredByteCount
    )
  }
}

extension IDTemplate {
  func number(in context: some TemplateContext) throws -> UInt32 {
    switch self {
    case .number(let number): number
    case .captured(let name): try context.capturedID(name)
    }
  }
}
