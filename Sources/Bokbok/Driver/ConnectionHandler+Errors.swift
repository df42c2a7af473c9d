internal import NIOCore

/// What the outcomes of the machine are called towards the program: what happened, to which connection, what to do.
extension ConnectionHandler {
  private var name: String { "connection \(self.identity.id) with \(self.identity.peerAddress)" }

  func error(for failure: RequestFailure) -> any Error {
    switch failure {
    case .remote(let code, let message, let details):
      let remote = RemoteError(code: code, message: message, details: details)
      guard code == CodedMessage.Reserved.closing.rawValue else { return remote }
      return BokbokError(
        .closing,
        "\(self.name) is closing: the other side did not process the request; send it on another connection",
        peerCode: code,
        peerMessage: message,
        cause: remote
      )
    case .closing:
      return BokbokError(
        .closing,
        "\(self.name) is closing: the request was not sent; send it on another connection"
      )
    case .malformed(let reason):
      return BokbokError(.malformed, "\(self.name): \(String(displaying: reason))")
    case .tooLarge(let byteCount, let byteCountMax):
      return BokbokError(
        .tooLarge,
        """
        \(self.name): the request has \(byteCount) bytes, but the other side takes \(byteCountMax); \
        send it in parts, or raise messageBytesMax there
        """
      )
    }
  }

  func timeoutError(_ what: String) -> BokbokError {
    BokbokError(
      .timeout,
      "\(self.name): \(what) within its time limit; give a longer one if the other side may take so long"
    )
  }

  /// Why the connection did not open, or what calls on it fail with now that it has ended.
  func error(for ending: ConnectionEnding) -> BokbokError {
    switch ending {
    case .clean(let code, let message):
      BokbokError(
        .closing,
        "\(self.name) has been closed (\(String(displaying: code))); open another one",
        peerCode: code,
        peerMessage: message
      )
    case .turnedDown(let code):
      BokbokError(.closing, "\(self.name) was turned down by the open handler (\(code))", peerCode: code)
    case .lost(let reason):
      self.lostError(reason)
    case .violation(let side, let requirement, let message):
      BokbokError(
        .violation,
        """
        \(self.name) was ended because \(side == .local ? "the other side" : "this side, it is told,") broke the \
        protocol (\(String(displaying: requirement, charactersMax: 16))): \(String(displaying: message))
        """,
        peerMessage: side == .remote ? message : nil,
        side: side == .local ? .local : .remote
      )
    case .tampered:
      BokbokError(
        .tampered,
        "\(self.name) was ended because a sealed record does not authenticate: someone on the path changed the bytes"
      )
    case .aborted:
      BokbokError(.lost, "\(self.name) was aborted by this side; what was under way may have been processed")
    case .refused(let code, let message):
      BokbokError(
        .refused,
        """
        \(self.identity.peerAddress) refused the connection with \(String(displaying: code, charactersMax: 64)): \
        \(String(displaying: message)); \(Self.advice(forRefusal: code))
        """,
        peerCode: code,
        peerMessage: message
      )
    case .refusedPeer(let code, let reason):
      BokbokError(.refused, "\(self.name) was refused with \(code): \(String(displaying: reason))")
    case .notBokbok:
      BokbokError(
        .notBokbok,
        "what answers at \(self.identity.peerAddress) does not speak Bokbok; check the address and what listens there"
      )
    case .authenticationFailed:
      BokbokError(
        .authentication,
        """
        the server at \(self.identity.peerAddress) did not prove that it holds the user's key; \
        check the address, and do not trust what is there
        """
      )
    case .timedOut:
      BokbokError(
        .timeout,
        """
        \(self.name) did not open within the handshake time limit \
        (\(self.endpoint.configuration.handshakeTimeout)); the other side says nothing or says it too slowly
        """
      )
    }
  }

  private func lostError(_ reason: LossReason) -> BokbokError {
    if case .outOfMemory = reason {
      return BokbokError(.resources, "\(self.name): the system gave no locked memory for keys; raise ulimit -l")
    }
    return BokbokError(
      .lost,
      "\(self.name) was lost: \(reason.text(streamError: self.streamErrorText)); \(Self.adviceWhenLost)",
      cause: self.streamError
    )
  }

  private static let adviceWhenLost = "what was under way may or may not have been processed"

  private static func advice(forRefusal code: String) -> String {
    switch RefusalCode(rawValue: code) {
    case .unsupportedVersion: "one side needs another version of its library"
    case .modeMismatch: "one side asks for a plain connection and the other for a sealed one"
    case .authenticationFailed: "check the user name and the key"
    case .busy: "try again later"
    case nil: "see the server's documentation"
    }
  }
}

extension LossReason {
  fileprivate func text(streamError: String?) -> String {
    switch self {
    case .endOfInput, .streamFailed: streamError ?? "the stream ended without a close"
    case .writeFailed: streamError ?? "writing failed"
    case .keepalive: "nothing came within the keepalive time-out"
    case .drainTimeout: "it could not be closed within the drain time limit"
    case .counterExhausted: "as many records have been sealed as one connection allows"
    case .outOfMemory: "the system gave no locked memory for keys"
    }
  }
}

extension ConnectionEnd {
  init(_ ending: ConnectionEnding, streamError: String?) {
    switch ending {
    case .clean(let code, let message):
      self.init(reason: .clean, code: code, message: message)
    case .turnedDown(let code):
      self.init(reason: .clean, code: code, message: "turned down by the open handler")
    case .lost(let reason):
      self.init(reason: .lost, message: reason.text(streamError: streamError))
    case .violation(let side, let requirement, let message):
      self.init(
        reason: .violation,
        code: "protocol-error",
        message: requirement.isEmpty ? message : "\(requirement): \(message)",
        side: side == .local ? .local : .remote
      )
    case .tampered:
      self.init(reason: .tampered, message: "a sealed record does not authenticate")
    case .aborted:
      self.init(reason: .aborted, message: "aborted by this side")
    case .refused(let code, let message), .refusedPeer(let code, let message):
      self.init(reason: .lost, code: code, message: message)
    case .notBokbok, .authenticationFailed, .timedOut:
      self.init(reason: .lost, message: "the connection did not open")
    }
  }
}
