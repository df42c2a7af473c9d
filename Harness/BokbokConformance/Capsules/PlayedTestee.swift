internal import Foundation

/// The far end of a descriptor that the kit reads from: what is to be sent is kept until the kit takes it.
private struct PlayedOutput {
  private var pending: [UInt8] = []
  private var closesAfterPending = false
  private(set) var descriptor: Int32

  init(_ descriptor: Int32) throws {
    try SystemCalls.setNonBlocking(descriptor)
    self.descriptor = descriptor
  }

  mutating func send(_ bytes: [UInt8]) { pending += bytes }

  /// Whether the end of sending has been asked for and everything before it is gone.
  var isDone: Bool { closesAfterPending && pending.isEmpty }

  mutating func endAfterPending() { closesAfterPending = true }

  /// Writes what the kit takes now. Returns whether that was anything.
  mutating func move() -> Bool {
    guard !pending.isEmpty, descriptor >= 0 else { return false }
    let count = write(descriptor, pending, pending.count)
    if count > 0 {
      pending.removeFirst(count)
      return true
    }
    // The kit does not listen any more.
    if errno != EAGAIN, errno != EINTR { pending = [] }
    return false
  }
}

/// What the kit writes to the far end of a descriptor.
private struct PlayedInput {
  private(set) var bytes: [UInt8] = []
  private(set) var hasEnded = false
  let descriptor: Int32

  init(_ descriptor: Int32) throws {
    try SystemCalls.setNonBlocking(descriptor)
    self.descriptor = descriptor
  }

  mutating func take(_ count: Int) { bytes.removeFirst(count) }

  /// Reads what is there now. Returns whether that was anything.
  mutating func move() -> Bool {
    guard !hasEnded else { return false }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = read(descriptor, &buffer, buffer.count)
    if count > 0 {
      bytes += buffer[..<count]
      return true
    }
    guard count == 0 || (errno != EAGAIN && errno != EINTR) else { return false }
    hasEnded = true
    return true
  }
}

/// A process of the testee that is played back: the far ends of its standard streams.
final class PlayedProcess {
  /// What the kit holds of it.
  let child: ChildProcess
  /// Where the servers listen that stand in for those of the recording, by the number of the command.
  var serverAddresses: [Int: String] = [:]
  /// The connection of a process that has one on its standard streams.
  let streamInput: Int32
  let streamOutput: Int32

  private var commands: PlayedInput
  private var answers: PlayedOutput
  private let standardError: Int32
  private let hasControl: Bool
  private let status: Status

  /// How it ended, which the kit's side asks for.
  private final class Status {
    var value: ChildProcess.ExitStatus?
  }

  init(hasControl: Bool) throws {
    let input = try SystemCalls.pipe()
    let output = try SystemCalls.pipe()
    let error = try SystemCalls.pipe()
    let control = hasControl ? try SystemCalls.socketPair() : nil
    let status = Status()
    self.status = status
    self.hasControl = hasControl
    child = ChildProcess(
      standardInput: input.writing,
      standardOutput: output.reading,
      standardError: error.reading,
      control: control?.ours,
      playedStatus: { status.value }
    )
    commands = try PlayedInput(control?.theirs ?? input.reading)
    answers = try PlayedOutput(control?.theirs ?? output.writing)
    standardError = error.writing
    streamInput = input.reading
    streamOutput = output.writing
    try SystemCalls.setNonBlocking(standardError)
  }

  func move() -> Bool {
    let hasRead = commands.move()
    let hasWritten = answers.move()
    if answers.isDone { hangUp() }
    return hasRead || hasWritten
  }

  /// The next of the commands that have come.
  func takeCommand() -> JSON? {
    guard let end = commands.bytes.firstIndex(of: 0x0A) else { return nil }
    let line = commands.bytes[..<end]
    defer { commands.take(end + 1) }
    return try? JSON(parsing: line)
  }

  /// Says a recorded line. The address of a server is that of the one that stands in for it.
  func answer(_ line: [UInt8]) {
    var line = line
    if var message = (try? JSON(parsing: line))?.object, let sequence = message["seq"]?.integer,
      let address = serverAddresses[sequence], var result = message["ok"]?.object,
      result["address"]?.string.flatMap(SocketAddress.init) != nil
    {
      result["address"] = .string(address)
      message["ok"] = .object(result)
      line = JSON.object(message).encodedBytes
    }
    answers.send(line + [0x0A])
  }

  func complain(_ bytes: [UInt8]) {
    _ = write(standardError, bytes, bytes.count)
  }

  func die(_ recorded: Capsule.ExitStatus?) {
    switch recorded {
    case .exited(let code)?: status.value = .exited(code)
    case .signalled(let signal)?: status.value = .signalled(signal)
    case nil: break
    }
    answers.endAfterPending()
    if !answers.move(), answers.isDone { hangUp() }
  }

  private var isHungUp = false

  private func hangUp() {
    guard !isHungUp else { return }
    isHungUp = true
    if hasControl {
      shutdown(answers.descriptor, Int32(SHUT_RDWR))
    } else {
      Foundation.close(answers.descriptor)
    }
  }

  /// Closes everything on this side. The streams are closed with their connections.
  func close() {
    Foundation.close(standardError)
    if hasControl { Foundation.close(answers.descriptor) } else { hangUp() }
    if !hasControl { Foundation.close(commands.descriptor) }
  }
}

/// The testee's end of a connection that is played back.
final class PlayedStream {
  /// False where the recorded testee no longer took what the kit sent.
  private var isKitHeard = true

  private var input: PlayedInput
  private var output: PlayedOutput
  private var isOpen = true
  private var isInputOpen = true
  private var isOutputOpen = true

  init(input: Int32, output: Int32) throws {
    self.input = try PlayedInput(input)
    self.output = try PlayedOutput(output)
  }

  func move() -> Bool {
    guard isOpen else { return false }
    let hasRead = isInputOpen && input.move()
    let hasWritten = output.move()
    if output.isDone, isOutputOpen {
      isOutputOpen = false
      if output.descriptor == input.descriptor {
        shutdown(output.descriptor, Int32(SHUT_WR))
      } else {
        Foundation.close(output.descriptor)
      }
      return true
    }
    return hasRead || hasWritten
  }

  /// Whether the kit has ended its half, or the stream.
  var hasKitEnded: Bool { input.hasEnded || !isInputOpen }

  /// Whether the kit has sent these bytes, which are then taken. Throws if it has sent others.
  func hasTaken(_ expected: [UInt8]) throws -> Bool {
    guard isKitHeard, isOpen else { return true }
    let got = input.bytes.prefix(expected.count)
    if let index = zip(got, expected).enumerated().first(where: { $1.0 != $1.1 })?.offset {
      let (now, before) = (Hexadecimal.text(got.dropFirst(index).prefix(16)), expected.dropFirst(index).prefix(16))
      throw CapsulePlayback.Divergence(
        description: "the kit sends the bytes \(now), where it sent \(Hexadecimal.text(before))"
      )
    }
    guard got.count == expected.count else { return false }
    input.take(expected.count)
    return true
  }

  /// The recorded testee takes no more of what the kit sends, which sees that where the stream can show it.
  func stopHearing() {
    isKitHeard = false
    guard isOpen, isInputOpen else { return }
    if output.descriptor == input.descriptor {
      shutdown(input.descriptor, Int32(SHUT_RD))
    } else {
      closeInput()
    }
  }

  private func closeInput() {
    isInputOpen = false
    Foundation.close(input.descriptor)
  }

  func send(_ bytes: [UInt8]) { output.send(bytes) }

  func endSending() { output.endAfterPending() }

  /// Resets the stream, as far as its transport can.
  func reset() {
    guard isOpen else { return }
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(output.descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  func close() {
    guard isOpen else { return }
    isOpen = false
    if isInputOpen { closeInput() }
    if output.descriptor != input.descriptor, isOutputOpen { Foundation.close(output.descriptor) }
  }
}
