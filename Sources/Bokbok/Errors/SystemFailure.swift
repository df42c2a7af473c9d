internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What the system's errors mean, for messages.
enum SystemFailure {
  /// The system's text for an error number.
  static func text(_ errorNumber: CInt) -> String {
    guard let text = strerror(errorNumber) else { return "error \(errorNumber)" }
    return String(cString: text)
  }

  static func text(_ error: any Error) -> String {
    switch error {
    case let error as IOError:
      return self.text(error.errnoCode)
    case let error as NIOConnectionError:
      if let failure = error.connectionErrors.first { return self.text(failure.error) }
      return "the name \(String(displaying: error.host)) cannot be resolved"
    case ChannelError.connectTimeout:
      return "connecting took too long"
    case let error as SocketAddressError:
      if case .unknown(let host, _) = error {
        return "the name \(String(displaying: host)) cannot be resolved"
      }
      return "\(error)"
    default:
      return "\(error)"
    }
  }

  static func adviceForListening(_ error: any Error) -> String {
    switch (error as? IOError)?.errnoCode {
    case EADDRINUSE: "another process has the port; stop it or use another port"
    case EACCES, EPERM: "ports below 1024 need privileges; use a higher one"
    case EADDRNOTAVAIL: "this machine does not have the address"
    default: "check the address"
    }
  }

  static func adviceForConnecting(_ error: any Error) -> String {
    var error = error
    if let failure = (error as? NIOConnectionError)?.connectionErrors.first { error = failure.error }
    return switch (error as? IOError)?.errnoCode {
    case ECONNREFUSED: "nothing listens there; check the address, and that the server runs"
    case ENOENT: "there is no socket; check the path, and that the server runs"
    case EACCES, EPERM: "check the permissions of the socket and its directory"
    case EMFILE, ENFILE: "the process has no descriptors left; raise ulimit -n"
    default: "check the address and the network"
    }
  }

  /// Whether the error says that descriptors or memory have run out for now.
  static func isShortage(_ error: IOError) -> Bool {
    [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode)
  }

  /// Whether the queue of a UNIX socket's listener is full for now.
  static func isBacklogFull(_ error: any Error) -> Bool {
    (error as? IOError)?.errnoCode == EAGAIN
  }
}
