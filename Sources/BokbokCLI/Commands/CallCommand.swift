internal import ArgumentParser
internal import Bokbok

/// `bokbok call`: one request, and its answer.
struct CallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call",
    _superCommandName: "bokbok",
    abstract: "Send one request and print its answer.",
    discussion: """
      The request is a value in the advanced notation of RFC 9804, and so is what is printed:
        bokbok call localhost:4711 '(ping "12345")'

      An error that the other side answers with goes to standard error, and the exit status is 1; bokbok --help has \
      the others.

      With --json the answer is printed as JSON: \(ValueJSON.help).
      """
  )

  @OptionGroup var connection: ConnectionOptions

  @Argument(help: "The request, in quotes for the shell; - reads it from standard input.")
  var value: String

  @Flag(help: "Print the answer as JSON.")
  var json = false

  /// The notation can be longer than the largest message: base 64, escapes, white space.
  private static let inputByteCountMax = 64 * 1024 * 1024

  func run() async throws {
    let request = try readRequest()
    let deadline = connection.deadline()
    do {
      let connection = try await connection.open()
      let answer: Value
      do {
        answer = try await connection.request(request, timeout: max(deadline - .now, .milliseconds(1)))
      } catch {
        _ = try? await connection.close()
        throw error
      }
      try StandardStream.output.write(text(of: answer) + "\n")
      // The answer is there: how the connection ends changes nothing.
      _ = try? await connection.close()
      await Connection.waitUntilCommandsEnded()
    } catch {
      await Connection.waitUntilCommandsEnded()
      throw CommandFailure(error, action: "The call")
    }
  }

  private func readRequest() throws(CommandFailure) -> Value {
    var notation = value
    if value == "-" {
      let bytes = try StandardStream.input.readToEnd(byteCountMax: CallCommand.inputByteCountMax)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CommandFailure(.dataError, "The request on standard input is not UTF-8. Write other bytes as #68ff#.")
      }
      notation = text
    }
    do {
      return try Value(notation: notation)
    } catch {
      throw CommandFailure(
        .dataError,
        "The request is not a value: \(error). A value is written as in (ping \"12345\")."
      )
    }
  }

  private func text(of answer: Value) -> String {
    if json { return ValueJSON.text(of: answer) }
    return StandardStream.output.isTerminal ? answer.notation(showsUnicode: true) : answer.notation
  }
}
