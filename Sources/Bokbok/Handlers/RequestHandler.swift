/// Answers requests: gives the answer's value, or throws.
///
/// What a handler throws decides what the requester gets (E-1):
/// - ``RemoteError``: its code, message and details; a reserved or invalid code becomes `handler-failed`;
/// - an error of a request that the handler made itself and passes on: `handler-failed` with its message, unless it was
///   a ``RemoteError`` with a code of the application;
/// - any other: `handler-failed` with the error's description, or a fixed text with
///   ``Configuration/hidesHandlerErrors``.
///
/// When the requester cancels, or the connection ends, the handler's task is cancelled. The answer of a handler that was
/// cancelled is always `cancelled`, once it has ended.
public struct RequestHandler: Sendable {
  /// Runs where it is called, without a switch of executors before and after it.
  typealias AsynchronousBody = nonisolated(nonsending) @Sendable (Value, RequestContext) async throws -> Value

  enum Kind: Sendable {
    case synchronous(@Sendable (Value, RequestContext) throws -> Value)
    case asynchronous(AsynchronousBody)
  }

  let kind: Kind
  let execution: HandlerExecution?

  /// A handler that does not wait: it is called without a task of its own, which is the fastest way to answer.
  ///
  /// - Parameters:
  ///   - execution: Where it runs; nil: where ``Configuration/handlerExecution`` says.
  ///   - body: Called for each request. On the event loop it must not block.
  public static func synchronous(
    execution: HandlerExecution? = nil,
    _ body: @escaping @Sendable (Value, RequestContext) throws -> Value
  ) -> RequestHandler {
    RequestHandler(kind: .synchronous(body), execution: execution)
  }

  /// A handler that may wait, each request in a task of its own.
  ///
  /// - Parameters:
  ///   - execution: Where it runs; nil: where ``Configuration/handlerExecution`` says.
  ///   - body: Called for each request. On the event loop it begins at once, and must not block.
  public static func asynchronous(
    execution: HandlerExecution? = nil,
    _ body: nonisolated(nonsending) @escaping @Sendable (Value, RequestContext) async throws -> Value
  ) -> RequestHandler {
    RequestHandler(kind: .asynchronous(body), execution: execution)
  }

  /// Answers each request with ``RemoteError`` of the code `unknown-request`.
  public static let absent = RequestHandler.synchronous(execution: .eventLoop) { _, _ in
    throw RemoteError(code: "unknown-request", message: "this side handles no requests")
  }
}
