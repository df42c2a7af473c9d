internal import Bokbok

/// What `bokbok serve` answers without a handler command.
enum EchoService {
  /// For `--help`.
  static let help = "(echo V…) is answered with itself, (ping V…) with (pong V…), anything else with unknown-request"

  static let handler = RequestHandler.synchronous { request, _ in
    guard case .list(let words) = request, let name = try? words.first?.text else {
      throw RemoteError(code: "unknown-request", message: "a request is a list that begins with a name")
    }
    switch name {
    case "echo": return request
    case "ping": return .list(["pong"] + words.dropFirst())
    default:
      throw RemoteError(
        code: "unknown-request",
        message: "there is no request \(String(displaying: name, charactersMax: 64)); there are echo and ping"
      )
    }
  }
}
