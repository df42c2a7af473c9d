internal import BokbokCore
internal import NIOCore

/// Records, published Noise vectors and handshakes, played through the library.
extension Vector {
  // MARK: Records

  func replayRecords() throws(VectorMismatch) {
    let stream = try octets("stream")
    let contents = try (self["contents"]?.array ?? []).enumerated().map { index, json throws(VectorMismatch) in
      try Optional(json).octets(at: "contents/\(index)")
    }
    if self["mode"]?.string == "plain" {
      try replayPlain(stream, contents: contents)
    } else {
      try replaySealed(stream, contents: contents)
    }
  }

  private func replayPlain(_ stream: [UInt8], contents: [[UInt8]]) throws(VectorMismatch) {
    var rest = ByteBuffer(bytes: stream)
    var index = 0
    while let content = Record.read(from: &rest), content.readableBytes > 0 {
      try compare(content: Array(content.readableBytesView), index: index, with: contents)
      index += 1
    }
    guard index == contents.count else {
      throw VectorMismatch(place: "contents", message: "expected \(contents.count) records, got \(index)")
    }
    guard let error else {
      let expected = self["rest"]?.integer ?? 0
      guard rest.readableBytes == expected else {
        throw VectorMismatch(place: "rest", message: "expected \(expected) bytes, got \(rest.readableBytes)")
      }
      return
    }
    // What a record is worth that cannot be taken is decided by the machine.
    let side = try MachineSide(SidePlan(role: .server, isSealed: false), place: "stream")
    _ = side.start()
    let settings = WireFrame(.settings, body: Array("()".utf8)).bytes
    _ = side.receive(WirePreamble.bytes(mode: WirePreamble.plain) + .record(settings) + stream)
    try compare(side.ending, with: error)
  }

  private func compare(content: [UInt8], index: Int, with contents: [[UInt8]]) throws(VectorMismatch) {
    guard index < contents.count else {
      throw VectorMismatch(place: "contents", message: "expected \(contents.count) records, got more")
    }
    try VectorMismatch.compare(expected: contents[index], got: content, place: "contents/\(index)")
  }

  private func replaySealed(_ stream: [UInt8], contents: [[UInt8]]) throws(VectorMismatch) {
    guard let first = UInt64(try text("counter")) else {
      throw VectorMismatch(place: "counter", message: "expected a number up to 2^64 - 1")
    }
    let key = try octets("key")
    let slab = KeySlab()
    var rest = ByteBuffer(bytes: stream)
    var index = 0
    var failure: CipherError?
    do {
      var opening = try CipherState(key: SecretBytes(copying: key), counter: first, slab: slab)
      while failure == nil, let sealed = Record.read(from: &rest) {
        var content = ByteBuffer(bytes: sealed.readableBytesView)
        do throws(CipherError) {
          try opening.open(&content, at: content.readerIndex, count: content.readableBytes)
        } catch {
          failure = error
          break
        }
        let opened = Array(content.readableBytesView.dropLast(CipherState.tagByteCount))
        try compare(content: opened, index: index, with: contents)
        index += 1
      }
      if self.error == nil { try replaySealing(contents, key: key, first: first, slab: slab, stream: stream) }
    } catch let mismatch as VectorMismatch {
      throw mismatch
    } catch {
      throw VectorMismatch(place: "key", message: "expected a cipher, got: \(error)")
    }
    guard index == contents.count else {
      throw VectorMismatch(place: "contents", message: "expected \(contents.count) records, got \(index)")
    }
    let outcome: String? =
      switch failure {
      case nil: nil
      case .counterExhausted: "lost"
      default: "tampered"
      }
    guard outcome == error?.outcome else {
      let names = (error?.outcome ?? "none", outcome ?? "none")
      throw VectorMismatch(place: "error/outcome", message: "expected \(names.0), got \(names.1)")
    }
    if error == nil, rest.readableBytes != self["rest"]?.integer ?? 0 {
      throw VectorMismatch(place: "rest", message: "got \(rest.readableBytes) bytes")
    }
  }

  /// The other way: sealing the contents gives the stream, but for what is left of it.
  private func replaySealing(
    _ contents: [[UInt8]],
    key: [UInt8],
    first: UInt64,
    slab: KeySlab,
    stream: [UInt8]
  ) throws {
    var sealing = try CipherState(key: SecretBytes(copying: key), counter: first, slab: slab)
    var written = ByteBuffer()
    for content in contents {
      var sealed = ByteBuffer(bytes: content)
      try sealing.seal(&sealed, at: sealed.readerIndex, count: content.count)
      Record.write(sealed, into: &written)
    }
    let whole = Array(stream.dropLast(self["rest"]?.integer ?? 0))
    try VectorMismatch.compare(expected: whole, got: Array(written.readableBytesView), place: "stream")
  }

  // MARK: Noise

  func replayNoise() throws(VectorMismatch) {
    let name = try text("protocol_name")
    guard let pattern = NoisePattern.all.first(where: { $0.name == name }) else {
      throw VectorMismatch(place: "protocol_name", message: "the library has no pattern \(name)")
    }
    do {
      try replay(pattern)
    } catch let mismatch as VectorMismatch {
      throw mismatch
    } catch {
      throw VectorMismatch(place: "messages", message: "expected a handshake, got: \(error)")
    }
  }

  private func replay(_ pattern: NoisePattern) throws {
    var initiator = try handshakeState(pattern, role: .initiator, prefix: "init")
    var responder = try handshakeState(pattern, role: .responder, prefix: "resp")
    let messages = try (self["messages"]?.array ?? []).enumerated().map { index, json throws(VectorMismatch) in
      (
        payload: try json["payload"].octets(at: "messages/\(index)/payload"),
        ciphertext: try json["ciphertext"].octets(at: "messages/\(index)/ciphertext")
      )
    }
    guard messages.count > 2 else { throw VectorMismatch(place: "messages", message: "expected more than two") }

    for (index, message) in messages.prefix(2).enumerated() {
      var written = ByteBuffer()
      try message.payload.withUnsafeBytes { payload in
        if index == 0 {
          try initiator.writeMessage(payload: payload, into: &written)
        } else {
          try responder.writeMessage(payload: payload, into: &written)
        }
      }
      let place = "messages/\(index)"
      try VectorMismatch.compare(
        expected: message.ciphertext,
        got: Array(written.readableBytesView),
        place: place + "/ciphertext"
      )
      let read = index == 0 ? try responder.readMessage(written) : try initiator.readMessage(written)
      let payload = read.withUnsafeBytes { Array($0) }
      try VectorMismatch.compare(expected: message.payload, got: payload, place: place + "/payload")
    }
    if let hash = self["handshake_hash"] {
      try VectorMismatch.compare(
        expected: try Optional(hash).octets(at: "handshake_hash"),
        got: initiator.handshakeHash,
        place: "handshake_hash"
      )
    }
    var ciphers = try initiator.split(slab: KeySlab())
    for (index, message) in messages.enumerated().dropFirst(2) {
      var sealed = ByteBuffer(bytes: message.payload)
      if index.isMultiple(of: 2) {
        try ciphers.initiatorToResponder.seal(&sealed, at: 0, count: message.payload.count)
      } else {
        try ciphers.responderToInitiator.seal(&sealed, at: 0, count: message.payload.count)
      }
      try VectorMismatch.compare(
        expected: message.ciphertext,
        got: Array(sealed.readableBytesView),
        place: "messages/\(index)/ciphertext"
      )
    }
  }

  private func handshakeState(
    _ pattern: NoisePattern,
    role: HandshakeState.Role,
    prefix: String
  ) throws -> HandshakeState {
    var state = try HandshakeState(
      pattern: pattern,
      role: role,
      prologue: octets(prefix + "_prologue"),
      ephemeral: SecretBytes(copying: octets(prefix + "_ephemeral"))
    )
    for (index, key) in (self[prefix + "_psks"]?.array ?? []).enumerated() {
      let bytes = try Optional(key).octets(at: "\(prefix)_psks/\(index)")
      try state.provide(presharedKey: SecretBytes(copying: bytes))
    }
    return state
  }
}
