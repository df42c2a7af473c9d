internal import Logging
internal import NIOCore

/// What the machine asks for.
extension ConnectionHandler {
  func perform(_ action: ConnectionAction) {
    switch action {
    case .checkAdmission: self.checkAdmission()
    case .lookUpKey(let userName): self.lookUpKey(UserName(checked: userName))
    case .opened(let userName): self.opened(user: userName.map { UserName(checked: $0) })
    case .handle(let exchange, let value): self.handle(exchange, value)
    case .cancelHandler(let exchange): self.handlerTasks[exchange]?.cancel()
    case .answered(let exchange, let value): self.answered(exchange, value)
    case .failed(let exchange, let failure): self.failed(exchange, failure)
    case .ponged(let token): self.ponged(token)
    case .closeReceived(let code, let message):
      self.logger.debug(
        "the other side closes",
        metadata: ["code": "\(String(displaying: code))", "message": "\(String(displaying: message))"]
      )
    case .ended(let ending): self.ended(ending)
    case .shutDownOutput: self.shutDownOutput()
    case .closeStream: self.close()
    }
  }

  // MARK: Opening

  private func checkAdmission() {
    guard case .server(let core, _) = self.owner else { return }
    self.machine.admit(busy: !core.hasRoom)
  }

  /// H-4: what goes wrong here is an unknown user to the client; only the log knows more.
  private func lookUpKey(_ user: UserName) {
    guard case .server(let core, _) = self.owner, let lookUp = core.security.keyLookup else { return }
    let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
    let loop = self.loop
    let logger = self.logger
    // A lookup that does not wait goes on at once, without a trip through a queue.
    let task = Task.immediateDetached(executorPreference: self.executor) {
      var keys: [PresharedKey] = []
      do {
        keys = Array(try await lookUp(user).prefix(ServerSecurity.candidatesMax))
      } catch {
        logger.warning(
          "the key lookup failed: the client is told that authentication failed",
          metadata: [LogKeys.user: "\(user)", LogKeys.error: "\(error)"]
        )
      }
      loop.perform { [keys] in bound.value.keyLookupEnded(keys) }
    }
    // One that has ended would be kept as long as the connection.
    if !self.keyLookupHasEnded { self.keyTask = task }
    self.loop.handlerRan(self.executor)
  }

  private func keyLookupEnded(_ keys: [PresharedKey]) {
    self.keyLookupHasEnded = true
    self.keyTask = nil
    self.input { $0.keysFound(keys) }
  }

  private func opened(user: UserName?) {
    if let user, self.endpoint.isLogging { self.logger[metadataKey: LogKeys.user] = "\(user)" }
    let connection = Connection(handler: self, user: user)
    self.connection = connection
    self.endpoint.metrics?.connectionOpened()
    self.logger.debug("the connection is open")
    switch self.owner {
    case .client(let attempt):
      self.machine.letIn()
      attempt.succeed(with: connection)
    case .server(let core, let stream):
      guard core.streamOpened(stream, connection) else {
        // The server stops: as a connection that opened a moment earlier.
        self.machine.letIn()
        self.machine.close(code: CloseCode.shutdown, message: "the server is stopping", now: self.loop.now)
        return
      }
      if let open = self.endpoint.handlers.open {
        self.callOpenHandler(open, connection)
      } else {
        self.machine.letIn()
      }
    }
  }

  /// C-9.
  private func callOpenHandler(
    _ open: @escaping @Sendable (Connection) async throws -> OpenDecision,
    _ connection: Connection
  ) {
    let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
    let loop = self.loop
    let task = Task.immediateDetached(executorPreference: self.executor) {
      let decision: Result<OpenDecision, any Error>
      do {
        decision = .success(try await open(connection))
      } catch {
        decision = .failure(error)
      }
      loop.perform { bound.value.openHandlerEnded(decision) }
    }
    if !self.openHandlerHasEnded { self.openTask = task }
    self.loop.handlerRan(self.executor)
  }

  private func openHandlerEnded(_ decision: Result<OpenDecision, any Error>) {
    self.openHandlerHasEnded = true
    self.openTask = nil
    switch decision.map(\.kind) {
    case .success(.letIn):
      self.input { $0.letIn() }
    case .success(.turnDown(let code, let message)):
      self.logger.info("the open handler turned the connection down", metadata: ["code": "\(code)"])
      self.wasTurnedDown = self.end == nil
      self.input { $0.turnDown(code: code, message: message, now: self.loop.now) }
    case .failure(let error):
      if self.end == nil {
        self.logger.warning(
          "the open handler failed: the connection is turned down",
          metadata: [LogKeys.error: "\(error)"]
        )
      }
      self.wasTurnedDown = self.end == nil
      self.input { $0.turnDown(code: CloseCode.shutdown, message: "", now: self.loop.now) }
    }
    self.callCloseHandlerIfDue()
  }

  // MARK: Ending

  /// The outcome, once for each stream.
  private func ended(_ ending: ConnectionEnding) {
    self.keyTask?.cancel()
    self.openTask?.cancel()
    for task in self.handlerTasks.values { task.cancel() }
    let end = ConnectionEnd(ending, streamError: self.streamErrorText)
    self.end = end
    self.failAllPending(ending)
    self.logEnd(ending)

    if case .server(let core, let stream) = self.owner { core.streamEnding(stream) }
    guard self.connection != nil else {
      self.endpoint.metrics?.handshakeFailed()
      if case .client(let attempt) = self.owner { attempt.fail(with: self.error(for: ending)) }
      return
    }
    self.endpoint.metrics?.connectionEnded()
    if self.wasTurnedDown {
      self.connection = nil
    } else {
      self.closeHandlerIsDue = true
      self.owner.closeHandlerIsDue()
      self.callCloseHandlerIfDue()
    }
  }

  /// C-8: exactly once, after the open handler, and not for a connection that was turned down.
  private func callCloseHandlerIfDue() {
    guard self.closeHandlerIsDue, self.openTask == nil, let connection = self.connection, let end = self.end else {
      return
    }
    self.closeHandlerIsDue = false
    self.connection = nil
    let owner = self.owner
    guard let close = self.endpoint.handlers.close else {
      owner.closeHandlerEnded()
      return
    }
    Task.immediateDetached(executorPreference: self.executor) {
      await close(connection, end)
      owner.closeHandlerEnded()
    }
    self.loop.handlerRan(self.executor)
  }

  private func logEnd(_ ending: ConnectionEnding) {
    switch ending {
    case .refusedPeer(let code, let reason):
      self.logger.info("refused a client", metadata: ["code": "\(code)", "reason": "\(String(displaying: reason))"])
    case .clean, .turnedDown, .aborted:
      self.logger.debug("the connection has ended", metadata: ["end": "\(self.end?.description ?? "")"])
    default:
      self.logger.info(
        self.connection == nil ? "a stream ended before it was open" : "the connection has ended",
        metadata: ["end": "\(self.error(for: ending).message)"]
      )
    }
  }
}
