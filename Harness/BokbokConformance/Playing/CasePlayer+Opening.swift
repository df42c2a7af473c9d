internal import BokbokCore

extension CasePlayer {
  /// The user that stands in the examples, and a key.
  static let usualUser = Array("alice".utf8)
  static let usualKey = [UInt8](0..<32)

  // MARK: The testee's side

  /// Tells a testee that is the server to listen.
  func startServerIfNeeded() throws {
    guard configuration.role == .server else { return }
    try listen(item.testee)
  }

  /// A server without anything special, after the case's own.
  func listenAsUsual() throws {
    try listen(TesteeOptions())
    isServerStopped = false
  }

  private func listen(_ options: TesteeOptions) throws {
    serverOptions = options
    guard !configuration.isProcessForEachConnection else { return }
    let address = meeting.nextServerAddress()
    var members = JSON.Object()
    members["address"] = .string(address.text)
    if isSealed {
      members["users"] = options.users ?? Self.usualUsers
    }
    members["settings"] = options.settings
    members["limits"] = options.limits
    let reply = try success(of: give("listen", members, to: currentTestee()))
    guard let id = reply["server"]?.string, let text = reply["address"]?.string, let real = SocketAddress(text) else {
      let expected = "the reply to listen with a server and an address"
      throw CaseFailure(expected: expected, got: reply.encodedText)
    }
    try meeting.check(serverAt: real)
    server = (id, real)
  }

  /// What `users` and the file of `--users-file` hold unless a case says otherwise.
  static let usualUsers = JSON.object(
    .init([(String(decoding: usualUser, as: UTF8.self), .string(Hexadecimal.text(usualKey)))])
  )

  /// Makes a stream between the kit and the testee, and plays its opening as far as the step says.
  ///
  /// The options are those of the case, but for a connection that only shows that the testee lives.
  func connect(_ step: ConnectStep, options: TesteeOptions? = nil) throws {
    let options = options ?? (configuration.role == .client ? item.testee : serverOptions)
    let isClient = configuration.role == .server
    let trace = StreamTrace(name: step.name, isClient: isClient, clock: clock)
    let stream = try stream(step, options, trace)
    trace.start = clock.timestamp
    let connection = KitConnection(
      name: step.name,
      isClient: isClient,
      isSealed: isSealed,
      stream: stream,
      trace: trace,
      testee: try currentTestee(),
      testeeOptions: options,
      secrets: try entropy?.secrets(ofConnection: connectionCount) ?? KitSecrets(from: meeting)
    )
    add(connection)
    try open(connection, until: step.start, step.opening)
  }

  /// The stream of a connection: one that the kit makes to the testee's server, or one that the testee makes when it is
  /// told to connect.
  private func stream(_ step: ConnectStep, _ options: TesteeOptions, _ trace: StreamTrace) throws -> any CaseStream {
    if case .forEachConnection(let start) = source {
      let (testee, stream) = try start(options, trace)
      add(testee)
      return stream
    }
    if configuration.role == .server {
      guard let server else { throw CaseDataProblem(description: "there is no server to connect to") }
      return try meeting.connect(
        to: server.address,
        receiveBufferByteCount: step.receiveBufferByteCount,
        trace: trace
      )
    }
    let address = try clientAddress(step.name, options)
    var members = JSON.Object()
    members["address"] = .string(address)
    if isSealed {
      members["user"] = .string(options.user ?? String(decoding: Self.usualUser, as: UTF8.self))
      members["key"] = .string(options.key ?? Hexadecimal.text(Self.usualKey))
    }
    members["settings"] = options.settings
    members["limits"] = options.limits
    // Another connection may have had the name.
    connectFailures[step.name] = nil
    heldReplies["connect:\(step.name)"] = nil
    for connection in connections where connection.name == step.name { connection.isReplaced = true }
    commands["connect:\(step.name)"] = try give("connect", members, to: currentTestee())
    return try wait(for: "the testee to connect to \(address)", limit: timeLimit) {
      try checkConnect(step.name)
      return try meeting.takeStream(receiveBufferByteCount: step.receiveBufferByteCount, trace: trace)
    }
  }

  private func clientAddress(_ name: String, _ options: TesteeOptions) throws -> String {
    guard let relay = options.relay else { return try meeting.clientAddress() }
    let (address, reports) = try meeting.reportingRelay(relay)
    relays[name] = reports
    return address
  }

  /// A testee that cannot even connect fails the case at once.
  private func checkConnect(_ name: String) throws {
    guard let command = commands["connect:\(name)"], let reply = command.takeReply() else { return }
    heldReplies["connect:\(name)"] = reply
    try checkSupported(reply, command: "connect")
    guard reply["error"] == nil else {
      throw CaseFailure(expected: "the testee connects to the kit", got: reply.encodedText)
    }
  }

  // MARK: The opening

  /// Plays the opening from where it stands until the stage.
  func open(_ connection: KitConnection, until stage: Case.Start, _ opening: OpeningStep) throws {
    let stages: [Case.Start] = [.stream, .flight, .keys, .open]
    guard let from = stages.firstIndex(of: connection.stage), let to = stages.firstIndex(of: stage),
      from < to || stage == .stream
    else { throw CaseDataProblem(description: "the opening of \(connection.name) is past \(stage.rawValue)") }
    let settings = try settingsFrame(opening, connection)
    for next in stages[..<(to + 1)].dropFirst(from + 1) {
      switch (next, connection.isClient) {
      case (.flight, true):
        // A plain client does not wait with its SETTINGS (O-8).
        let follows = stage == .open && !isSealed
        try sendFlight(connection, opening, settings: follows ? settings : nil)
      case (.flight, false): try readFlight(connection)
      case (.keys, true): try readAnswer(connection)
      case (.keys, false):
        // A server sends its SETTINGS right after its preamble and message 2 (O-7, H-10).
        try sendAnswer(connection, opening, settings: stage == .open ? settings : nil)
      default: try exchangeSettings(connection, settings)
      }
      connection.stage = next
    }
  }

  private func settingsFrame(_ opening: OpeningStep, _ connection: KitConnection) throws -> WireFrame {
    let frame = WireFrame(.settings, body: try opening.settings?.build(in: self) ?? Array("()".utf8))
    if let settings = try? WireSettings(body: frame.body) { connection.audit.ownSettings = settings }
    return frame
  }

  private func sendFlight(_ connection: KitConnection, _ opening: OpeningStep, settings: WireFrame?) throws {
    let usual = ByteTemplate.preamble(magic: WirePreamble.magic, version: WirePreamble.version, mode: .own)
    let preamble = try (opening.preamble ?? usual).build(in: self)
    connection.clientPreamble = preamble
    var flight = opening.isPreambleSent ? [] : preamble
    if isSealed {
      let user = try opening.user?.build(in: self) ?? Self.usualUser
      connection.userKey = opening.key ?? Self.usualKey
      let message = try connection.handshake.message1(
        preamble: preamble,
        user: user,
        key: opening.key ?? Self.usualKey,
        weakPublicKey: opening.message1?.ephemeral
      )
      connection.clientUser = user
      connection.clientMessage1 = try edit(message, opening.message1)
      for record in [[UInt8].record(user), .record(connection.clientMessage1)] {
        connection.noteSentRecord(record)
        flight += record
      }
    }
    if let settings {
      let record = try connection.recordBytes([settings])
      connection.noteSentRecord(record)
      flight += record
      connection.hasSentSettings = true
    }
    try write(flight, to: connection, pieces: opening.pieces)
  }

  private func readFlight(_ connection: KitConnection) throws {
    let preamble = try bytes(8, of: "the client's preamble", from: connection)
    let expected = WirePreamble.bytes(mode: isSealed ? WirePreamble.sealed : WirePreamble.plain)
    guard preamble == expected else {
      let clause = preamble.prefix(7).elementsEqual(expected.prefix(7)) ? "O-1.b" : "O-1.a"
      throw CaseFailure(clause: clause, expected: Hexadecimal.text(expected), got: Hexadecimal.text(preamble))
    }
    connection.clientPreamble = preamble
    guard isSealed else { return }
    connection.clientUser = try openingRecord("the user name", from: connection)
    connection.clientMessage1 = try openingRecord("message 1", from: connection)
    let user = connection.testeeOptions.user.map { Array($0.utf8) } ?? Self.usualUser
    guard connection.clientUser == user else {
      let got = Hexadecimal.text(connection.clientUser)
      throw CaseFailure(clause: "H-2.a", expected: "the user name \(Hexadecimal.text(user))", got: got)
    }
    guard connection.clientMessage1.count == 80 else {
      let got = "\(connection.clientMessage1.count) bytes"
      throw CaseFailure(clause: "H-2.b", expected: "message 1 of 80 bytes", got: got)
    }
    try checkFresh(connection.clientMessage1)
  }

  private func readAnswer(_ connection: KitConnection) throws {
    let preamble = try bytes(8, of: "the server's preamble", from: connection)
    let expected = WirePreamble.bytes(mode: isSealed ? WirePreamble.sealed : WirePreamble.plain)
    guard preamble == expected else {
      let clause = isSealed ? "H-3.a" : "O-7.a"
      throw CaseFailure(clause: clause, expected: Hexadecimal.text(expected), got: Hexadecimal.text(preamble))
    }
    guard isSealed else { return }
    let message = try openingRecord("message 2", from: connection)
    guard message.count == 48 else {
      throw CaseFailure(clause: "H-3.a", expected: "message 2 of 48 bytes", got: "\(message.count) bytes")
    }
    guard let ciphers = connection.handshake.ciphers(message2: message) else {
      throw CaseFailure(clause: "H-3.b", expected: "a message 2 that authenticates", got: Hexadecimal.text(message))
    }
    connection.ciphers = ciphers
    try checkFresh(message)
  }

  private func checkFresh(_ handshakeMessage: [UInt8]) throws {
    let publicKey = Array(handshakeMessage.prefix(32))
    guard meeting.noteFresh(publicKey: publicKey) else {
      let got = "\(Hexadecimal.text(publicKey)) again"
      throw CaseFailure(clause: "H-7.b", expected: "a new ephemeral key for each connection", got: got)
    }
  }

  private func sendAnswer(_ connection: KitConnection, _ opening: OpeningStep, settings: WireFrame?) throws {
    let usual = ByteTemplate.preamble(magic: WirePreamble.magic, version: WirePreamble.version, mode: .own)
    var answer = opening.isPreambleSent ? [] : try (opening.preamble ?? usual).build(in: self)
    if isSealed {
      connection.userKey = opening.key ?? Self.usualKey
      let result = try connection.handshake.answer(
        message1: connection.clientMessage1,
        preamble: connection.clientPreamble,
        user: connection.clientUser,
        key: opening.key ?? Self.usualKey,
        weakPublicKey: opening.message2?.ephemeral
      )
      guard let result else {
        let got = Hexadecimal.text(connection.clientMessage1)
        throw CaseFailure(clause: "H-2.c", expected: "a message 1 that authenticates with the user's key", got: got)
      }
      let record = [UInt8].record(try edit(result.message2, opening.message2))
      connection.noteSentRecord(record)
      answer += record
      connection.ciphers = result.ciphers
    }
    if let settings {
      let record = try connection.recordBytes([settings])
      connection.noteSentRecord(record)
      answer += record
      connection.hasSentSettings = true
    }
    try write(answer, to: connection, pieces: opening.pieces)
  }

  private func exchangeSettings(_ connection: KitConnection, _ settings: WireFrame) throws {
    if !connection.hasSentSettings {
      connection.hasSentSettings = true
      try connection.send([settings])
    }
    if connection.peerSettings == nil {
      try wait(for: "the testee's SETTINGS") {
        try readFrames(connection)
        if !connection.inbox.isEmpty { return true }
        try checkNoEnd(connection, expected: "the testee's SETTINGS")
        return nil
      }
      noteSettings(connection.takeFrame(), connection)
    }
    try checkSettings(connection)
    try waitForOpened(connection)
  }

  /// Keeps what the testee announced. The audit has checked that it is well-formed.
  func noteSettings(_ frame: WireFrame, _ connection: KitConnection) {
    if frame.knownKind == .settings { connection.peerSettings = try? WireSettings(body: frame.body) }
  }

  private func checkSettings(_ connection: KitConnection) throws {
    guard let asked = connection.testeeOptions.settings?.object, let got = connection.peerSettings else { return }
    let numbers = [
      "max-message": got.messageByteCountMax, "max-requests": got.requestCountMax,
      "max-partial": got.partialByteCountMax,
    ]
    for (name, number) in asked.members where number.integer != numbers[name] {
      let got = "\(name) \(numbers[name] ?? 0)"
      throw CaseFailure(clause: "S-2.a", expected: "SETTINGS with \(name) \(number.encodedText)", got: got)
    }
  }

  /// Waits until the testee says that the connection is open, and checks what it says.
  private func waitForOpened(_ connection: KitConnection) throws {
    try wait(for: "the testee to report the connection as open") {
      connection.wasOpened || connectFailures[connection.name] != nil ? true : nil
    }
    if let failure = connectFailures[connection.name] {
      let expected = "the reply to connect with a connection"
      throw CaseFailure(clause: "S-1.f", expected: expected, got: failure.encodedText)
    }
    guard connection.isClient, let opened = connection.openedEvent else { return }
    let user: JSON = isSealed ? .string(String(decoding: connection.clientUser, as: UTF8.self)) : .null
    guard opened["user"] ?? .null == user else {
      let expected = "the event opened with the user \(user.encodedText)"
      throw CaseFailure(clause: "S-1.f", expected: expected, got: opened.encodedText)
    }
  }

  // MARK: Pieces

  private func edit(_ message: [UInt8], _ edit: HandshakeEdit?) throws -> [UInt8] {
    guard let edit else { return message }
    var message = try edit.replacement?.build(in: self) ?? message
    edit.change?.apply(to: &message)
    if let cutTo = edit.cutTo { message = Array(message.prefix(cutTo)) }
    return try message + (edit.append?.build(in: self) ?? [])
  }

  /// The next bytes of a stream whose opening is being read.
  func bytes(_ count: Int, of what: String, from connection: KitConnection) throws -> [UInt8] {
    try wait(for: what) {
      if connection.stream.available.count >= count { return connection.stream.take(count) }
      try checkNoEnd(connection, expected: what)
      return nil
    }
  }

  private func openingRecord(_ what: String, from connection: KitConnection) throws -> [UInt8] {
    try wait(for: what) {
      if let record = connection.takeRecord() { return record }
      try checkNoEnd(connection, expected: what)
      return nil
    }
  }

  /// Throws where the testee has ended the stream and something was still expected.
  func checkNoEnd(_ connection: KitConnection, expected: String) throws {
    guard let end = connection.stream.inputEnd else { return }
    let rest = Array(connection.stream.available)
    let got = end == .end ? "the end of the stream" : "a reset of the stream"
    throw CaseFailure(expected: expected, got: rest.isEmpty ? got : "\(Hexadecimal.text(rest.prefix(64))) and \(got)")
  }
}
