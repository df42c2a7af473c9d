internal import BokbokCore
internal import NIOCore

/// One connection of the core's testee: a machine, its driver, and the application on top of it.
final class CoreConnection: VirtualActor {
  let id: String
  let server: CoreServer?
  let testee: CoreTestee
  private let stream: VirtualStream
  private var machine: ConnectionMachine

  /// The command to connect, until it has been answered.
  private var connecting: Int?
  private var user: ByteBuffer?
  private var wasOpened = false
  private(set) var ending: ConnectionEnding?
  private(set) var isClosed = false
  private var hasSeenEnd = false
  private var hasSeenReset = false
  private var hasLostWrites = false

  /// Commands that are answered with the end.
  private var endWaiters: [Int] = []
  /// Own requests under way, and what to do with their outcome.
  private var requests: [ExchangeID: (Result<Value, RequestError>) -> Void] = [:]
  private var pings: [PingToken: Int] = [:]
  private var lastPing: PingToken = 0
  private var handlers: [ExchangeID: CoreHandler] = [:]
  private var timers: [Timer] = []

  private struct Timer {
    let deadline: ContinuousClock.Instant
    let handler: CoreHandler
    let fire: () -> Void
  }

  /// Why an own request failed.
  enum RequestError: Error {
    case failure(RequestFailure)
    case ending(ConnectionEnding)
    case cancelled
  }

  /// The side of a server.
  init(server: CoreServer, id: String, stream: VirtualStream, testee: CoreTestee) throws {
    self.id = id
    self.server = server
    self.testee = testee
    self.stream = stream
    let security: ServerSecurity =
      server.isSealed
      ? .sealed(decoyKey: try testee.entropy.secret(), ephemeral: try testee.entropy.secret()) : .plain
    machine = ConnectionMachine(
      server: security,
      configuration: SharedConfiguration(server.configuration),
      slab: testee.slab,
      now: testee.clock.machineNow
    )
  }

  /// The side of a client.
  init(client command: VirtualTestee.Command, id: String, stream: VirtualStream, testee: CoreTestee) throws {
    self.id = id
    self.server = nil
    self.testee = testee
    self.stream = stream
    connecting = command.sequence
    machine = try ConnectionMachine(
      client: Self.clientSecurity(command, testee.entropy),
      configuration: SharedConfiguration(MachineConfiguration(command)),
      slab: testee.slab,
      now: testee.clock.machineNow
    )
  }

  private static func clientSecurity(
    _ command: VirtualTestee.Command,
    _ entropy: VirtualEntropy
  ) throws -> ClientSecurity {
    guard let user = command.members["user"]?.string else { return .plain }
    let key = Hexadecimal.bytes(command.members["key"]?.string ?? "") ?? []
    guard key.count == PresharedKey.byteCount, (1...255).contains(user.utf8.count) else {
      throw VirtualTestee.Refusal(kind: "other", message: "a key has 32 bytes, and a user name 1 to 255")
    }
    return .sealed(
      userName: ByteBuffer(string: user),
      userKey: try SecretBytes(copying: key),
      sessionKey: try entropy.secret(),
      ephemeral: try entropy.secret()
    )
  }

  private var now: NIODeadline { testee.clock.machineNow }

  // MARK: The driver

  var deadline: ContinuousClock.Instant? {
    let machineDeadline = isClosed ? nil : machine.deadline.map { testee.clock.caseTime($0) }
    return (timers.map(\.deadline) + [machineDeadline].compactMap { $0 }).min()
  }

  func act() -> Bool {
    if fireTimer() { return true }
    guard !isClosed else { return false }
    if let action = machine.nextAction() {
      perform(action)
      return true
    }
    return write() || letTimePass() || read()
  }

  private func write() -> Bool {
    if stream.isClosedByKit {
      guard !hasLostWrites, machine.takeOutput() != nil else { return reportWritten() }
      hasLostWrites = true
      machine.writeFailed(now: now)
      return true
    }
    if stream.isWritable, let bytes = machine.takeOutput() {
      stream.write(bytes.readableBytesView)
      return true
    }
    return reportWritten()
  }

  private func reportWritten() -> Bool {
    guard machine.wantsWriteReport else { return false }
    machine.outputWritten(now: now)
    return true
  }

  private func letTimePass() -> Bool {
    guard let deadline = machine.deadline, deadline <= now else { return false }
    machine.timePassed(now: now)
    return true
  }

  private func read() -> Bool {
    if stream.isReset {
      guard !hasSeenReset else { return false }
      hasSeenReset = true
      machine.streamFailed(now: now)
      return true
    }
    guard machine.wantsReading else { return false }
    if let piece = stream.read() {
      machine.receive(ByteBuffer(bytes: piece), now: now)
      return true
    }
    guard stream.isAtEnd, !hasSeenEnd else { return false }
    hasSeenEnd = true
    machine.receiveEnd(now: now)
    return true
  }

  private func perform(_ action: ConnectionAction) {
    switch action {
    case .checkAdmission:
      machine.admit(busy: server.map { $0.openCount >= $0.connectionsMax } ?? false)
    case .lookUpKey(let user):
      machine.keysFound(server?.keys(of: user) ?? [])
    case .opened(let user):
      opened(user)
    case .handle(let exchange, let value):
      handle(exchange, value)
    case .cancelHandler(let exchange):
      if let handler = handlers[exchange] { cancel(handler) }
    case .answered(let exchange, let value):
      requests.removeValue(forKey: exchange)?(.success(value))
    case .failed(let exchange, let failure):
      requests.removeValue(forKey: exchange)?(.failure(.failure(failure)))
    case .ponged(let token):
      if let sequence = pings.removeValue(forKey: token) { testee.reply(to: sequence, ok: [:]) }
    case .closeReceived:
      break
    case .ended(let ending):
      ended(ending)
    case .shutDownOutput:
      stream.endWriting()
    case .closeStream:
      isClosed = true
      stream.closePeer()
      testee.hasClosed(self)
    }
  }

  /// Nothing goes on any more: what waits for each other is let go.
  func release() {
    handlers = [:]
    timers = []
    requests = [:]
    isClosed = true
  }

  // MARK: The connection's life

  private func opened(_ user: ByteBuffer?) {
    wasOpened = true
    self.user = user
    server?.openCount += 1
    if let connecting {
      self.connecting = nil
      testee.reply(to: connecting, ok: ["connection": .string(id)])
    } else {
      report(
        "opened",
        [
          ("server", .string(server?.id ?? "")),
          ("user", user.map { .string(String(buffer: $0)) } ?? .null),
        ]
      )
    }
    machine.letIn()
  }

  private func report(_ event: String, _ members: [(String, JSON)]) {
    testee.report(event, JSON.Object([("connection", .string(id))] + members))
  }

  /// In the order in which the library does it: handlers are cancelled, calls fail, the end is reported.
  private func ended(_ ending: ConnectionEnding) {
    self.ending = ending
    for handler in handlers.values.sorted(by: { $0.exchange < $1.exchange }) { cancel(handler) }
    let failing = requests
    requests = [:]
    for (_, finish) in failing.sorted(by: { $0.key < $1.key }) { finish(.failure(.ending(ending))) }
    for sequence in pings.values.sorted() { testee.reply(to: sequence, error: ending.errorJSON) }
    pings = [:]
    if let connecting {
      self.connecting = nil
      testee.reply(to: connecting, error: ending.errorJSON)
    }
    guard wasOpened else { return }
    server?.openCount -= 1
    var members = [("reason", JSON.string(ending.reason))]
    if let close = ending.close { members += [("code", .string(close.code)), ("message", .string(close.message))] }
    report("closed", members)
    for sequence in endWaiters { testee.reply(to: sequence, ok: [:]) }
    endWaiters = []
  }

  // MARK: Commands

  func request(_ command: VirtualTestee.Command) throws {
    guard let bytes = command.members["payload"]?.string.flatMap({ Hexadecimal.bytes($0) }),
      let value = try? WireValues.decode(bytes)
    else { throw VirtualTestee.Refusal(kind: "malformed", message: "the payload is not a value") }
    let exchange = request(value) { [testee] outcome in
      testee.requests[command.sequence] = nil
      switch outcome {
      case .success(let value): testee.reply(to: command.sequence, ok: ["response": .string(value.hexadecimal)])
      case .failure(let error): testee.reply(to: command.sequence, error: error.json)
      }
    }
    if let exchange { testee.requests[command.sequence] = (self, exchange) }
  }

  /// Sends an own request. Its outcome is given once, perhaps at once.
  func request(_ value: Value, finish: @escaping (Result<Value, RequestError>) -> Void) -> ExchangeID? {
    if let ending {
      finish(.failure(.ending(ending)))
      return nil
    }
    switch machine.request(value) {
    case .accepted(let exchange):
      requests[exchange] = finish
      return exchange
    case .failed(let failure):
      finish(.failure(.failure(failure)))
      return nil
    }
  }

  func cancelRequest(_ exchange: ExchangeID) {
    guard let finish = requests.removeValue(forKey: exchange) else { return }
    finish(.failure(.cancelled))
    _ = machine.cancel(exchange)
  }

  func ping(_ command: VirtualTestee.Command) {
    lastPing += 1
    if let ending {
      testee.reply(to: command.sequence, error: ending.errorJSON)
    } else if machine.ping(lastPing) {
      pings[lastPing] = command.sequence
    } else {
      testee.reply(to: command.sequence, error: RequestError.failure(.closing).json)
    }
  }

  func close(_ command: VirtualTestee.Command) throws {
    let code = command.members["code"]?.string ?? "normal"
    guard CodedMessage.isCode(code), code != "protocol-error" else {
      throw VirtualTestee.Refusal(kind: "other", message: "\(code) is no code for a CLOSE")
    }
    waitForEnd(command)
    machine.close(code: code, message: command.members["message"]?.string ?? "", now: now)
  }

  func abort(_ command: VirtualTestee.Command) {
    waitForEnd(command)
    machine.abort(now: now)
  }

  private func waitForEnd(_ command: VirtualTestee.Command) {
    if ending == nil { endWaiters.append(command.sequence) } else { testee.reply(to: command.sequence, ok: [:]) }
  }

  /// The server stops.
  func stop(isGraceful: Bool) {
    if isGraceful, wasOpened || ending != nil {
      machine.close(code: "shutdown", message: "the server is stopping", now: now)
    } else {
      machine.abort(now: now)
    }
  }

  // MARK: Handlers

  private func handle(_ exchange: ExchangeID, _ value: Value) {
    report("request", [("payload", .string(value.hexadecimal))])
    let handler = CoreHandler(exchange: exchange, request: value, user: user, connection: self)
    handlers[exchange] = handler
    handler.start()
  }

  private func cancel(_ handler: CoreHandler) {
    guard !handler.isCancelled else { return }
    handler.isCancelled = true
    report("cancelled", [("payload", .string(handler.request.hexadecimal))])
    handler.onCancel?()
  }

  func finish(_ handler: CoreHandler, _ answer: HandlerAnswer) {
    guard handlers.removeValue(forKey: handler.exchange) != nil else { return }
    timers.removeAll { $0.handler === handler }
    machine.respond(to: handler.exchange, with: answer)
  }

  /// Calls after this time, unless the handler has ended by then.
  func schedule(_ handler: CoreHandler, after duration: Duration, _ fire: @escaping () -> Void) {
    timers.append(Timer(deadline: testee.clock.now + duration, handler: handler, fire: fire))
  }

  private func fireTimer() -> Bool {
    guard let index = timers.firstIndex(where: { $0.deadline <= testee.clock.now }) else { return false }
    timers.remove(at: index).fire()
    return true
  }
}

extension Value {
  /// The canonical encoding of a value that came over the wire, or goes there, in hexadecimal digits.
  var hexadecimal: String {
    var buffer = ByteBuffer()
    encode(into: &buffer)
    return Hexadecimal.text(buffer.readableBytesView)
  }
}
