/// Why a call of this library failed: what happened, to which connection, and what to do.
///
/// Two errors are equal when their codes are. An error that the other side's handler answered with is a
/// ``RemoteError`` instead; a call whose task was cancelled throws `CancellationError`.
public struct BokbokError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kind of an error; more may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the code.
    public let description: String

    private init(_ description: String) {
      self.description = description
    }

    /// The server refused the connection (O-6); ``BokbokError/peerCode`` says why. A refusal is not authenticated
    /// (O-11): anyone on the path can send one.
    public static let refused = Code("refused")
    /// The server did not prove that it holds the user's key (H-11).
    public static let authentication = Code("authentication")
    /// What answered does not speak this protocol (O-9).
    public static let notBokbok = Code("notBokbok")
    /// The connection is closing or has been closed: the request was not processed and may be sent elsewhere.
    public static let closing = Code("closing")
    /// The stream ended or was given up at another time than after a clean end (C-5, C-6).
    public static let lost = Code("lost")
    /// A sealed record did not authenticate: the bytes were changed on the way.
    public static let tampered = Code("tampered")
    /// One side broke the protocol (F-2); ``BokbokError/side`` says who found it.
    public static let violation = Code("violation")
    /// A request that cannot be sent, or an answer that is not one (E-2, E-4).
    public static let malformed = Code("malformed")
    /// The request is longer than the other side takes.
    public static let tooLarge = Code("tooLarge")
    /// A time limit passed: of a request, of connecting, or of the opening (O-10).
    public static let timeout = Code("timeout")
    /// This version of the library cannot do it.
    public static let unsupported = Code("unsupported")
    /// A text that should be an address is none, or the address cannot be used for this.
    public static let address = Code("address")
    /// A setting is out of its range.
    public static let configuration = Code("configuration")
    /// No stream to the server could be opened: nothing listens, the name is unknown, or the system forbids it.
    public static let connect = Code("connect")
    /// The server could not listen.
    public static let listen = Code("listen")
    /// The system gave no memory, descriptors or other means.
    public static let resources = Code("resources")
  }

  /// The kind of the error.
  public let code: Code

  /// What happened, to which connection, and what to do. Text of the other side in it is escaped and cut (E-5).
  public let message: String

  /// The code that the other side gave with a refusal, a CLOSE or an ERROR, if that caused the error.
  public let peerCode: String?

  /// The message that the other side gave, exactly as received: escape it before you show it, for example with
  /// `String(displaying:)`.
  public let peerMessage: String?

  /// Who found the violation; nil for other codes.
  public let side: Side?

  /// The error below this one, if any.
  public let cause: (any Error)?

  package init(
    _ code: Code,
    _ message: String,
    peerCode: String? = nil,
    peerMessage: String? = nil,
    side: Side? = nil,
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.peerCode = peerCode
    self.peerMessage = peerMessage
    self.side = side
    self.cause = cause
  }

  /// The code and the message.
  public var description: String { "\(self.code): \(self.message)" }

  /// Whether the codes are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.code == right.code
  }
}

/// One of the two ends of a connection, as seen from here.
public enum Side: String, Hashable, Sendable {
  /// This side.
  case local
  /// The other side.
  case remote
}
