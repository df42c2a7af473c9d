internal import Bokbok

extension CommandFailure {
  /// What an error of the library means for a command that calls another side.
  ///
  /// - Parameter action: what was being done, as the beginning of a sentence: `The call`.
  init(_ error: any Error, action: String) {
    switch error {
    case let failure as CommandFailure:
      self = failure
    case let error as RemoteError:
      self.init(.remoteError, CommandFailure.text(of: error))
    case let error as AddressError:
      self.init(.usage, "\(error)")
    case let error as BokbokError:
      self.init(ExitStatus(error), "\(action) failed: \(error.message)")
    default:
      self.init(.unavailable, "\(action) failed: \(error)")
    }
  }

  /// An error of the other side: the code, the message and the details, made harmless (E-5).
  private static func text(of error: RemoteError) -> String {
    let details = error.details.map { " \($0.notation)" }.joined()
    return "\(error)" + (details.isEmpty ? "" : "; details:\(details)")
  }
}

extension ExitStatus {
  init(_ error: BokbokError) {
    self =
      switch error.code {
      case .refused where error.peerCode == "busy": .unavailable
      case .refused where error.peerCode == "authentication-failed": .noPermission
      case .refused, .notBokbok, .tampered, .violation, .malformed: .protocolError
      case .authentication: .noPermission
      case .timeout: .timeout
      case .tooLarge: .dataError
      case .address, .configuration, .unsupported: .usage
      case .resources: .systemError
      default: .unavailable
      }
  }
}
