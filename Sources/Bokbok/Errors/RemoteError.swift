/// An error that answers a request: what a handler throws to answer with a code of its own, and what the requester
/// then gets (E-1).
///
/// Two errors are equal when their codes are.
public struct RemoteError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What the other side tells programs: 1 to 64 bytes of `a-z 0-9 . -`.
  ///
  /// `handler-failed`, `malformed`, `cancelled`, `closing`, `too-large` and `overloaded` are reserved for the protocol.
  /// A handler that throws one of them, or a code that is not valid, is answered with `handler-failed`; message and
  /// details are kept.
  public let code: String

  /// What the other side tells people, exactly as received: ``description`` escapes it.
  public let message: String

  /// Whatever values the other side added.
  public let details: [Value]

  /// An error to answer a request with.
  ///
  /// A message that does not fit into one frame (about 64 KiB with the details) is cut on the way, then details are
  /// dropped from the end (E-3).
  public init(code: String, message: String, details: [Value] = []) {
    self.code = code
    self.message = message
    self.details = details
  }

  /// The code and the message, with control and format characters escaped, and cut (E-5).
  public var description: String {
    "\(String(displaying: self.code, charactersMax: 64)): \(String(displaying: self.message))"
  }

  /// Whether the codes are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.code == right.code
  }
}
