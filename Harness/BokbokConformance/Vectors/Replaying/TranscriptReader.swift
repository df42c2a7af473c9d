/// Takes what one side of a session sent apart: preamble, handshake, records and their frames. It shares no code with
/// the library, so that a session shows what the bytes are, not what the library meant them to be.
struct TranscriptReader {
  private enum Expected {
    case preamble
    case userName
    case message1
    case message2
    case refusal
    case records
    /// Nothing more can be told.
    case unknown
  }

  private let role: SideRole
  private let isSealed: Bool
  /// What opens the records of this direction.
  private let key: [UInt8]
  private var counter: UInt64 = 0
  private var expected = Expected.preamble

  init(role: SideRole, isSealed: Bool, handshake: ReferenceHandshake?) {
    self.role = role
    self.isSealed = isSealed
    key = (role == .client ? handshake?.clientToServerKey : handshake?.serverToClientKey) ?? []
  }

  /// The parts of what was sent at once, with the members `is` and `bytes`.
  mutating func parts(of bytes: [UInt8]) -> [JSON] {
    var parts: [JSON] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      if case .preamble = expected, rest.count >= WirePreamble.byteCount, rest.starts(with: WirePreamble.magic) {
        let preamble = Array(rest.prefix(WirePreamble.byteCount))
        rest = rest.dropFirst(WirePreamble.byteCount)
        parts.append(["is": "preamble", "bytes": .hex(preamble)])
        afterPreamble(mode: preamble[7])
        continue
      }
      guard let record = takeRecord(&rest) else {
        expected = .unknown
        parts.append(["is": "bytes", "bytes": Octets(compacting: Array(rest)).json])
        break
      }
      parts.append(part(of: record))
    }
    return parts
  }

  private mutating func afterPreamble(mode: UInt8) {
    switch mode {
    case WirePreamble.refused: expected = .refusal
    case WirePreamble.sealed: expected = role == .client ? .userName : .message2
    default: expected = .records
    }
  }

  /// A whole record with its length; nil if there is none, or nothing is known of what comes.
  private func takeRecord(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    switch expected {
    case .preamble, .unknown: return nil
    case .userName, .message1, .message2, .refusal, .records: break
    }
    guard rest.count >= 2 else { return nil }
    let count = 2 + Int(rest[rest.startIndex]) << 8 + Int(rest[rest.startIndex + 1])
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  private mutating func part(of record: [UInt8]) -> JSON {
    let bytes = Octets(compacting: record).json
    let content = Array(record.dropFirst(2))
    switch expected {
    case .userName:
      expected = .message1
      return ["is": "userName", "bytes": bytes]
    case .message1:
      expected = .records
      return ["is": "message1", "bytes": bytes]
    case .message2:
      expected = .records
      return ["is": "message2", "bytes": bytes]
    case .refusal:
      expected = .unknown
      return (["is": "refusal", "bytes": bytes] as JSON).merging(ValueJSON.notation(of: content))
    case .preamble, .records, .unknown:
      return (["is": "record", "bytes": bytes] as JSON).merging(frames(of: content))
    }
  }

  private mutating func frames(of content: [UInt8]) -> JSON {
    var plain = content
    if isSealed {
      let nonce = ReferenceChaCha20Poly1305.nonce(counter: counter)
      guard key.count == 32, let opened = ReferenceChaCha20Poly1305.open(content, key: key, nonce: nonce) else {
        return [:]
      }
      counter += 1
      plain = opened
    }
    guard let frames = try? WireFrame.frames(in: plain), frames.allSatisfy({ $0.fault == nil }) else {
      return isSealed ? ["content": Octets(compacting: plain).json] : [:]
    }
    return [
      "frames": .array(
        frames.map { frame in
          FrameJSON.json(frame, body: Octets(compacting: frame.body)).merging(
            frame.hasMore ? [:] : ValueJSON.notation(of: frame.body)
          )
        }
      )
    ]
  }
}
