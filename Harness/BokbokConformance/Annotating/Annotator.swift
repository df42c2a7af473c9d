internal import BokbokCore

/// Explains the bytes that one side of a connection sent: its preamble, records, frames and values, each with the clause
/// that it breaks, if any.
///
/// What only the other direction or the time would show (an answer nobody asked for, a limit that the peer announced) is
/// not judged here.
public struct Annotator {
  /// What the first byte belongs to.
  public enum Start: Sendable {
    /// A connection from its first byte: the preamble.
    case preamble
    /// Records that are plain, or whose content ``Annotator/init(sender:start:opener:)`` opens.
    case records
    /// The frames of one record.
    case frames
    /// One value in canonical form.
    case value
  }

  /// Whose bytes they are; the opening differs.
  public enum Sender: Sendable {
    /// The side that started the stream.
    case client
    /// The other side.
    case server
  }

  /// What opens sealed records: given the number of the record in this direction, from 0, and its content, it returns
  /// the frames, or nil if it cannot.
  public typealias Opener = (_ index: Int, _ content: [UInt8]) -> [UInt8]?

  private let sender: Sender
  private let start: Start
  private let opener: Opener?

  private var lines: [Annotation] = []
  /// Bodies of messages of which fragments have come, by kind and exchange.
  private var fragments: [UInt64: [UInt8]] = [:]
  private var frameCount = 0
  private var sealedRecordCount = 0
  private var isSealed = false

  /// An annotator for the bytes of one side.
  ///
  /// - Parameters:
  ///   - sender: whose bytes they are.
  ///   - start: what the first byte belongs to.
  ///   - opener: what opens sealed records; without one they are shown as they are. With one, records after
  ///     ``Start/records`` are taken for sealed.
  public init(sender: Sender, start: Start = .preamble, opener: Opener? = nil) {
    self.sender = sender
    self.start = start
    self.opener = opener
  }

  /// The lines about these bytes, in their order. Never fails: what cannot be read is said so.
  public func annotate(_ bytes: [UInt8]) -> [Annotation] {
    var work = self
    switch start {
    case .preamble: work.annotateStream(bytes)
    case .records:
      work.isSealed = opener != nil
      work.annotateRecords(bytes, from: 0)
    case .frames: work.annotateFrames(bytes, base: 0, depth: 0)
    case .value: work.annotateValue(bytes, offset: 0, depth: 0, name: "value")
    }
    return work.lines
  }

  private mutating func add(
    _ offset: Int,
    _ bytes: some Collection<UInt8>,
    depth: Int,
    inside: Bool = false,
    _ meaning: String,
    clause: String? = nil
  ) {
    lines.append(
      Annotation(
        offset: offset,
        bytes: Array(bytes),
        depth: depth,
        isInsideSealedRecord: inside,
        meaning: meaning,
        clause: clause
      )
    )
  }
}

// MARK: - The opening

extension Annotator {
  private mutating func annotateStream(_ bytes: [UInt8]) {
    let head = bytes.prefix(WirePreamble.byteCount)
    guard head.prefix(6).elementsEqual(WirePreamble.magic.prefix(head.count)) else {
      let clause = sender == .client ? "O-1.a" : nil
      add(0, bytes, depth: 0, "not Bokbok: the first bytes are \(Self.shown(Array(head)))", clause: clause)
      return
    }
    guard head.count == WirePreamble.byteCount else {
      if !head.isEmpty { add(0, head, depth: 0, "preamble, cut off after \(head.count) bytes") }
      return
    }
    let version = head[6]
    let mode = head[7]
    let modeName = [WirePreamble.plain: "plain", WirePreamble.sealed: "sealed", WirePreamble.refused: "refused"][mode]
    let modeText = modeName ?? "unknown mode 0x\(Hexadecimal.text([mode]))"
    var clause: String?
    if version != WirePreamble.version, mode != WirePreamble.refused || sender == .client {
      clause = sender == .client ? "O-1.a" : "O-7.a"
    } else if modeName == nil || (sender == .client && mode == WirePreamble.refused) {
      clause = sender == .client ? "O-1.b" : "O-7.a"
    }
    add(0, head, depth: 0, "preamble: version \(version), \(modeText)", clause: clause)
    switch mode {
    case WirePreamble.sealed: annotateHandshake(bytes, from: head.count)
    case WirePreamble.refused: annotateRefusal(bytes, from: head.count)
    default: annotateRecords(bytes, from: head.count)
    }
  }

  private mutating func annotateHandshake(_ bytes: [UInt8], from start: Int) {
    var offset = start
    if sender == .client {
      guard let name = record(bytes, at: &offset) else { return }
      let isName = (1...255).contains(name.count) && String(validating: name, as: UTF8.self) != nil
      let meaning = "user name, \(name.count) bytes: \(Self.shown(Array(name)))"
      add(
        name.startIndex - 2,
        bytes[(name.startIndex - 2)..<name.endIndex],
        depth: 0,
        meaning,
        clause: isName ? nil : "H-2.a"
      )
    }
    let (number, byteCount, clause) = sender == .client ? (1, 80, "H-2.b") : (2, 48, "H-3.a")
    guard let message = record(bytes, at: &offset) else { return }
    let parts = sender == .client ? "public key 32, session key 32, tag 16" : "public key 32, tag 16"
    let isRight = message.count == byteCount
    add(
      message.startIndex - 2,
      bytes[(message.startIndex - 2)..<message.endIndex],
      depth: 0,
      "handshake message \(number), \(message.count) bytes" + (isRight ? ": \(parts)" : ", expected \(byteCount)"),
      clause: isRight ? nil : clause
    )
    isSealed = true
    annotateRecords(bytes, from: offset)
  }

  private mutating func annotateRefusal(_ bytes: [UInt8], from start: Int) {
    var offset = start
    guard let content = record(bytes, at: &offset) else { return }
    add(
      content.startIndex - 2,
      bytes[(content.startIndex - 2)..<content.startIndex],
      depth: 0,
      "record, \(content.count) bytes"
    )
    annotateErrorBody(Array(content), offset: content.startIndex, depth: 1, takesDetails: false, clause: "O-6.a")
    if offset < bytes.count {
      add(offset, bytes[offset...], depth: 0, "\(bytes.count - offset) bytes after a refusal", clause: "O-6.b")
    }
  }
}

// MARK: - Records and frames

extension Annotator {
  /// The content of the record at an offset, which moves behind it; nil, with a line, if it is not all there.
  private mutating func record(_ bytes: [UInt8], at offset: inout Int) -> ArraySlice<UInt8>? {
    let rest = bytes.count - offset
    guard rest > 0 else { return nil }
    guard rest >= 2 else {
      add(offset, bytes[offset...], depth: 0, "half of a record's length")
      return nil
    }
    let byteCount = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
    guard rest >= 2 + byteCount else {
      add(offset, bytes[offset...], depth: 0, "record, \(byteCount) bytes, of which \(rest - 2) have come")
      return nil
    }
    defer { offset += 2 + byteCount }
    return bytes[(offset + 2)..<(offset + 2 + byteCount)]
  }

  private mutating func annotateRecords(_ bytes: [UInt8], from start: Int) {
    var offset = start
    while let content = record(bytes, at: &offset) {
      let head = bytes[(content.startIndex - 2)..<content.startIndex]
      if isSealed {
        annotateSealedRecord(bytes, content)
      } else if content.isEmpty {
        add(content.startIndex - 2, head, depth: 0, "record, 0 bytes", clause: "R-1.a")
      } else {
        add(content.startIndex - 2, head, depth: 0, "record, \(content.count) bytes")
        annotateFrames(Array(content), base: content.startIndex, depth: 1)
      }
    }
  }

  private mutating func annotateSealedRecord(_ bytes: [UInt8], _ content: ArraySlice<UInt8>) {
    let index = sealedRecordCount
    sealedRecordCount += 1
    let whole = bytes[(content.startIndex - 2)..<content.endIndex]
    guard content.count >= 16 else {
      let meaning = "sealed record, \(content.count) bytes: shorter than the tag"
      return add(content.startIndex - 2, whole, depth: 0, meaning, clause: "R-1.b")
    }
    guard let opener else {
      return add(content.startIndex - 2, whole, depth: 0, "sealed record \(index), \(content.count) bytes, not opened")
    }
    guard let frames = opener(index, Array(content)) else {
      let meaning = "sealed record \(index), \(content.count) bytes: does not authenticate"
      return add(content.startIndex - 2, whole, depth: 0, meaning, clause: "R-2.c")
    }
    let meaning = "sealed record \(index), \(content.count) bytes: \(frames.count) of frames + 16"
    add(content.startIndex - 2, whole, depth: 0, meaning)
    annotateFrames(frames, base: 0, depth: 1, inside: true)
  }

  private mutating func annotateFrames(_ content: [UInt8], base: Int, depth: Int, inside: Bool = false) {
    guard !content.isEmpty else { return add(base, [], depth: depth, inside: inside, "no frame", clause: "F-1.c") }
    var offset = 0
    while offset < content.count {
      let rest = Array(content[offset...])
      guard rest.count >= WireFrame.headerByteCount else {
        let meaning = "\(rest.count) bytes where a frame begins"
        return add(base + offset, rest, depth: depth, inside: inside, meaning, clause: "F-1.d")
      }
      let byteCount = Int(rest[2]) << 8 | Int(rest[3])
      guard rest.count >= WireFrame.headerByteCount + byteCount else {
        let kind = WireFrame(kind: rest[0]).kindName
        let left = rest.count - WireFrame.headerByteCount
        let meaning = "\(kind), body of \(byteCount) bytes, but \(left) are left in the record"
        return add(base + offset, rest, depth: depth, inside: inside, meaning, clause: "F-1.e")
      }
      let end = WireFrame.headerByteCount + byteCount
      // The length was checked, so that exactly one frame is found.
      if let frame = try? WireFrame.frames(in: rest[..<end]).first {
        annotate(frame, offset: base + offset, depth: depth, inside: inside)
      }
      offset += end
    }
  }

  private mutating func annotate(_ frame: WireFrame, offset: Int, depth: Int, inside: Bool) {
    var fault = frame.fault
    if fault == nil {
      if frameCount == 0, start == .preamble, frame.knownKind != .settings {
        fault = WireFault(clause: "S-1.c", message: "")
      } else if frameCount > 0, frame.knownKind == .settings {
        fault = WireFault(clause: "S-1.b", message: "")
      }
    }
    frameCount += 1
    var flags = frame.hasMore ? ", MORE" : ""
    if frame.flags & ~WireFrame.moreFlag != 0 { flags += ", flags 0x\(Hexadecimal.text([frame.flags]))" }
    let id = frame.id != 0 || frame.knownKind?.hasExchange == true ? " \(frame.id)" : ""
    let meaning = "\(frame.kindName)\(id)\(flags), body of \(frame.body.count) bytes"
    let head = frame.bytes.prefix(WireFrame.headerByteCount)
    add(offset, head, depth: depth, inside: inside, meaning, clause: fault?.clause)
    annotateBody(of: frame, offset: offset + WireFrame.headerByteCount, depth: depth + 1, inside: inside)
  }

  private mutating func annotateBody(of frame: WireFrame, offset: Int, depth: Int, inside: Bool) {
    switch frame.knownKind {
    case .settings:
      var fault: WireFault?
      do { _ = try WireSettings(body: frame.body) } catch { fault = error }
      annotateValue(frame.body, offset: offset, depth: depth, inside: inside, name: "settings", clause: fault?.clause)
    case .request, .response:
      annotateFragment(frame, offset: offset, depth: depth, inside: inside)
    case .error:
      annotateErrorBody(frame.body, offset: offset, depth: depth, inside: inside, takesDetails: true, clause: "E-1.a")
    case .close:
      annotateErrorBody(frame.body, offset: offset, depth: depth, inside: inside, takesDetails: false, clause: "E-2.f")
    case .cancel, .ping, .pong, nil:
      if !frame.body.isEmpty {
        add(offset, frame.body, depth: depth, inside: inside, Hexadecimal.text(frame.body.prefix(32)))
      }
    }
  }

  private mutating func annotateFragment(_ frame: WireFrame, offset: Int, depth: Int, inside: Bool) {
    let key = UInt64(frame.kind) << 32 | UInt64(frame.id)
    let before = fragments[key]
    let message = (before ?? []) + frame.body
    if frame.hasMore {
      fragments[key] = message
      let meaning = "fragment: \(message.count) bytes of the message so far"
      return add(offset, frame.body, depth: depth, inside: inside, meaning)
    }
    fragments[key] = nil
    let name = before == nil ? "value" : "last fragment: the message of \(message.count) bytes"
    annotateValue(message, shown: frame.body, offset: offset, depth: depth, inside: inside, name: name)
  }
}

// MARK: - Values

extension Annotator {
  private mutating func annotateValue(
    _ bytes: [UInt8],
    shown: [UInt8]? = nil,
    offset: Int,
    depth: Int,
    inside: Bool = false,
    name: String,
    clause: String? = nil
  ) {
    do {
      let value = try WireValues.decode(bytes)
      add(offset, shown ?? bytes, depth: depth, inside: inside, "\(name): \(Self.shown(value))", clause: clause)
    } catch {
      let clause = clause ?? WireValues.clause(of: error)
      add(offset, shown ?? bytes, depth: depth, inside: inside, "\(name): \(error)", clause: clause)
    }
  }

  private mutating func annotateErrorBody(
    _ bytes: [UInt8],
    offset: Int,
    depth: Int,
    inside: Bool = false,
    takesDetails: Bool,
    clause: String
  ) {
    do {
      _ = try WireErrorBody(bytes, takesDetails: takesDetails, clause: clause)
      annotateValue(bytes, offset: offset, depth: depth, inside: inside, name: "value")
    } catch {
      add(offset, bytes, depth: depth, inside: inside, error.message, clause: error.clause)
    }
  }

  private static func shown(_ value: Value) -> String {
    String(displaying: value.debugDescription, charactersMax: 160)
  }

  private static func shown(_ bytes: [UInt8]) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { return Hexadecimal.text(bytes.prefix(32)) }
    return "\"\(String(displaying: text, charactersMax: 64))\""
  }
}
