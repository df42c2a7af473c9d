internal import Bokbok
internal import BokbokConformance

/// The `error` of a reply.
struct TesteeFailure: Error {
  /// The kinds that the contract knows.
  enum Kind: String {
    case refused, authentication, notBokbok, remote, closing, lost, tampered, violation, malformed, tooLarge, cancelled
    case timeout, unsupported, other
  }

  let kind: Kind
  let code: String?
  let message: String
  /// Of an ERROR frame: its details, perhaps none.
  let details: [Value]?
  /// Who found a violation.
  let side: Side?

  init(_ kind: Kind, _ message: String, code: String? = nil, details: [Value]? = nil, side: Side? = nil) {
    self.kind = kind
    self.code = code
    self.message = message
    self.details = details
    self.side = side
  }

  /// What the contract calls an error of the library.
  init(_ error: any Error) {
    switch error {
    case let failure as TesteeFailure:
      self = failure
    case let error as RemoteError:
      // ERROR `closing` counts as the closing that this side may find itself: either way nothing was processed.
      let kind: Kind = error.code == "closing" ? .closing : .remote
      self.init(kind, error.message, code: error.code, details: error.details)
    case let error as BokbokError:
      self.init(
        TesteeFailure.kind(of: error.code),
        error.peerMessage ?? error.message,
        code: error.peerCode,
        side: error.side
      )
    case is CancellationError:
      self.init(.cancelled, "this side cancelled the request")
    default:
      self.init(.other, "\(error)")
    }
  }

  private static func kind(of code: BokbokError.Code) -> Kind {
    switch code {
    case .refused: .refused
    case .authentication: .authentication
    case .notBokbok: .notBokbok
    case .closing: .closing
    case .lost: .lost
    case .tampered: .tampered
    case .violation: .violation
    case .malformed: .malformed
    case .tooLarge: .tooLarge
    case .timeout: .timeout
    case .unsupported: .unsupported
    default: .other
    }
  }

  var json: JSON {
    var object = JSON.Object()
    object["kind"] = .string(kind.rawValue)
    object["code"] = code.map { .string($0) }
    object["message"] = .string(message)
    object["details"] = details.map { details in .array(details.map { .string($0.hexadecimal) }) }
    object["side"] = side.map { .string($0.rawValue) }
    return .object(object)
  }
}
