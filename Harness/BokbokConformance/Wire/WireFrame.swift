/// The kinds of frames (specification, section 5).
///
/// The kit writes and reads the wire with code of its own, so that a mistake in the library does not hide in both ends.
enum WireKind: UInt8, CaseIterable {
  case settings = 0
  case request
  case response
  case error
  case cancel
  case ping
  case pong
  case close

  /// The name in the specification, such as `PING`.
  var name: String { "\(self)".uppercased() }

  init?(name: String) {
    guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = kind
  }

  /// Whether frames of this kind have an exchange id.
  var hasExchange: Bool {
    switch self {
    case .request, .response, .error, .cancel: true
    case .settings, .ping, .pong, .close: false
    }
  }

  /// Whether frames of this kind may have the flag MORE.
  var hasFragments: Bool { self == .request || self == .response }
}

/// One frame, which may break any rule but those of its own coding.
struct WireFrame: Equatable {
  static let headerByteCount = 8
  static let moreFlag: UInt8 = 0x01

  var kind: UInt8
  var flags: UInt8 = 0
  var id: UInt32 = 0
  var body: [UInt8] = []
  /// The body length that the header gives, where that is not the true one.
  var declaredByteCount: Int?

  init(kind: UInt8, flags: UInt8 = 0, id: UInt32 = 0, body: [UInt8] = [], declaredByteCount: Int? = nil) {
    self.kind = kind
    self.flags = flags
    self.id = id
    self.body = body
    self.declaredByteCount = declaredByteCount
  }

  init(_ kind: WireKind, id: UInt32 = 0, more: Bool = false, body: [UInt8] = []) {
    self.init(kind: kind.rawValue, flags: more ? Self.moreFlag : 0, id: id, body: body)
  }

  var knownKind: WireKind? { WireKind(rawValue: kind) }
  var hasMore: Bool { flags & Self.moreFlag != 0 }

  var bytes: [UInt8] {
    var bytes = [kind, flags]
    bytes.append(bigEndian: UInt16(truncatingIfNeeded: declaredByteCount ?? body.count))
    bytes.append(bigEndian: id)
    bytes.append(contentsOf: body)
    return bytes
  }

  /// The name of the kind, or its number where there is no name.
  var kindName: String { knownKind?.name ?? "kind 0x\(Hexadecimal.text([kind]))" }
}

/// What a peer may not send: the clause that it breaks and what was found.
struct WireFault: Error, Equatable {
  let clause: String
  let message: String
}

extension WireFrame {
  /// The frames of a record's content. Whether the frames themselves are allowed is not checked here.
  static func frames(in content: some Collection<UInt8>) throws(WireFault) -> [WireFrame] {
    let content = Array(content)
    guard !content.isEmpty else { throw WireFault(clause: "F-1.c", message: "a record with no frame in it") }
    var frames: [WireFrame] = []
    var offset = 0
    while offset < content.count {
      let rest = content.count - offset
      guard rest >= headerByteCount else {
        throw WireFault(clause: "F-1.d", message: "only \(rest) bytes of the record are left where a frame begins")
      }
      let byteCount = Int(content[offset + 2]) << 8 | Int(content[offset + 3])
      guard rest >= headerByteCount + byteCount else {
        let left = rest - headerByteCount
        throw WireFault(clause: "F-1.e", message: "a body of \(byteCount) bytes, but \(left) are left in the record")
      }
      let id = content[(offset + 4)..<(offset + 8)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let bodyStart = offset + headerByteCount
      frames.append(
        WireFrame(
          kind: content[offset],
          flags: content[offset + 1],
          id: id,
          body: Array(content[bodyStart..<(bodyStart + byteCount)])
        )
      )
      offset = bodyStart + byteCount
    }
    return frames
  }

  /// The rule of F-1 that the frame breaks by itself; nil if it breaks none.
  var fault: WireFault? {
    guard let kind = knownKind else { return WireFault(clause: "F-1.f", message: "a frame of the unknown \(kindName)") }
    if flags & ~Self.moreFlag != 0 {
      return WireFault(clause: "F-1.g", message: "\(kind.name) with the flags 0x\(Hexadecimal.text([flags]))")
    }
    if hasMore, !kind.hasFragments { return WireFault(clause: "F-1.h", message: "\(kind.name) with the flag MORE") }
    if kind.hasExchange, id == 0 { return WireFault(clause: "F-1.i", message: "\(kind.name) with the exchange id 0") }
    if !kind.hasExchange, id != 0 {
      return WireFault(clause: "F-1.j", message: "\(kind.name) with the exchange id \(id)")
    }
    if kind == .ping || kind == .pong, body.count != 8 {
      return WireFault(clause: "F-1.k", message: "\(kind.name) with a body of \(body.count) bytes")
    }
    if kind == .cancel, !body.isEmpty {
      return WireFault(clause: "F-1.l", message: "CANCEL with a body of \(body.count) bytes")
    }
    if hasMore, body.isEmpty {
      return WireFault(clause: "X-4.e", message: "a fragment with the flag MORE and an empty body")
    }
    return nil
  }
}

extension [UInt8] {
  mutating func append<Integer: FixedWidthInteger>(bigEndian integer: Integer) {
    Swift.withUnsafeBytes(of: integer.bigEndian) { append(contentsOf: $0) }
  }

  /// A record with this content: its length, of which only the lowest 16 bits fit, and the bytes.
  static func record(_ content: [UInt8], declaredByteCount: Int? = nil) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(content.count + 2)
    bytes.append(bigEndian: UInt16(truncatingIfNeeded: declaredByteCount ?? content.count))
    bytes.append(contentsOf: content)
    return bytes
  }
}

/// The preamble (specification, section 2).
enum WirePreamble {
  static let byteCount = 8
  static let magic = Array("BOKBOK".utf8)
  static let version: UInt8 = 1
  static let plain: UInt8 = 0
  static let sealed: UInt8 = 1
  static let refused: UInt8 = 0xFF

  static func bytes(mode: UInt8, version: UInt8 = Self.version) -> [UInt8] {
    magic + [version, mode]
  }
}
