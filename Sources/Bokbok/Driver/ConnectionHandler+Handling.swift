internal import Logging
internal import NIOCore

/// The other side's requests: calls of the request handler.
extension ConnectionHandler {
  func handle(_ exchange: ExchangeID, _ value: Value) {
    guard let call = self.beginCall(exchange, value) else { return }
    let handler = self.endpoint.handlers.request
    let execution = handler.execution ?? self.endpoint.configuration.handlerExecution
    switch (handler.kind, execution) {
    case (.synchronous(let body), .globalPool):
      self.runOnGlobalPool(exchange) { try body(value, call.context) }
    case (.asynchronous(let body), .globalPool):
      self.runOnGlobalPool(exchange) { try await body(value, call.context) }
    case (.synchronous(let body), _):
      do {
        self.respond(to: exchange, with: .success(try body(value, call.context)))
      } catch {
        self.respond(to: exchange, with: .failure(error))
      }
      self.loop.handlerRan(self.executor)
    case (.asynchronous(let body), _):
      self.runOnLoop(call, body)
    }
  }

  private func beginCall(_ exchange: ExchangeID, _ value: Value) -> HandlerCall? {
    guard let connection = self.connection else { return nil }
    self.tally.requestsReceived += 1
    self.exchangeCount += 1
    let timeout = self.endpoint.configuration.handlerTimeout
    let context = RequestContext(
      connection: connection,
      exchange: exchange,
      limit: timeout.map { RequestContext.Limit(ContinuousClock.now + $0) }
    )
    return HandlerCall(exchange: exchange, value: value, context: context)
  }

  /// The task begins at once and stays on the event loop. While handlers do not wait, it goes on with the requests that
  /// follow in what has been read, in their order, so that they need no task each; one that waits keeps the task.
  private func runOnLoop(
    _ first: HandlerCall,
    _ body: @escaping RequestHandler.AsynchronousBody
  ) {
    let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
    let loop = self.loop
    let run = HandlerRun(exchange: first.exchange)
    let task = Task.immediateDetached(executorPreference: self.executor) {
      var next: HandlerCall? = first
      while let call = next {
        let result: Result<Value, any Error>
        do {
          result = .success(try await body(call.value, call.context))
        } catch {
          result = .failure(error)
        }
        guard loop.eventLoop.inEventLoop else {
          return loop.perform { _ = bound.value.handlerEnded(run, call.exchange, result) }
        }
        // A task that was cancelled ends with the handler that it was cancelled for.
        let mayGoOn = !Task.isCancelled
        next = loop.turn { bound.value.handlerEnded(run, call.exchange, result, mayGoOn: mayGoOn) }
      }
    }
    if let exchange = run.exchange {
      run.isWaiting = true
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

  /// A handler on the loop has ended: the next request that its task is to handle, if it has not waited.
  private func handlerEnded(
    _ run: HandlerRun,
    _ exchange: ExchangeID,
    _ result: Result<Value, any Error>,
    mayGoOn: Bool = false
  ) -> HandlerCall? {
    run.exchange = nil
    guard !run.isWaiting else {
      self.handlerEnded(exchange, result)
      return nil
    }
    self.respond(to: exchange, with: result)
    self.loop.needsFlush(self)
    guard mayGoOn, let (exchange, value) = self.nextRequest(), let call = self.beginCall(exchange, value) else {
      return nil
    }
    run.exchange = exchange
    return call
  }

  /// X-7: an exchange that was cancelled is answered only now that its handler has ended.
  private func handlerEnded(_ exchange: ExchangeID, _ result: Result<Value, any Error>) {
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

/// One call of the request handler.
private struct HandlerCall: Sendable {
  let exchange: ExchangeID
  let value: Value
  let context: RequestContext
}

/// A task that runs handlers on the event loop.
///
/// Sendable although it has mutable state: it is touched on the event loop only.
private final class HandlerRun: @unchecked Sendable {
  /// The exchange whose handler is running, or waits.
  @exclusivity(unchecked) var exchange: ExchangeID?
  /// The handler has waited for something, so that others have gone on with what came after its request.
  @exclusivity(unchecked) var isWaiting = false

  init(exchange: ExchangeID) {
    self.exchange = exchange
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
