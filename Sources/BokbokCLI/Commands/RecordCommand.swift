internal import ArgumentParser
internal import BokbokConformance
internal import BokbokCore
internal import Foundation

/// `bokbok record`: stands between two implementations and writes their sessions.
struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Stand between a client and a server of any implementation, and write down what passes.",
    discussion: """
      Clients connect to the address of --listen; each gets a stream to the address of --connect. Bytes, ends and resets \
      pass unchanged and are written as they pass, one JSON object a line, with times. Sealed sessions pass, and are \
      recorded, as ciphertext.

      With --user and --key-file the recorder opens them: it is the server of the client and the client of the server, \
      under that user and key, passes what each record holds on the other leg, and says so in the recording. A client \
      that names another user or has another key is refused. The recording then holds the frames and the recorder's own \
      secrets of each session, but not the user's key. The address is printed when clients may connect.

      SIGINT or SIGTERM ends the recording with its footer. bokbok decode explains it, and bokbok vectors promote makes \
      a session vector of it.
      """
  )

  @Option(
    help: ArgumentHelp(
      "Where clients connect: tcp:HOST:PORT or unix:PATH; port 0 takes a free one.",
      valueName: "address"
    )
  )
  var listen: String

  @Option(help: ArgumentHelp("Where the server is: tcp:HOST:PORT or unix:PATH.", valueName: "address"))
  var connect: String

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The file to write; it must not exist yet.", valueName: "file"),
    completion: .file()
  )
  var output: String

  @Option(help: "The user for whom the recorder stands on both legs, to open sealed sessions.")
  var user: String?

  @Option(help: ArgumentHelp("The file with that user's key, mode 0600.", valueName: "file"), completion: .file())
  var keyFile: String?

  @Option(help: ArgumentHelp("End after so many connections; without it, record until a signal.", valueName: "count"))
  var connections: Int?

  func validate() throws {
    if let user { try UserArgument.check(user) }
    guard (user == nil) == (keyFile == nil) else {
      throw ValidationError(
        "--user NAME and --key-file FILE go together: both open sealed sessions, neither lets them pass."
      )
    }
    if let connections, connections < 1 {
      throw ValidationError("--connections is \(connections); it must be 1 or more.")
    }
  }

  func run() throws {
    // A side that is gone is found when writing to it fails.
    signal(SIGPIPE, SIG_IGN)
    var identity: (name: String, key: [UInt8])?
    if let user, let keyFile {
      let key = try KeyFile.read(keyFile)
      identity = Hexadecimal.bytes(key.hexadecimal()).map { (user, $0) }
    }
    // A session may hold secrets, so that only its owner may read it.
    let descriptor = open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    let shownPath = "\"\(String(displaying: output, charactersMax: 1024))\""
    guard descriptor >= 0 else {
      throw CommandFailure(.cannotCreate, "The file \(shownPath) cannot be made: \(POSIXFile.message(for: errno)).")
    }
    defer { close(descriptor) }
    let recorder: Recorder
    do {
      recorder = try Recorder(
        listen: listen,
        connect: connect,
        user: identity,
        connectionCountMax: connections
      ) { line in
        if let code = POSIXFile.writeAll(line, to: descriptor) {
          throw CommandFailure(.inputOutputError, "Writing to \(shownPath) failed: \(POSIXFile.message(for: code)).")
        }
      }
    } catch {
      unlink(output)
      if let failure = error as? CommandFailure { throw failure }
      throw CommandFailure(error is RecorderError ? .usage : .unavailable, "Recording cannot begin: \(error).")
    }
    let stop = recorder.stop
    let signals = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler(handler: stop)
      source.resume()
      return source
    }
    defer { for source in signals { source.cancel() } }
    try StandardStream.output.write("recording on \(recorder.address)\n")
    do {
      try recorder.run()
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure(.systemError, "Recording ended: \(error).")
    }
  }
}
