public import Logging
public import NIOCore

/// An open connection, on either side: both send requests and answer the other's.
///
/// A connection stays open until one side closes it or it is lost, also when nothing refers to it any more: its handlers
/// go on answering. Close it with ``close(code:message:)``, or use
/// ``withConnection(_:security:configuration:handlers:logger:eventLoopGroup:isolation:_:)``, which does.
///
/// All methods may be called from any thread and task. A call from a handler that runs on the connection's event loop
/// switches no thread.
public final class Connection: Sendable {
  /// The number of the connection, unique in this process.
  public var id: ConnectionID { self.identity.id }

  /// The user: on a server the one that was authenticated, on a client its own; nil on a plain connection.
  public let user: UserName?

  /// Whether the connection is encrypted and authenticated.
  public var isSealed: Bool { self.user != nil }

  /// The address of the other side. A client of a UNIX socket has none of its own: at the server this is the server's.
  public var peerAddress: Address { self.identity.peerAddress }

  /// The address of this side.
  public var localAddress: Address { self.identity.localAddress }

  /// The process on the other side; nil unless the connection is on a UNIX socket.
  public var peerCredentials: PeerCredentials? { self.identity.peerCredentials }

  /// Logs with the number of the connection, the other side's address and the user in its metadata; silent where the
  /// server or client was given no logger.
  public let logger: Logger

  /// Where the connection lives: its handlers run there, unless they are moved away, and so do the completions of
  /// ``sendRequest(_:timeout:whenComplete:)``.
  public var eventLoop: any EventLoop { self.loop.eventLoop }

  /// Runs tasks on the connection's event loop, where handlers run: ``request(_:timeout:)`` switches no thread there.
  ///
  /// Give it to `withTaskExecutorPreference` or to `Task(executorPreference:)` where many short requests follow one
  /// another. What runs there holds up all connections of the event loop while it does not wait; work that blocks or
  /// computes belongs elsewhere.
  public var taskExecutor: any TaskExecutor { self.executor }

  /// Runs tasks on an event loop, as ``taskExecutor`` does: a task that opens a connection on that loop, uses and closes it
  /// there switches no thread.
  ///
  /// - Parameter eventLoop: Give the same one to
  ///   ``open(_:security:configuration:handlers:logger:eventLoopGroup:)``. It has to outlive the tasks.
  public static func taskExecutor(on eventLoop: any EventLoop) -> any TaskExecutor {
    HandlerExecutor.silent(on: LoopContexts.context(for: eventLoop))
  }

  private let identity: ConnectionIdentity
  private let executor: HandlerExecutor
  private let handler: NIOLoopBound<ConnectionHandler>
  private let requestTimeout: TimeAmount?

  private var loop: LoopContext { self.executor.loop }

  /// On the event loop.
  init(handler: ConnectionHandler, user: UserName?) {
    self.identity = handler.identity
    self.user = user
    self.logger = handler.logger
    self.executor = handler.executor
    self.handler = NIOLoopBound(handler, eventLoop: handler.loop.eventLoop)
    self.requestTimeout = handler.endpoint.configuration.requestTimeout.map { TimeAmount(clamping: $0) }
  }

  // MARK: Requests

  /// Sends a request and waits for its answer.
  ///
  /// Any number of requests may be under way; those beyond the other side's `max-requests` wait for a place, first come
  /// first served. Answers come in any order.
  ///
  /// Cancelling the task throws `CancellationError` at once and asks the other side to stop; the place stays taken until
  /// it has answered.
  ///
  /// - Parameters:
  ///   - value: The request.
  ///   - timeout: How long the answer may take, the waiting for a place included. nil, the default:
  ///     ``Configuration/requestTimeout``.
  /// - Returns: The answer.
  /// - Throws: ``RemoteError`` if the answer is an error; ``BokbokError`` with the code `timeout`, `closing`,
  ///   `tooLarge`, `malformed`, or that of the end of the connection (`lost`, `violation`, `tampered`);
  ///   `CancellationError`.
  public nonisolated(nonsending) func request(_ value: Value, timeout: Duration? = nil) async throws -> Value {
    let request = PendingRequest()
    let timeout = timeout.map { TimeAmount(clamping: $0) } ?? self.requestTimeout
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        // On the loop, where most requests are made, without a closure of its own.
        guard self.loop.eventLoop.inEventLoop else {
          return self.onLoop { $0.begin(request, value, timeout: timeout, continuation) }
        }
        self.loop.turn { self.handler.value.begin(request, value, timeout: timeout, continuation) }
      }
    } onCancel: {
      self.cancel(request)
    }
  }

  /// Sends a request and calls back with its answer: ``request(_:timeout:)`` without a task.
  ///
  /// For code that lives on event loops, such as a channel handler or a synchronous request handler that asks another
  /// connection: there, a task for each request costs as much as the request itself. From ``eventLoop`` the request goes
  /// out without a trip through a queue; it may be called from any thread.
  ///
  /// - Parameters:
  ///   - value: The request.
  ///   - timeout: How long the answer may take, the waiting for a place included. nil, the default:
  ///     ``Configuration/requestTimeout``.
  ///   - completion: Called once, on ``eventLoop``, with the answer or the error that ``request(_:timeout:)`` would throw.
  ///     It must not block, and may send the next request.
  /// - Returns: What cancels the request; it may be dropped.
  @discardableResult
  public func sendRequest(
    _ value: Value,
    timeout: Duration? = nil,
    whenComplete completion: @escaping @Sendable (Result<Value, any Error>) -> Void
  ) -> SentRequest {
    let request = PendingRequest(callback: completion)
    let timeout = timeout.map { TimeAmount(clamping: $0) } ?? self.requestTimeout
    if self.loop.eventLoop.inEventLoop {
      self.loop.turn { self.handler.value.begin(request, value, timeout: timeout) }
    } else {
      self.onLoop { $0.begin(request, value, timeout: timeout) }
    }
    return SentRequest(self, request)
  }

  fileprivate func cancel(_ request: PendingRequest) {
    self.onLoop { $0.cancel(request, because: CancellationError()) }
  }

  /// Sends a PING and waits for its PONG: whether the other side is there, and how far away.
  ///
  /// - Parameter timeout: How long that may take. nil, the default: ``Configuration/requestTimeout``.
  /// - Returns: How long it took.
  /// - Throws: ``BokbokError`` as ``request(_:timeout:)``; `CancellationError` at once when the task is cancelled.
  @discardableResult
  public func ping(timeout: Duration? = nil) async throws -> Duration {
    let ping = PendingPing()
    let timeout = timeout.map { TimeAmount(clamping: $0) } ?? self.requestTimeout
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        self.onLoop { handler in
          if ping.begin(continuation) { handler.begin(ping, timeout: timeout) }
        }
      }
    } onCancel: {
      self.onLoop { $0.cancel(ping, because: CancellationError()) }
    }
  }

  // MARK: The end

  /// Closes the connection: sends no new requests, waits for what is under way in both directions, and ends the stream
  /// (C-1, C-4).
  ///
  /// What has not ended after ``Configuration/drainTimeout`` is given up; then the end is reported as lost (C-5). On a
  /// connection that has ended this returns at once. Cancelling the task throws `CancellationError` at once; the closing
  /// goes on.
  ///
  /// - Parameters:
  ///   - code: For the other side's program: 1 to 64 bytes of `a-z 0-9 . -`, not `protocol-error`.
  ///   - message: For people.
  /// - Returns: How the connection ended.
  /// - Throws: ``BokbokError`` with the code ``BokbokError/Code/configuration`` when the code is not one;
  ///   `CancellationError`.
  @discardableResult
  public func close(code: String = "normal", message: String = "") async throws -> ConnectionEnd {
    try CloseCode.check(code)
    self.onLoop { handler in
      handler.input { $0.close(code: code, message: message, now: handler.loop.now) }
    }
    return try await self.waitUntilClosed()
  }

  /// Ends the connection at once, without a word: the other side sees a lost connection. What is under way fails as
  /// lost. Nothing happens on a connection that has ended.
  public func abort() {
    self.onLoop { handler in
      handler.input { $0.abort(now: handler.loop.now) }
    }
  }

  /// Waits until the connection has ended, and returns how. Cancelling the task throws `CancellationError` at once.
  public func waitUntilClosed() async throws -> ConnectionEnd {
    let waiter = Pending<ConnectionEnd>()
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        self.onLoop { handler in
          if waiter.begin(continuation) { handler.wait(waiter) }
        }
      }
    } onCancel: {
      self.onLoop { $0.cancel(waiter) }
    }
  }

  /// Waits until the command that this connection started has ended and been reaped, and returns how. It ends
  /// some time after the connection: see ``CommandOptions``. Cancelling the task has no effect.
  ///
  /// - Returns: nil on a connection whose address was no `exec:`.
  public func waitUntilCommandEnded() async -> CommandEnd? {
    await self.identity.command?.waitUntilEnded()
  }

  /// Waits until all commands that run now for connections of this process have ended and been reaped: what a
  /// program does before it exits, so that none is left behind. It does not close connections. Cancelling the task has
  /// no effect.
  public static func waitUntilCommandsEnded() async {
    await CommandProcess.waitUntilAllEnded()
  }

  // MARK: Observation

  /// What has gone over the connection so far.
  public var statistics: ConnectionStatistics {
    get async {
      await withUnsafeContinuation { continuation in
        self.onLoop { continuation.resume(returning: $0.statistics) }
      }
    }
  }

  /// Runs the closure in a turn of the event loop: at once if the caller is on it.
  private func onLoop(_ body: @escaping @Sendable (ConnectionHandler) -> Void) {
    let handler = self.handler
    self.loop.perform { body(handler.value) }
  }

  /// A server that stops: without waiting.
  func stop(_ how: Server.StopMode) {
    self.onLoop { handler in
      switch how {
      case .graceful:
        handler.input {
          $0.close(code: CloseCode.shutdown, message: "the server is stopping", now: handler.loop.now)
        }
      case .immediate:
        handler.input { $0.abort(now: handler.loop.now) }
      }
    }
  }
}

/// A request that ``Connection/sendRequest(_:timeout:whenComplete:)`` has sent.
public struct SentRequest: Sendable {
  private let connection: Connection
  private let request: PendingRequest

  fileprivate init(_ connection: Connection, _ request: PendingRequest) {
    self.connection = connection
    self.request = request
  }

  /// Gives the request up: its completion is called with `CancellationError`, and the other side is asked to stop.
  ///
  /// Does nothing once the request has its answer. May be called from any thread; on ``Connection/eventLoop`` the
  /// completion is called before this returns.
  public func cancel() {
    self.connection.cancel(self.request)
  }
}

extension ConnectionHandler {
  fileprivate var statistics: ConnectionStatistics {
    let counters = self.machine.counters
    let totals = self.tally
    return ConnectionStatistics(
      bytesReceived: UInt64(totals.bytesReceived),
      bytesSent: UInt64(totals.bytesSent),
      recordsReceived: counters.recordsIn,
      framesReceived: counters.framesIn,
      requestsSent: UInt64(totals.requestsSent),
      requestsReceived: UInt64(totals.requestsReceived)
    )
  }
}
