internal import NIOCore

/// A ping that waits for its PONG.
final class PendingPing: Pending<Duration>, @unchecked Sendable {
  var token: PingToken?
  /// When it was sent.
  var began: NIODeadline?
}

/// Own requests and pings.
extension ConnectionHandler {
  /// Sends a request for a task that waits.
  func begin(
    _ request: PendingRequest,
    _ value: Value,
    timeout: TimeAmount?,
    _ continuation: UnsafeContinuation<Value, any Error>
  ) {
    if request.begin(continuation) { self.begin(request, value, timeout: timeout) }
  }

  /// Sends a request. A time limit counts from now, also while the request waits for a place.
  func begin(_ request: PendingRequest, _ value: Value, timeout: TimeAmount?) {
    guard !request.isFinished else { return }  // cancelled on the event loop while this was on its way there
    if let ending = self.ending {
      self.failAtOnce(request, because: self.error(for: ending))
      return
    }
    self.loop.withinTurn {
      switch self.machine.request(value) {
      case .accepted(let exchange):
        request.exchange = exchange
        self.requests.insert(exchange, request)
        self.exchangeCount += 1
        self.tally.requestsSent += 1
        if self.endpoint.metrics != nil { request.began = self.loop.now }
        if let timeout { self.setDeadline(self.loop.now + timeout, of: .request(request)) }
      case .failed(let failure):
        self.tally.errorsReceived += 1
        self.failAtOnce(request, because: self.error(for: failure))
      }
    }
    self.loop.needsFlush(self)
  }

  /// A request cannot be sent. A caller who is called back hears it in a turn of its own: one who tries again at once would
  /// come deeper and deeper into the same calls otherwise.
  private func failAtOnce(_ request: PendingRequest, because error: any Error) {
    guard request.callsBack else { return request.finish(with: .failure(error)) }
    self.loop.eventLoop.execute { request.finish(with: .failure(error)) }
  }

  /// the caller goes on at once; the place stays taken until the answer has come.
  func cancel(_ request: PendingRequest, because error: any Error) {
    guard !request.isFinished else { return }
    defer { request.finish(with: .failure(error)) }
    guard let exchange = request.exchange, self.requests[exchange] === request else { return }
    self.requests.remove(exchange)
    self.input { _ = $0.cancel(exchange) }
  }

  func begin(_ ping: PendingPing, timeout: TimeAmount?) {
    if let ending = self.ending {
      ping.finish(with: .failure(self.error(for: ending)))
      return
    }
    self.lastPing += 1
    let token = self.lastPing
    guard self.machine.ping(token) else {
      ping.finish(with: .failure(self.error(for: RequestFailure.closing)))
      return
    }
    ping.token = token
    self.pings[token] = ping
    ping.began = self.loop.now
    if let timeout { self.setDeadline(self.loop.now + timeout, of: .ping(ping)) }
    self.loop.needsFlush(self)
  }

  func cancel(_ ping: PendingPing, because error: any Error) {
    guard !ping.isFinished else { return }
    ping.finish(with: .failure(error))
    if let token = ping.token { self.pings[token] = nil }
  }

  func timedOut(_ timed: Timed) {
    switch timed {
    case .request(let request):
      self.tally.errorsReceived += 1
      self.cancel(request, because: self.timeoutError("a request was not answered"))
    case .ping(let ping):
      self.cancel(ping, because: self.timeoutError("a ping was not answered"))
    case .handler(let limit):
      self.timedOut(limit)
    }
  }

  // MARK: Actions of the machine

  func answered(_ exchange: ExchangeID, _ value: Value) {
    guard let request = self.requests.remove(exchange) as? PendingRequest else { return }
    self.tally.answersReceived += 1
    self.finish(request, with: .success(value))
  }

  func failed(_ exchange: ExchangeID, _ failure: RequestFailure) {
    guard let request = self.requests.remove(exchange) as? PendingRequest else { return }
    self.tally.errorsReceived += 1
    self.finish(request, with: .failure(self.error(for: failure)))
  }

  private func finish(_ request: PendingRequest, with result: Result<Value, any Error>) {
    self.recordDuration(of: request)
    if request.callsBack { self.loop.handlerRan(self.executor) }
    request.finish(with: result)
  }

  func ponged(_ token: PingToken) {
    guard let ping = self.pings.removeValue(forKey: token) else { return }
    ping.finish(with: .success(.nanoseconds((self.loop.now - (ping.began ?? self.loop.now)).nanoseconds)))
  }

  /// Everything that waits ends with the connection.
  func failAllPending(_ ending: ConnectionEnding) {
    self.ending = ending
    let waiters = self.endWaiters.values
    self.endWaiters = [:]
    if !self.requests.isEmpty || !self.pings.isEmpty {
      let requests = self.requests.all.compactMap { $0 as? PendingRequest }
      self.requests = ExchangeObjects()
      let pings = self.pings.values
      self.pings = [:]
      let error = self.error(for: ending)
      self.tally.errorsReceived += Int64(requests.count)
      for request in requests { request.finish(with: .failure(error)) }
      for ping in pings { ping.finish(with: .failure(error)) }
    }
    if let end = self.end {
      for waiter in waiters { waiter.finish(with: .success(end)) }
    }
  }

  private func recordDuration(of request: PendingRequest) {
    guard let metrics = self.endpoint.metrics, let began = request.began else { return }
    metrics.record(requestDuration: self.loop.now - began)
  }

  // MARK: The end

  func wait(_ waiter: Pending<ConnectionEnd>) {
    if let end = self.end {
      waiter.finish(with: .success(end))
    } else {
      self.endWaiters[ObjectIdentifier(waiter)] = waiter
    }
  }

  func cancel(_ waiter: Pending<ConnectionEnd>) {
    self.endWaiters[ObjectIdentifier(waiter)] = nil
    waiter.finish(with: .failure(CancellationError()))
  }
}
