internal import Foundation

/// Plays the testee's part of a capsule to today's kit, which knows no difference to a process.
///
/// The kit has real streams, and only its time is another: whenever it waits, the next of the recorded events happens at
/// once, at its recorded time, if what the kit did before it then has been done now; and where no event would come before
/// the end of the wait, the time is over at once. So a play takes no time, and gives the same on each machine.
final class CapsulePlayback: Timekeeper {
  /// What today's kit does otherwise than the one that recorded: what came after it then is no answer to it.
  struct Divergence: Error, CustomStringConvertible {
    let description: String
  }

  let earlierPublicKeys: [[UInt8]]
  private var events: [Capsule.Event]
  private let configuration: Configuration
  private var next = 0
  /// Since the play began.
  private var elapsed = Duration.zero
  private let start = ContinuousClock.now
  private weak var poller: Poller?

  private var processes: [Int: PlayedProcess] = [:]
  private var streams: [Int: PlayedStream] = [:]
  /// Where the kit connects to the played servers.
  private var listeners: [Listener] = []
  /// Where the kit waits for the played clients.
  private var kitAddress: SocketAddress?
  private var contract: TesteeContract?

  /// What the streams are in the playback: sockets that pass everything at once, unless a reset has to be played.
  let transport: Configuration.Transport
  /// A folder for sockets, with a short path.
  private let directory: String

  init(_ capsule: Capsule, directory: String) {
    events = capsule.events
    self.directory = directory
    let hasReset = capsule.events.contains { event in
      if case .testeeEnds(_, .reset) = event.happening { true } else { false }
    }
    transport = hasReset ? .tcp : .unix
    configuration = capsule.header.configuration
    earlierPublicKeys = capsule.header.earlierPublicKeys
  }

  func attach(_ poller: Poller) {
    self.poller = poller
    poller.timekeeper = self
  }

  /// Closes what the played side has open.
  func close() {
    for listener in listeners { listener.close() }
    for stream in streams.values { stream.close() }
    for process in processes.values { process.close() }
    poller?.timekeeper = nil
  }

  /// What the kit did then and has not done now, or that the recording is at its end.
  var standing: String {
    guard next < events.count else { return "the recording is at its end" }
    return "the recording goes on with: \(events[next].happening.text)"
  }

  /// Whether the kit has come to where the recording ends.
  var isAtEnd: Bool { next >= events.count }

  // MARK: Processes

  /// What a player gets in place of the processes.
  func source(contract: TesteeContract?) throws -> TesteeSource {
    self.contract = contract
    guard configuration.isProcessForEachConnection else { return .running(try startProcess()) }
    return .forEachConnection { [self] _, trace in
      let testee = try startProcess()
      let poller = try requirePoller()
      // As with a real one, the first command is no part of the case.
      for _ in 0..<helloCount(ofProcess: processes.count) {
        _ = try Preflight.hello(testee, poller: poller, limit: GroupRunner.startLimit)
      }
      let (input, output) = (testee.child.standardOutput, testee.child.standardInput)
      return (testee, try ByteStream(input: input, output: output, poller: poller, trace: trace))
    }
  }

  /// How often the kit greeted a process before its connection: the second time it measured how fast it answers. One after
  /// that is part of the case: whether a testee that is late answers at all.
  private func helloCount(ofProcess number: Int) -> Int {
    let before = events.lazy.map(\.happening).prefix { happening in
      if case .opens(_, _, process: number) = happening { false } else { true }
    }
    return before.count { happening in
      if case .command(number, let command) = happening { command["command"] == "hello" } else { false }
    }
  }

  private func requirePoller() throws -> Poller {
    guard let poller else { throw Divergence(description: "the playback is over") }
    return poller
  }

  private func startProcess() throws -> TesteeProcess {
    let poller = try requirePoller()
    let number = processes.count + 1
    let sequence = events.lazy.compactMap { event -> Int? in
      guard case .begins(number, let sequence) = event.happening else { return nil }
      return sequence
    }.first
    guard let sequence else {
      throw Divergence(description: "the kit starts process \(number) of the testee, of which the recording has none")
    }
    let process = try PlayedProcess(hasControl: configuration.isProcessForEachConnection)
    processes[number] = process
    return try TesteeProcess(child: process.child, nextSequence: sequence, poller: poller, contract: contract)
  }

  // MARK: Time

  var now: ContinuousClock.Instant { start + elapsed }

  func wait<Result>(_ duration: Duration, for condition: () throws -> Result?) throws -> Result? {
    if let result = try condition() { return result }
    guard !hasDiverged else {
      elapsed += duration
      return nil
    }
    do {
      return try waitForEvents(duration, for: condition)
    } catch let divergence as Divergence {
      hasDiverged = true
      throw divergence
    }
  }

  /// Whether the kit has done something else than the one that recorded: nothing more happens then.
  private var hasDiverged = false

  private func waitForEvents<Result>(_ duration: Duration, for condition: () throws -> Result?) throws -> Result? {
    // The wait began when the kit had done what it did before.
    try pump()
    try followKit()
    let deadline = elapsed + duration
    while true {
      if let result = try condition() { return result }
      try pump()
      try followKit()
      try pump()
      if let result = try condition() { return result }
      guard next < events.count, isOfTestee(events[next].happening), events[next].time <= deadline else {
        elapsed = deadline
        return nil
      }
      elapsed = max(elapsed, events[next].time)
      try play(events[next].happening)
      next += 1
    }
  }

  /// Lets the kit read and write until nothing moves any more.
  private func pump() throws {
    var stillCount = 0
    while true {
      var isMoving = try poller?.serveReady() ?? false
      for process in processes.values where process.move() { isMoving = true }
      for stream in streams.values where stream.move() { isMoving = true }
      if isMoving {
        stillCount = 0
        continue
      }
      // TCP may take its time between two sockets of one machine, too.
      guard transport == .tcp, stillCount < Self.stillCountMax else { return }
      stillCount += 1
      usleep(1000)
    }
  }

  /// For how many milliseconds nothing may move over TCP before that is taken for the end.
  private static let stillCountMax = 20

  /// Whether the testee brings it about, and not the kit.
  private func isOfTestee(_ happening: Capsule.Happening) -> Bool {
    switch happening {
    case .answer, .dies, .standardError, .testeeWaits, .testeeEnds, .strayConnection: true
    case .bytes(_, let isFromKit, _): !isFromKit
    case .opens: configuration.role == .client
    case .begins, .command, .keys, .kitEnds, .kitCannotWrite: false
    }
  }

  // MARK: The kit's part

  /// Passes over the events that the kit has brought about again.
  private func followKit() throws {
    while next < events.count, !isOfTestee(events[next].happening), try hasDone(events[next].happening) {
      elapsed = max(elapsed, events[next].time)
      next += 1
    }
  }

  /// Whether the kit has done this. Throws if it has done something else in its place.
  private func hasDone(_ happening: Capsule.Happening) throws -> Bool {
    switch happening {
    case .begins(let number, _):
      return processes[number] != nil
    case .command(let number, let command):
      guard let given = processes[number]?.takeCommand() else { return false }
      guard given.isSame(as: command) else {
        let (now, before) = (given.encodedText.prefix(300), command.encodedText.prefix(300))
        throw Divergence(description: "the kit gives the command \(now), where it gave \(before)")
      }
      if command["command"] == "connect", let text = given["address"]?.string { kitAddress = SocketAddress(text) }
      if command["command"] == "listen", let sequence = command["seq"]?.integer, let poller {
        let path = "\(directory)/played-\(listeners.count)"
        let listener = try Listener(transport == .tcp ? .tcpLoopback() : .unix(path: path), poller: poller)
        // As the kit demands of a server; what the recorded one had is not known any more.
        if transport == .unix { chmod(path, 0o600) }
        listeners.append(listener)
        processes[number]?.serverAddresses[sequence] = listener.address.text
      }
      return true
    case .opens(let number, _, let process):
      return try hasOpened(number, process: process)
    case .bytes(let number, _, let expected):
      return try streams[number]?.hasTaken(expected) ?? false
    case .kitEnds(let number, _):
      return streams[number]?.hasKitEnded ?? false
    case .kitCannotWrite(let number):
      streams[number]?.stopHearing()
      return true
    case .keys, .answer, .dies, .standardError, .testeeWaits, .testeeEnds, .strayConnection:
      return true
    }
  }

  private func hasOpened(_ number: Int, process: Int) throws -> Bool {
    if configuration.isProcessForEachConnection {
      guard let played = processes[process] else { return false }
      streams[number] = try PlayedStream(input: played.streamInput, output: played.streamOutput)
      return true
    }
    for listener in listeners {
      guard let descriptor = listener.takeAccepted() else { continue }
      streams[number] = try PlayedStream(input: descriptor, output: descriptor)
      return true
    }
    return false
  }

  // MARK: The testee's part

  private func play(_ happening: Capsule.Happening) throws {
    switch happening {
    case .answer(let number, let line): processes[number]?.answer(line)
    case .standardError(let number, let bytes): processes[number]?.complain(bytes)
    case .dies(let number, let status): processes[number]?.die(status)
    case .opens(let number, _, _): streams[number] = try connectToKit()
    case .strayConnection: streams[-next] = try connectToKit()
    case .bytes(let number, _, let bytes): streams[number]?.send(bytes)
    case .testeeWaits(let number): sendAhead(number)
    case .testeeEnds(let number, .end): streams[number]?.endSending()
    case .testeeEnds(let number, .reset): streams[number]?.reset()
    default: break
    }
  }

  /// Sends what the recorded kit read only later.
  private func sendAhead(_ number: Int) {
    for index in events.indices[next...].dropFirst() {
      switch events[index].happening {
      case .bytes(number, false, let bytes):
        streams[number]?.send(bytes)
        events[index].happening = .bytes(connection: number, isFromKit: false, [])
        return
      case .testeeEnds(number, .end): return streams[number]?.endSending() ?? ()
      case .testeeEnds(number, .reset): return streams[number]?.reset() ?? ()
      default: break
      }
    }
    // It was never read, so that it may be anything.
    streams[number]?.send([0])
  }

  private func connectToKit() throws -> PlayedStream {
    guard let kitAddress else { throw Divergence(description: "the kit has told no client where to connect") }
    let descriptor = try kitAddress.connectedDescriptor()
    return try PlayedStream(input: descriptor, output: descriptor)
  }
}

extension Capsule.Event {
  /// Since the play began.
  fileprivate var time: Duration { .microseconds(microseconds) }
}

extension Capsule.Happening {
  /// For people.
  fileprivate var text: String {
    switch self {
    case .begins(let process, _): "process \(process) of the testee starts"
    case .command(_, let command): "the kit gives the command \(command.encodedText.prefix(200))"
    case .answer(_, let line): "the testee says \(String(decoding: line.prefix(200), as: UTF8.self))"
    case .dies(let process, _): "process \(process) of the testee ends"
    case .standardError: "the testee writes to standard error"
    case .opens(_, let name, _): "connection \(name) opens"
    case .keys: "the keys of a connection"
    case .bytes(let number, let isFromKit, let bytes):
      "the \(isFromKit ? "kit" : "testee") sends \(bytes.count) bytes on connection \(number)"
    case .testeeWaits(let number): "the testee sends what the kit does not read yet, on connection \(number)"
    case .testeeEnds(let number, let end): "the testee's \(end.rawValue) of connection \(number)"
    case .kitEnds(let number, let end): "the kit's \(end.rawValue) of connection \(number)"
    case .kitCannotWrite(let number): "the kit cannot write on connection \(number)"
    case .strayConnection: "the testee connects without a step that wants it"
    }
  }
}

extension JSON {
  /// Whether two commands ask for the same: where the kit waits, and where a server listens, is another each time.
  fileprivate func isSame(as other: JSON) -> Bool {
    func withoutAddress(_ json: JSON) -> JSON {
      guard var object = json.object else { return json }
      object["address"] = nil
      return .object(object)
    }
    return withoutAddress(self) == withoutAddress(other)
  }
}
