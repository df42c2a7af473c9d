internal import Logging
internal import NIOCore

/// Joins a channel to the machine of its connection. It only translates: what the channel, the application and the clock
/// say becomes a call of the machine, and the machine's actions become calls of the channel and the application.
///
/// The properties that each message touches are `@exclusivity(unchecked)`: they are used on the event loop only, and the
/// machine never calls back while it is being changed, so that the checks at run time, a tenth of the time of a message,
/// could find nothing.
///
/// Everything here is on the event loop. An action's consequence may call back in: the machine has changed its state by
/// then, and the loop that runs actions goes on with what is new.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let endpoint: Endpoint
  let owner: ConnectionOwner
  let loop: LoopContext
  let identity: ConnectionIdentity
  let executor: HandlerExecutor
  var logger: Logger

  @exclusivity(unchecked) var machine: ConnectionMachine
  @exclusivity(unchecked) private(set) var context: ChannelHandlerContext?

  // All that is true or false stands together, in a byte each; apart from one another each takes a word.
  /// Set by `LoopContext` while this waits for the end of the turn.
  @exclusivity(unchecked) var isWaitingForFlush = false
  @exclusivity(unchecked) private var isRunningActions = false
  @exclusivity(unchecked) private var isReading = true
  @exclusivity(unchecked) private var hasClosed = false
  @exclusivity(unchecked) private var hasLimitedReceiveWindow = false
  @exclusivity(unchecked) private var hasLongOutput = false
  @exclusivity(unchecked) private var isClosingIdle = false
  var keyLookupHasEnded = false
  var openHandlerHasEnded = false
  /// The close handler is not called (C-8), however the connection ends.
  var wasTurnedDown = false
  var closeHandlerIsDue = false

  // The stream.
  /// What the machine gave to a task that could not do it.
  @exclusivity(unchecked) private var heldAction: Kept<ConnectionAction>?
  private var bytesKeptUnopened = Record.headerByteCount + Record.contentByteCountMax
  /// What happened to the stream, where anything did.
  private(set) var streamError: (any Error)?
  @exclusivity(unchecked) private var bytesWritten = 0
  @exclusivity(unchecked) private var bytesAtReport: Int?
  @exclusivity(unchecked) private var writabilityChanges = 0
  /// Exchanges that had begun when the last long input came.
  @exclusivity(unchecked) private var exchangesAtLongInput: Int?

  // The clock.
  @exclusivity(unchecked) private var timer: NIOScheduledCallback?
  @exclusivity(unchecked) private var timerDeadline: NIODeadline?
  @exclusivity(unchecked) var deadlines = DeadlineHeap<Timed>()
  @exclusivity(unchecked) private var idleSince: NIODeadline?
  @exclusivity(unchecked) private var exchangesAtIdle = 0

  // Own requests and pings.
  /// A `PendingRequest` for each exchange.
  @exclusivity(unchecked) var requests = ExchangeObjects()
  @exclusivity(unchecked) var pings: [PingToken: PendingPing] = [:]
  var lastPing: PingToken = 0

  // The peer's requests: the tasks of handlers, under the exchanges that they answer.
  @exclusivity(unchecked) var handlerTasks: [ExchangeID: Task<Void, Never>] = [:]
  @exclusivity(unchecked) var handlerLimits: [ExchangeID: HandlerLimit] = [:]
  /// Exchanges of either side begun so far.
  @exclusivity(unchecked) var exchangeCount = 0

  // The life of the connection.
  @exclusivity(unchecked) var connection: Connection?
  var keyTask: Task<Void, Never>?
  var openTask: Task<Void, Never>?
  @exclusivity(unchecked) private var keptEnd: Kept<ConnectionEnd>?
  @exclusivity(unchecked) private var keptEnding: Kept<ConnectionEnding>?
  var endWaiters: [ObjectIdentifier: Pending<ConnectionEnd>] = [:]

  /// What has gone over the connection so far.
  @exclusivity(unchecked) var tally = ConnectionMetrics.Tally()
  /// What of it the metrics have been told; nil where there are none.
  @exclusivity(unchecked) private var published: PublishedTally?

  init(
    machine: consuming ConnectionMachine,
    endpoint: Endpoint,
    owner: ConnectionOwner,
    identity: ConnectionIdentity,
    loop: LoopContext
  ) {
    self.machine = machine
    self.endpoint = endpoint
    self.owner = owner
    self.identity = identity
    self.loop = loop
    var logger = endpoint.logger
    if endpoint.isLogging {
      logger[metadataKey: LogKeys.connection] = "\(identity.id)"
      logger[metadataKey: LogKeys.peer] = "\(identity.peerAddress)"
    }
    self.logger = logger
    self.published = endpoint.metrics == nil ? nil : PublishedTally()
    self.executor =
      endpoint.isLogging
      ? HandlerExecutor(
        loop: loop,
        logger: logger,
        slowTurnThreshold: TimeAmount(clamping: endpoint.configuration.slowTurnThreshold)
      ) : loop.silentExecutor ?? .silent(on: loop)
  }

  /// Something that few connections have, and only late: in memory of its own, so that the others do without it.
  private final class Kept<Value> {
    let value: Value

    init(_ value: Value) {
      self.value = value
    }
  }

  /// How the connection ended, for the application; nil until then.
  var end: ConnectionEnd? {
    get { self.keptEnd?.value }
    set { self.keptEnd = newValue.map { Kept($0) } }
  }

  /// How it ended, as the machine says; nil until then.
  var ending: ConnectionEnding? {
    get { self.keptEnding?.value }
    set { self.keptEnding = newValue.map { Kept($0) } }
  }

  /// Gives the machine something new and does what follows from it. What is to be sent goes out at the end of the turn.
  func input(_ body: (inout ConnectionMachine) -> Void) {
    self.loop.withinTurn {
      body(&self.machine)
      self.runActions()
    }
    self.loop.needsFlush(self)
  }

  private func runActions() {
    guard !self.isRunningActions else { return }
    self.isRunningActions = true
    while let action = self.heldAction.take()?.value ?? self.machine.nextAction() {
      self.perform(action)
    }
    self.isRunningActions = false
  }

  /// The next request for a task that runs handlers, called from inside `runActions`; nil where another action, or none,
  /// comes first.
  func nextRequest() -> (ExchangeID, Value)? {
    guard self.isRunningActions, self.heldAction == nil, let action = self.machine.nextAction() else { return nil }
    guard case .handle(let exchange, let value) = action else {
      self.heldAction = Kept(action)
      return nil
    }
    return (exchange, value)
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if !self.endpoint.isLogging { self.loop.silentConnectionBegan(self.executor) }
    if context.channel.isActive { self.start() }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    if !self.endpoint.isLogging { self.loop.silentConnectionEnded() }
  }

  func channelActive(context: ChannelHandlerContext) {
    self.start()
  }

  private func start() {
    self.loop.needsFlush(self)
    self.loop.endTurn()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = Self.unwrapInboundIn(data)
    self.tally.bytesReceived += Int64(bytes.readableBytes)
    if bytes.readableBytes >= SocketBuffers.longByteCount { self.longInputCame(context.channel) }
    if !self.isReading, self.connection == nil {
      // O-10: at the end of input NIO reads what there is, also while reading is paused for a key lookup. Nothing that
      // comes then can authenticate, and the first record is enough to find that out.
      let kept = min(bytes.readableBytes, self.bytesKeptUnopened)
      self.bytesKeptUnopened -= kept
      guard let slice = bytes.readSlice(length: kept) else { return }
      bytes = slice
    }
    self.input { $0.receive(bytes, now: self.loop.now) }
  }

  /// Long messages that come one after the other may fill what the system gives. Where others begin between two reads of
  /// a long one, they would wait behind it.
  private func longInputCame(_ channel: any Channel) {
    guard !self.hasLimitedReceiveWindow else { return }
    if let before = self.exchangesAtLongInput, self.exchangeCount - before > 1 {
      self.hasLimitedReceiveWindow = true
      SocketBuffers.limitReceiveWindow(channel)
    }
    self.exchangesAtLongInput = self.exchangeCount
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    self.loop.endTurn()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed? = event as? ChannelEvent {
      self.whenCommandIsKnown {
        self.input { $0.receiveEnd(now: self.loop.now) }
        self.loop.endTurn()
      }
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A failed read, mostly: the channel closes itself after it. After any other the stream cannot be trusted either.
    self.streamError = self.streamError ?? error
    self.close()
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.hasClosed = true
    self.timer?.cancel()
    self.timer = nil
    self.whenCommandIsKnown {
      // C-6: a stream that cannot be read any more has come to its end of input; what came before counts.
      self.input { $0.receiveEnd(now: self.loop.now) }
      self.input { $0.streamFailed(now: self.loop.now) }
      self.loop.endTurn()
    }
  }

  /// How long the end of a command's stream waits for the end of the command: one that closes its output may go on.
  private static let commandPatience = TimeAmount.milliseconds(500)

  /// Calls at once, but where the stream of a command has ended, once it is known how the command did: that is why the
  /// connection is lost.
  private func whenCommandIsKnown(_ body: @escaping () -> Void) {
    guard let command = self.identity.command, self.end == nil else { return body() }
    let once = NIOLoopBound(Once(body), eventLoop: self.loop.eventLoop)
    let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
    let loop = self.loop
    command.whenEnded { end in
      loop.eventLoop.execute {
        bound.value.streamError = end
        once.value.call()
      }
    }
    loop.eventLoop.assumeIsolated().scheduleTask(in: Self.commandPatience) { once.value.call() }
  }

  /// Calls a closure the first time only.
  private final class Once {
    private var body: (() -> Void)?

    init(_ body: @escaping () -> Void) {
      self.body = body
    }

    func call() {
      self.body.take()?()
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable else { return }
    self.writabilityChanges += 1
    guard self.writabilityChanges.isMultiple(of: 16) else {
      self.loop.needsFlush(self)
      self.loop.endTurn()
      return
    }
    // A peer that reads as fast as this writes must not keep the loop from its other connections.
    context.eventLoop.assumeIsolated().execute {
      self.loop.needsFlush(self)
      self.loop.endTurn()
    }
  }

  // MARK: Output

  /// At the end of a turn: everything that is ready goes out in one write.
  func flush() {
    var hasWritten = false
    var isDone = false
    while !isDone {
      isDone = true
      while !self.hasClosed, let context = self.context, context.channel.isWritable,
        let bytes = self.machine.takeOutput(byteCountMax: 65_536)
      {
        self.bytesWritten += bytes.readableBytes
        self.tally.bytesSent += Int64(bytes.readableBytes)
        if bytes.readableBytes >= SocketBuffers.longByteCount, !self.hasLongOutput {
          self.hasLongOutput = true
          SocketBuffers.limitUnsent(context.channel)
        }
        let report = self.writeReportIfWanted(context)
        context.write(Self.wrapOutboundOut(bytes), promise: report)
        hasWritten = true
        isDone = false
      }
      self.runActions()
    }
    if hasWritten { self.context?.flush() }
    self.reportWrittenIfWanted()
    self.updateReading()
    self.updateTimer()
    self.publishTally()
  }

  /// F-3: the machine wants to know when its last word is with the system: where that is so, a promise for what is
  /// written last.
  private func writeReportIfWanted(_ context: ChannelHandlerContext) -> EventLoopPromise<Void>? {
    guard self.machine.wantsWriteReport, self.bytesAtReport == nil, !self.hasClosed else { return nil }
    let bytesAtReport = self.bytesWritten
    self.bytesAtReport = bytesAtReport
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenSuccess {
      self.bytesAtReport = nil
      if self.bytesWritten == bytesAtReport {
        self.input { $0.outputWritten(now: self.loop.now) }
      } else {
        self.loop.needsFlush(self)  // more was written meanwhile: asks again
      }
      self.loop.endTurn()
    }
    return promise
  }

  /// The same where nothing is left to be written: an empty write is done when all before it are.
  private func reportWrittenIfWanted() {
    guard let context = self.context, let report = self.writeReportIfWanted(context) else { return }
    context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: report)
  }

  private func updateReading() {
    let wantsReading = self.machine.wantsReading
    guard wantsReading != self.isReading, !self.hasClosed, let context = self.context else { return }
    self.isReading = wantsReading
    do {
      try context.channel.syncOptions?.setOption(.autoRead, value: wantsReading)
    } catch {
      self.close()  // the channel has closed already
    }
  }

  func shutDownOutput() {
    self.context?.close(mode: .output, promise: nil)
  }

  /// Closes the stream, whatever waits to be written.
  func close() {
    guard !self.hasClosed else { return }
    self.hasClosed = true
    self.context?.close(promise: nil)
  }

  /// What happened to the stream, for messages.
  var streamErrorText: String? {
    self.streamError.map { "\($0)" }
  }

  private func publishTally() {
    guard let published = self.published else { return }
    self.endpoint.metrics?.publish(self.tally, after: published.tally)
    published.tally = self.tally
  }

  /// In memory of its own, which connections without metrics do without.
  private final class PublishedTally {
    var tally = ConnectionMetrics.Tally()
  }
}

// MARK: - The clock

extension ConnectionHandler: NIOScheduledCallbackHandler {
  /// What a time limit of the application is for.
  enum Timed {
    case request(PendingRequest)
    case ping(PendingPing)
    case handler(HandlerLimit)

    var isLive: Bool {
      switch self {
      case .request(let request): !request.isFinished
      case .ping(let ping): !ping.isFinished
      case .handler(let limit): !limit.hasEnded
      }
    }
  }

  func setDeadline(_ deadline: NIODeadline, of timed: Timed) {
    self.deadlines.insert(
      timed,
      deadline: deadline,
      liveCount: self.requests.count + self.pings.count + self.handlerLimits.count,
      where: { $0.isLive }
    )
  }

  func handleScheduledCallback(eventLoop: some EventLoop) {
    self.timer = nil
    self.timerDeadline = nil
    let now = self.loop.now
    self.input { machine in
      if let deadline = machine.deadline, deadline <= now { machine.timePassed(now: now) }
    }
    while let timed = self.deadlines.popFirst(dueAt: now) {
      if timed.isLive { self.timedOut(timed) }
    }
    self.closeIfIdle(now: now)
    self.loop.needsFlush(self)
    self.loop.endTurn()
  }

  /// One timer stands for all time limits. It is only ever moved to an earlier time: limits that move to a later one
  /// with each record cost nothing, the timer finds them when it fires.
  private func updateTimer() {
    self.updateIdle()
    guard !self.hasClosed else { return }
    var next = NIODeadline.distantFuture
    if let deadline = self.machine.deadline { next = min(next, deadline) }
    if let deadline = self.deadlines.next(where: { $0.isLive }) { next = min(next, deadline) }
    if let deadline = self.idleDeadline { next = min(next, deadline) }
    guard next != .distantFuture else { return }
    if let timerDeadline = self.timerDeadline, timerDeadline <= next { return }
    self.timer?.cancel()
    self.timerDeadline = next
    do {
      self.timer = try self.loop.eventLoop.assumeIsolated().scheduleCallback(at: next, handler: self)
    } catch {
      self.logger.debug("no timer: the event loop is shutting down", metadata: [LogKeys.error: "\(error)"])
    }
  }

  // MARK: Idle connections

  private var idleDeadline: NIODeadline? {
    guard let idleSince = self.idleSince, let timeout = self.endpoint.configuration.idleTimeout else { return nil }
    return idleSince + TimeAmount(clamping: timeout)
  }

  private func updateIdle() {
    guard self.endpoint.configuration.idleTimeout != nil else { return }
    guard self.machine.isOpen, self.machine.isIdle, !self.isClosingIdle else {
      self.idleSince = nil
      return
    }
    // Exchanges that began and ended since the last look count too.
    if self.idleSince == nil || self.exchangesAtIdle != self.exchangeCount {
      self.idleSince = self.loop.now
      self.exchangesAtIdle = self.exchangeCount
    }
  }

  private func closeIfIdle(now: NIODeadline) {
    self.updateIdle()
    guard let deadline = self.idleDeadline, deadline <= now else { return }
    self.isClosingIdle = true
    self.idleSince = nil
    self.logger.debug("closing: the connection is idle")
    self.input { $0.close(code: CloseCode.normal, message: "idle", now: now) }
  }
}
