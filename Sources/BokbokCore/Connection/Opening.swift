package import NIOCore

/// The opening of a connection: the only part that knows client and server.
enum Opening: ~Copyable {
  case server(ServerOpening)
  case client(ClientOpening)

  /// Whether the application has to answer before anything more is read.
  var waitsForApplication: Bool {
    switch self {
    case .server(let opening): opening.waitsForApplication
    case .client: false
    }
  }

  mutating func next(input: inout ByteBuffer, slab: KeySlab) -> OpeningStep {
    switch consume self {
    case .server(var opening):
      let step = opening.next(input: &input)
      self = .server(opening)
      return step
    case .client(var opening):
      let step = opening.next(input: &input, slab: slab)
      self = .client(opening)
      return step
    }
  }

  mutating func admit(busy: Bool, output: inout ByteBuffer) -> OpeningStep {
    switch consume self {
    case .server(var opening):
      let step = opening.admit(busy: busy, output: &output)
      self = .server(opening)
      return step
    case .client(let opening):
      self = .client(opening)
      return .idle
    }
  }

  mutating func keysFound(_ keys: [PresharedKey], output: inout ByteBuffer, slab: KeySlab) -> OpeningStep {
    switch consume self {
    case .server(var opening):
      let step = opening.keysFound(keys, output: &output, slab: slab)
      self = .server(opening)
      return step
    case .client(let opening):
      self = .client(opening)
      return .idle
    }
  }
}

/// What the opening of either side asks for next.
enum OpeningStep: ~Copyable {
  /// More bytes are needed, or an answer of the application.
  case idle
  case action(ConnectionAction)
  /// The handshake is over. Frames follow; this side's SETTINGS has to be sent, unless it was.
  case established(RecordProtection, userName: ByteBuffer?)
  /// Server: say so with a refusal (O-6).
  case refuse(code: RefusalCode, reason: String)
  /// Close without a word.
  case fail(ConnectionEnding)

  var isIdle: Bool {
    switch self {
    case .idle: true
    case .action: false
    case .established: false
    case .refuse: false
    case .fail: false
    }
  }

  /// What is to be done while the opening goes on; nil where it is over.
  var waits: Waits? {
    switch self {
    case .idle: Waits(action: nil)
    case .action(let action): Waits(action: action)
    case .established: nil
    case .refuse: nil
    case .fail: nil
    }
  }

  struct Waits {
    var action: ConnectionAction?
  }
}

/// The codes of a refusal (O-6).
package enum RefusalCode: String, Sendable, CaseIterable {
  case unsupportedVersion = "unsupported-version"
  case modeMismatch = "mode-mismatch"
  case authenticationFailed = "authentication-failed"
  case busy

  /// The message on the wire: fixed for each code, so that it tells nothing more (H-4).
  package var message: String {
    switch self {
    case .unsupportedVersion: "this server speaks version \(Preamble.currentVersion)"
    case .modeMismatch: "this server was started for the other mode"
    case .authenticationFailed: "authentication failed"
    case .busy: "as many connections are open as this server holds"
    }
  }

  /// The whole refusal: preamble and record (O-4, O-6).
  package var bytes: ByteBuffer {
    var content = ByteBuffer()
    CodedMessage(code: rawValue, message: message).value.encode(into: &content)
    var bytes = ByteBuffer(bytes: Preamble(mode: .refused).bytes)
    Record.write(content, into: &bytes)
    return bytes
  }
}

/// One record of the opening, which is not sealed. Nothing is kept of a record whose length is wrong.
enum OpeningRecord {
  case incomplete
  case wrongLength(Int)
  case content(ByteBuffer)

  static func read(from input: inout ByteBuffer, lengths: ClosedRange<Int>) -> OpeningRecord {
    guard let length = input.getInteger(at: input.readerIndex, as: UInt16.self) else { return .incomplete }
    guard lengths.contains(Int(length)) else { return .wrongLength(Int(length)) }
    return Record.read(from: &input).map { .content($0) } ?? .incomplete
  }
}
