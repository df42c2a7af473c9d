import Bokbok

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A server on standard input and output that does what tests of commands and supervisors need: it asks back, prints,
/// and dies when it is told to.
///
/// Its last argument is `plain`, or `sealed` for the user alice with a key of 32 bytes 7. With `activated` before it, it
/// serves on the one socket that its supervisor passes. With `cycles N` it is a client, instead: see `TestCycles`.
@main
struct TestServer {
  static func main() async {
    do {
      let arguments = CommandLine.arguments.dropFirst()
      if arguments.first == "cycles" {
        try await TestCycles.run(count: Int(arguments.last ?? "") ?? 0)
        return
      }
      let handlers = Handlers(
        request: .asynchronous { request, context in try await self.answer(request, on: context.connection) },
        close: { _, end in self.complain("the connection has ended: \(end)") }
      )
      let server =
        arguments.first == "activated"
        ? try await Server.start(
          on: try ActivationSocket.take().only(),
          security: try self.security(),
          handlers: handlers
        )
        : try await Server.start(on: .standardIO, security: try self.security(), handlers: handlers)
      await server.waitUntilStopped()
    } catch {
      self.complain("\(error)")
      exit(2)
    }
  }

  private static func security() throws -> ServerSecurity {
    guard CommandLine.arguments.last == "sealed" else { return .plain }
    return .sealed(keys: [try UserName("alice"): try PresharedKey(bytes: Array(repeating: 7, count: 32))])
  }

  private static func answer(_ request: Value, on connection: Connection) async throws -> Value {
    switch try request.text(at: 0) {
    case "echo":
      return request
    case "ask":  // asks the client the same
      return ["told", try await connection.request(try request.element(at: 1))]
    case "print":
      print(try request.text(at: 1))
      fflush(nil)
      return ["printed"]
    case "read":  // standard input is no more than /dev/null
      return ["line", Value(readLine() ?? "")]
    case "exit":
      self.complain("exiting as told")
      exit(try request.integer(at: 1, as: CInt.self))
    case "signal":
      self.complain("about to be killed as told")
      kill(getpid(), try request.integer(at: 1, as: CInt.self))
      return ["alive"]
    case "process":
      return ["process", Value(Int(getpid()))]
    default:
      throw RemoteError(code: "unknown-request", message: "the test server does not know this request")
    }
  }

  /// Says something on standard error.
  private static func complain(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
