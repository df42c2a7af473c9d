extension CasePlayer {
  /// The most bytes that one record may hold here.
  private func recordByteCountMax(_ connection: KitConnection) -> Int {
    connection.ciphers == nil ? 65_535 : 65_519
  }

  func send(_ templates: [FrameTemplate], _ step: Step) throws {
    let connection = try connection(step.connection)
    let frames = try templates.map { try $0.build(in: self) }
    if frames.contains(where: { $0.knownKind == .settings }) { connection.hasSentSettings = true }
    let bytes = try connection.recordBytes(frames)
    connection.noteSentRecord(bytes)
    try write(bytes, to: connection, pieces: step.pieces)
  }

  func sendMessage(_ template: MessageTemplate, _ step: Step) throws {
    let connection = try connection(step.connection)
    let message = try template.body.build(in: self)
    let id = try template.id.number(in: self)
    let size = template.fragmentByteCount ?? recordByteCountMax(connection) - WireFrame.headerByteCount
    var frames: [WireFrame] = []
    for start in stride(from: 0, to: max(message.count, 1), by: size) {
      let end = min(start + size, message.count)
      frames.append(WireFrame(template.kind, id: id, more: end < message.count, body: Array(message[start..<end])))
    }
    if template.isUnfinished { frames.removeLast() }
    var waiting: [WireFrame] = []
    var waitingByteCount = 0
    func flush() throws {
      guard !waiting.isEmpty else { return }
      let bytes = try connection.recordBytes(waiting)
      connection.noteSentRecord(bytes)
      try write(bytes, to: connection, pieces: step.pieces)
      waiting = []
      waitingByteCount = 0
    }
    for frame in frames {
      let byteCount = frame.body.count + WireFrame.headerByteCount
      if waitingByteCount + byteCount > template.recordByteCount ?? 0 { try flush() }
      waiting.append(frame)
      waitingByteCount += byteCount
    }
    try flush()
  }

  func sendRecord(_ template: RecordTemplate, _ step: Step) throws {
    let connection = try connection(step.connection)
    let content = try template.content.build(in: self)
    var record = try connection.recordBytes(content: content, isUnsealed: template.isUnsealed)
    var sent = Array(record[2...])
    template.change?.apply(to: &sent)
    if let cutTo = template.cutTo { sent = Array(sent.prefix(cutTo)) }
    record = .record(sent, declaredByteCount: template.declaredByteCount)
    connection.noteSentRecord(record)
    guard !template.isDropped else { return }
    // Frames that arrive as they were built may get answers.
    if template.change == nil, template.cutTo == nil, let frames = try? WireFrame.frames(in: content) {
      for frame in frames { connection.audit.noteSent(frame) }
    }
    try write(record, to: connection, pieces: step.pieces)
  }

  /// Writes bytes, whole or in pieces that arrive apart. Stops where the peer has ended the stream.
  func write(_ bytes: [UInt8], to connection: KitConnection, pieces: Step.Pieces?) throws {
    let stream = connection.stream
    guard let pieces else { return stream.send(bytes) }
    for start in stride(from: 0, to: bytes.count, by: pieces.byteCount) {
      stream.send(Array(bytes[start..<min(start + pieces.byteCount, bytes.count)]))
      try wait(for: "the stream to take a piece") { stream.isFlushed ? true : nil }
      if pieces.interval > .zero {
        let isOver = try clock.wait(until: clock.now + pieces.interval) { stream.inputEnd != nil ? true : nil }
        if isOver == true { return }
      }
    }
  }
}
