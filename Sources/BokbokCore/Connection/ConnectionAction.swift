package import NIOCore

/// What the driver of a ``ConnectionMachine`` has to do, in the order in which the machine gives it.
package enum ConnectionAction: Equatable {
  /// Server: say with `admit(busy:)` whether there is room for one more connection (O-6).
  case checkAdmission
  /// Server: find the keys of this user and call `keysFound(_:)` (H-4).
  case lookUpKey(userName: ByteBuffer)
  /// The connection is open for this side (S-1). The user is nil on a plain connection.
  case opened(userName: ByteBuffer?)
  /// Call the request handler, and `respond(to:with:)` once it has ended.
  case handle(ExchangeID, Value)
  /// The requester asks to stop: cancel the handler.
  case cancelHandler(ExchangeID)
  /// The answer to an own request.
  case answered(ExchangeID, Value)
  /// An own request failed; the connection goes on.
  case failed(ExchangeID, RequestFailure)
  /// The PONG to an own PING.
  case ponged(PingToken)
  /// The peer sent CLOSE: it sends no new requests, and takes none.
  case closeReceived(code: String, message: String)
  /// The outcome, given once and as soon as it is known. Requests, pings and handlers that are left end with it.
  case ended(ConnectionEnding)
  /// Once all output taken so far is written, shut down the sending half (F-3).
  case shutDownOutput
  /// Close the stream now. This is the last action.
  case closeStream
}

/// Names a PING of the application.
package typealias PingToken = UInt64

/// What becomes of a request that the application makes.
package enum RequestAdmission: Equatable, Sendable {
  /// It goes out, or waits for a place. One `answered` or `failed` with this id follows, unless it is cancelled or the
  /// connection ends.
  case accepted(ExchangeID)
  case failed(RequestFailure)
}

/// Why a request failed while the connection went on.
package enum RequestFailure: Equatable, Sendable {
  /// An ERROR frame came.
  case remote(code: String, message: String, details: [Value])
  /// The connection is closing: the request has not been processed, and may be sent elsewhere.
  case closing
  /// The request is not a value that may be sent, or the answer was none (E-2, E-4).
  case malformed(String)
  /// The request is longer than the peer takes, in bytes.
  case tooLarge(byteCount: Int, byteCountMax: Int)
}

/// How a handler ended.
package enum HandlerAnswer: Sendable {
  case value(Value)
  /// An error of the application; a reserved or invalid code becomes `handler-failed` (E-1).
  case error(code: String, message: String, details: [Value])
  /// The handler failed with an error that has no code.
  case failed(message: String)
}

/// How a connection ended.
package enum ConnectionEnding: Equatable, Sendable {
  /// Both sides sent CLOSE and nothing was under way (C-4).
  case clean(code: String, message: String)
  /// This server's open handler turned the connection down (C-9).
  case turnedDown(code: String)
  case lost(LossReason)
  /// One side broke the protocol (F-2, C-7).
  case violation(side: ViolationSide, requirement: String, message: String)
  /// A sealed record did not authenticate.
  case tampered
  /// This side closed the stream without a word.
  case aborted
  /// Client: the server refused (O-6). Not authenticated (O-11).
  case refused(code: String, message: String)
  /// Server: a refusal was sent. The reason is for the local log only (H-4).
  case refusedPeer(code: String, reason: String)
  /// The peer does not speak this protocol (O-3, O-9).
  case notBokbok
  /// Client: message 2 did not authenticate (H-11).
  case authenticationFailed
  /// The connection did not open in time (O-10).
  case timedOut
}

/// Who found a violation.
package enum ViolationSide: Equatable, Sendable {
  /// This side found it.
  case local
  /// The other side said so with CLOSE `protocol-error`.
  case remote
}

/// Why a connection was lost.
package enum LossReason: Equatable, Sendable {
  /// The end of input came at another time than C-4 and C-6 allow.
  case endOfInput
  /// The stream was reset, or reading failed.
  case streamFailed
  /// Writing failed (F-4).
  case writeFailed
  /// No record came within the keepalive time-out (P-3).
  case keepalive
  /// The clean end did not come within the drain time limit (C-5).
  case drainTimeout
  /// A nonce counter is used up.
  case counterExhausted
  /// Locked memory for keys could not be had.
  case outOfMemory
}
