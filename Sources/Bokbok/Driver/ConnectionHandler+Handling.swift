internal import Logging
internal import NIOCore

/// The other side's requests: calls of the request handler.
extension ConnectionHandler {
  func handle(_ exchange: ExchangeID, _ value: Value) {
    guard let connection = self.connection else { return }
    self.tally.requestsReceived += 1
    self.exchangeCount += 1
    let handler = self.endpoint.handlers.request
    let execution = handler.execution ?? self.endpoint.configuration.handlerExecution
    let context = RequestContext(connection: connection, exchange: exchange)
    switch (handler.kind, execution) {
    case (.synchronous(let body), .globalPool):
      self.runOnGlobalPool(exchange) { try body(value, context) }
    case (.asynchronous(let body), .globalPool):
      self.runOnGlobalPool(exchange) { try await body(value, context) }
    case (.synchronous(let body), _):
      do {
        self.respond(to: exchange, with: .success(try body(value, context)))
      } catch {
        self.respond(to: exchange, with: .failure(error))
      }
      self.loop.handlerRan(self.executor)
    case (.asynchronous(let body), _):
      self.runOnLoop(exchange) { try await body(value, context) }
    }
  }

  /// The task begins at once and stays on the event loop: a handler that does not wait ends before this returns.
  private func runOnLoop(_ exchange: ExchangeID, _ body: @escaping @Sendable () async throws -> Value) {
    let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
    let loop = self.loop
    self.startingExchange = exchange
    let task = Task.immediateDetached(executorPreference: self.executor) {
      let result = await Result(catching: body)
      loop.perform { bound.value.handlerEnded(exchange, result) }
    }
    if self.startingExchange == exchange {
      self.startingExchange = nil
      self.handlerTasks[exchange] = task
    }
    self.loop.handlerRan(self.executor)
  }

  private func runOnGlobalPool(_ exchange: ExchangeID, _ body: @escaping @Sendable () async throws -> Value) {
    let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
    let loop = self.loop
    self.handlerTasks[exchange] = Task.detached(executorPreference: globalConcurrentExecutor) {
      let result = await Result(catching: body)
      loop.perform { bound.value.handlerEnded(exchange, result) }
    }
  }

  /// X-7: an exchange that was cancelled is answered only now that its handler has ended.
  private func handlerEnded(_ exchange: ExchangeID, _ result: Result<Value, any Error>) {
    if self.startingExchange == exchange { self.startingExchange = nil }
    self.handlerTasks[exchange] = nil
    self.respond(to: exchange, with: result)
    self.loop.needsFlush(self)
  }

  private func respond(to exchange: ExchangeID, with result: Result<Value, any Error>) {
    switch result {
    case .success(let value):
      self.tally.answersSent += 1
      self.machine.respond(to: exchange, with: .value(value))
    case .failure(let error):
      self.tally.errorsSent += 1
      self.machine.respond(to: exchange, with: self.answer(for: error, exchange: exchange))
    }
  }

  /// E-1.
  private func answer(for error: any Error, exchange: ExchangeID) -> HandlerAnswer {
    let remote = error as? RemoteError ?? (error as? BokbokError)?.cause as? RemoteError
    if let remote {
      return .error(code: remote.code, message: remote.message, details: remote.details)
    }
    guard self.endpoint.configuration.hidesHandlerErrors else { return .failed(message: "\(error)") }
    self.logger.warning(
      "a handler failed",
      metadata: [LogKeys.exchange: "\(exchange)", LogKeys.error: "\(String(displaying: "\(error)"))"]
    )
    return .failed(message: "the handler failed")
  }
}

extension Result where Failure == any Error {
  fileprivate init(catching body: @Sendable () async throws -> Success) async {
    do {
      self = .success(try await body())
    } catch {
      self = .failure(error)
    }
  }
}
