/// How a connection that was open has ended.
public struct ConnectionEnd: Hashable, Sendable, CustomStringConvertible {
  /// The kinds of ends.
  public enum Reason: String, Hashable, Sendable {
    /// Both sides said CLOSE and nothing was under way (C-4). On a sealed connection only this proves that nothing was
    /// cut off (C-6).
    case clean
    /// The stream ended or was given up at another time: what was under way may or may not have been processed.
    case lost
    /// One side broke the protocol (F-2); ``ConnectionEnd/side`` says who found it.
    case violation
    /// A sealed record did not authenticate.
    case tampered
    /// This side closed the stream without a word, by ``Connection/abort()`` or by stopping the server at once.
    case aborted
  }

  /// The kind of the end.
  public let reason: Reason

  /// The code of the CLOSE that ended the connection, exactly as given; nil where none passed.
  ///
  /// For a clean end it is the other side's if that came before this side's was sent, else this side's (C-4).
  public let code: String?

  /// The message of that CLOSE exactly as received, or what happened.
  public let message: String

  /// Who found the violation; nil for other reasons.
  public let side: Side?

  package init(reason: Reason, code: String? = nil, message: String, side: Side? = nil) {
    self.reason = reason
    self.code = code
    self.message = message
    self.side = side
  }

  /// The reason, with the code and the message, escaped and cut (E-5).
  public var description: String {
    var text = self.reason.rawValue
    if let code = self.code { text += " (\(String(displaying: code, charactersMax: 64)))" }
    if let side = self.side { text += side == .local ? ", found here" : ", found by the other side" }
    if !self.message.isEmpty { text += ": \(String(displaying: self.message))" }
    return text
  }
}
