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
    let timeout = self.endpoint.configuration.handlerTimeout
    let context = RequestContext(
      connection: connection,
      exchange: exchange,
      deadline: timeout.map { ContinuousClock.now + $0 }
    )
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
      self.limitHandler(of: exchange)
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
    self.limitHandler(of: exchange)
  }

  private func limitHandler(of exchange: ExchangeID) {
    guard let timeout = self.endpoint.configuration.handlerTimeout else { return }
    let limit = HandlerLimit(exchange: exchange)
    self.handlerLimits[exchange] = limit
    self.setDeadline(self.loop.now + TimeAmount(clamping: timeout), of: .handler(limit))
    self.loop.needsFlush(self)
  }

  func timedOut(_ limit: HandlerLimit) {
    limit.hasPassed = true
    self.handlerTasks[limit.exchange]?.cancel()
  }

  /// X-7: an exchange that was cancelled is answered only now that its handler has ended.
  private func handlerEnded(_ exchange: ExchangeID, _ result: Result<Value, any Error>) {
    if self.startingExchange == exchange { self.startingExchange = nil }
    self.handlerTasks[exchange] = nil
    var result = result
    if let limit = self.handlerLimits.removeValue(forKey: exchange) {
      limit.hasEnded = true
      if limit.hasPassed, case .failure = result {
        result = .failure(RemoteError(code: "timed-out", message: "the handler took too long"))
      }
    }
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

/// The time limit of one call of a handler. On the event loop only.
final class HandlerLimit {
  let exchange: ExchangeID
  var hasEnded = false
  var hasPassed = false

  init(exchange: ExchangeID) {
    self.exchange = exchange
  }
}
