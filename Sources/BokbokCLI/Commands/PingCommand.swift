internal import ArgumentParser
internal import Bokbok

/// `bokbok ping`: how long a round trip takes.
struct PingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ping",
    _superCommandName: "bokbok",
    abstract: "Connect and measure round trips of the protocol.",
    discussion: """
      A PING is answered by the protocol itself, ahead of everything that waits, so the time says nothing about \
      handlers. With --json each round trip is an object with the number of the PING and its time in nanoseconds.
      """
  )

  @OptionGroup var connection: ConnectionOptions

  @Option(name: [.short, .long], help: "How many PINGs to send, 1 to 1000000.")
  var count = 3

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The time between them, 0 to 86400 seconds.", valueName: "seconds")
  )
  var interval = 1.0

  @Flag(help: "Print JSON, a line for each PING.")
  var json = false

  func validate() throws {
    guard (1...1_000_000).contains(count) else {
      throw ValidationError("--count is a number from 1 to 1000000, but \(count) was given.")
    }
    guard (0...86_400).contains(interval) else {
      throw ValidationError("--interval is a number of seconds from 0 to 86400, but \(interval) was given.")
    }
  }

  func run() async throws {
    do {
      let opened = try await connection.open()
      var times: [Duration] = []
      for number in 1...count {
        if number > 1 { try await Task.sleep(for: .seconds(interval)) }
        let time = try await opened.ping()
        times.append(time)
        try StandardStream.output.write(line(number: number, time: time))
      }
      _ = try? await opened.close()
      await Connection.waitUntilCommandsEnded()
      if !json { try StandardStream.output.write(summary(times)) }
    } catch {
      await Connection.waitUntilCommandsEnded()
      throw CommandFailure(error, action: "The ping")
    }
  }

  private func line(number: Int, time: Duration) -> String {
    json
      ? "{\"ping\":\(number),\"nanoseconds\":\(PingCommand.nanoseconds(time))}\n"
      : "PONG \(number) after \(PingCommand.text(time))\n"
  }

  private func summary(_ times: [Duration]) -> String {
    guard let least = times.min(), let most = times.max() else { return "" }
    let mean = times.reduce(.zero, +) / times.count
    return """
      \(times.count) round trips: at least \(PingCommand.text(least)), on average \(PingCommand.text(mean)), \
      at most \(PingCommand.text(most))

      """
  }

  private static func nanoseconds(_ time: Duration) -> Int64 {
    time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000
  }

  private static func text(_ time: Duration) -> String {
    let microseconds = nanoseconds(time) / 1000
    let fraction = String(microseconds % 1000)
    return "\(microseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction) ms"
  }
}
