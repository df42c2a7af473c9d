internal import Foundation

/// A running testee: commands go to its standard input, replies and events come from its standard output, and its
/// standard error is kept. With `--stdio` its standard streams are a connection's, and the contract has a socket.
final class TesteeProcess: PollSource, CaseTestee {
  private static let errorTextByteCountMax = 65_536
  private static let lineByteCountMax = 64 << 20

  /// Why no more can be expected of the process.
  enum Failure: Error, Equatable, CustomStringConvertible {
    /// It ended, which it must not before it is told to.
    case died(String)
    /// It wrote something that the contract does not know.
    case garbage(String)
    /// The kit itself was about to break the contract.
    case kitBreach(String)

    var description: String {
      switch self {
      case .died(let how): "the testee \(how)"
      case .garbage(let what): "the testee does not keep to its contract: \(what)"
      case .kitBreach(let what): "the kit does not keep to the testee contract: \(what)"
      }
    }
  }

  let child: ChildProcess
  /// Where commands go and where replies come from: two pipes, or one socket.
  private let commands: Int32
  private let answers: Int32
  private let poller: Poller
  private var outputBuffer: [UInt8] = []
  private var scannedCount = 0
  private var input: [UInt8] = []
  private var isInputOpen = true
  private var isOutputOpen = true
  private var isErrorOpen = true
  /// The number of the next command.
  private(set) var nextSequence: Int
  /// The forms that messages are checked against; nil if they are not.
  private let contract: TesteeContract?
  /// The names of the commands, by number, where replies are checked.
  private var commandNames: [Int: String] = [:]
  private var replies: [Int: JSON] = [:]
  private var answeredSequences: Set<Int> = []

  /// Events in the order in which they came, which no step has taken.
  var events: [JSON] = []
  /// Set when the process has ended or broken the contract.
  private(set) var failure: Failure?
  /// The end of what it wrote to standard error.
  private(set) var errorText: [UInt8] = []
  /// What went over the contract, for the trace.
  private(set) var log: [ContractLine] = []
  /// When the end of the process was seen; nil while it goes on.
  private(set) var endTime: ContinuousClock.Instant?

  /// With a control socket, the standard input and output are the caller's, who closes them.
  convenience init(
    command: [String],
    directory: String?,
    hasControl: Bool = false,
    streams: TesteeOptions.StandardStreams = .pipes,
    poller: Poller,
    contract: TesteeContract?
  ) throws {
    let child = try ChildProcess(command: command, directory: directory, hasControl: hasControl, streams: streams)
    try self.init(child: child, poller: poller, contract: contract)
  }

  /// One whose process runs, and gets commands from this number on.
  init(child: ChildProcess, nextSequence: Int = 1, poller: Poller, contract: TesteeContract?) throws {
    self.contract = contract
    self.child = child
    self.nextSequence = nextSequence
    self.commands = child.control ?? child.standardInput
    self.answers = child.control ?? child.standardOutput
    self.poller = poller
    for descriptor in [commands, answers, child.standardError] {
      try SystemCalls.setNonBlocking(descriptor)
    }
    poller.add(self)
  }

  // MARK: Commands

  /// Sends a command and returns its number, by which the reply is known.
  func send(_ command: String, _ members: JSON.Object = JSON.Object()) -> Int {
    let sequence = nextSequence
    nextSequence += 1
    var object = JSON.Object()
    object["seq"] = .integer(sequence)
    object["command"] = .string(command)
    for (name, value) in members.members { object[name] = value }
    if let contract {
      commandNames[sequence] = command
      if let fault = contract.fault(inCommand: .object(object)) { fail(.kitBreach("\(command): \(fault)")) }
    }
    let line = JSON.object(object).encodedBytes
    note(line, isSent: true)
    if isInputOpen {
      input += line + [0x0A]
      flush()
    }
    return sequence
  }

  /// The reply to a command, once it has come; it is given once.
  func takeReply(to sequence: Int) -> JSON? {
    replies.removeValue(forKey: sequence)
  }

  /// Forgets the log and the text of standard error: a new case begins.
  func beginCase() {
    log = []
    errorText = []
    events = []
    replies = [:]
  }

  func openDescriptors() -> OpenDescriptors? { OpenDescriptors(process: child.processID) }

  func memoryByteCount() -> Int? { PrivateMemory.byteCount(process: child.processID) }

  func forgetLog(from index: Int) { log.removeSubrange(min(index, log.count)...) }

  // MARK: The end

  /// Ends the process: asks it to, and kills it and its group if it does not within the time. Returns how it ended.
  func end(within duration: Duration) throws -> ChildProcess.ExitStatus? {
    if failure == nil { _ = send("quit") }
    let deadline = poller.now + duration
    _ = try poller.wait(until: deadline) { !isOutputOpen && input.isEmpty ? true : nil }
    closeInput()
    var status = child.updateStatus()
    while status == nil, poller.now < deadline {
      try poller.serve(until: poller.now + .milliseconds(2))
      status = child.updateStatus()
    }
    release()
    return status
  }

  /// Kills the process and its group at once.
  func release() {
    child.kill()
    closeInput()
    poller.remove(self)
    if isOutputOpen { close(answers) }
    if isErrorOpen { close(child.standardError) }
    isOutputOpen = false
    isErrorOpen = false
  }

  private func closeInput() {
    guard isInputOpen else { return }
    if commands == answers {
      // The descriptor is closed where reading ends.
      if isOutputOpen { shutdown(commands, Int32(SHUT_WR)) }
    } else {
      close(commands)
    }
    isInputOpen = false
    input = []
  }

  // MARK: Polling

  var interests: [(descriptor: Int32, events: Int16)] {
    var interests: [(descriptor: Int32, events: Int16)] = []
    let wantsWriting = isInputOpen && !input.isEmpty
    if isOutputOpen {
      let isShared = commands == answers && wantsWriting
      interests.append((answers, Int16(POLLIN) | (isShared ? Int16(POLLOUT) : 0)))
    }
    if isErrorOpen { interests.append((child.standardError, Int16(POLLIN))) }
    if wantsWriting, commands != answers { interests.append((commands, Int16(POLLOUT))) }
    return interests
  }

  func handle(_ descriptor: Int32, _ events: Int16) {
    if descriptor == child.standardError {
      // The end of the answers, ready at the same time, may have closed it: its number can be another thread's by now.
      if isErrorOpen { readError() }
      return
    }
    let failed = Int16(POLLHUP | POLLERR)
    if descriptor == commands, events & (Int16(POLLOUT) | failed) != 0 { flush() }
    if descriptor == answers, isOutputOpen, events & (Int16(POLLIN) | failed) != 0 { readOutput() }
  }

  private func flush() {
    while !input.isEmpty, isInputOpen {
      let count = write(commands, input, min(input.count, 65_536))
      if count > 0 {
        input.removeFirst(count)
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        closeInput()
      }
    }
  }

  private func readError() {
    guard let bytes = read(from: child.standardError) else {
      close(child.standardError)
      isErrorOpen = false
      return
    }
    errorText += bytes
    if errorText.count > Self.errorTextByteCountMax {
      errorText.removeFirst(errorText.count - Self.errorTextByteCountMax)
    }
  }

  private func readOutput() {
    guard let bytes = read(from: answers) else {
      if commands == answers { isInputOpen = false }
      close(answers)
      isOutputOpen = false
      noteDeath()
      return
    }
    outputBuffer += bytes
    while let end = outputBuffer[scannedCount...].firstIndex(of: 0x0A) {
      let line = Array(outputBuffer[..<end])
      outputBuffer.removeFirst(end + 1)
      scannedCount = 0
      noteLine(line)
    }
    scannedCount = outputBuffer.count
    if outputBuffer.count > Self.lineByteCountMax { fail(.garbage("a line of more than 64 MiB")) }
  }

  /// Nil at the end.
  private func read(from descriptor: Int32) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = Foundation.read(descriptor, &buffer, buffer.count)
    if count > 0 { return Array(buffer[..<count]) }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? [] : nil
  }

  private func noteDeath() {
    endTime = poller.now
    // The end of its output comes before the system has its status.
    let deadline = ContinuousClock.now + .seconds(1)
    var status = child.updateStatus()
    while status == nil, ContinuousClock.now < deadline {
      usleep(1000)
      status = child.updateStatus()
    }
    // What it said last, which explains its end best, may wait to be read.
    var count = -1
    while isErrorOpen, errorText.count != count {
      count = errorText.count
      readError()
    }
    let closed = child.control == nil ? "closed its standard output" : "closed the control socket"
    fail(.died(status.map { "\($0)" } ?? closed))
  }

  private func fail(_ failure: Failure) {
    if self.failure == nil { self.failure = failure }
  }

  private func noteLine(_ line: [UInt8]) {
    note(line, isSent: false)
    guard let message = try? JSON(parsing: line), message.object != nil else {
      let shown = String(decoding: line.prefix(200), as: UTF8.self)
      return fail(.garbage("a line on standard output that is not a JSON object: \(shown)"))
    }
    if message["event"]?.string != nil {
      if let fault = contract?.fault(inEvent: message) { return failContract(fault, message) }
      events.append(message)
    } else if let sequence = message["seq"]?.integer, message["ok"] != nil || message["error"] != nil {
      guard (1..<nextSequence).contains(sequence), answeredSequences.insert(sequence).inserted else {
        return fail(.garbage("a reply to a command that was not given, or a second one: seq \(sequence)"))
      }
      let command = commandNames.removeValue(forKey: sequence) ?? ""
      if let fault = contract?.fault(inReply: message, to: command) { return failContract(fault, message) }
      replies[sequence] = message
    } else {
      fail(.garbage("a line that is neither an event nor a reply: \(message.encodedText.prefix(200))"))
    }
  }

  private func failContract(_ fault: String, _ message: JSON) {
    fail(.garbage("\(fault), in \(message.encodedText.prefix(200))"))
  }

  private func note(_ line: [UInt8], isSent: Bool) {
    log.append(ContractLine(time: poller.now, isSent: isSent, bytes: line))
  }
}

/// A line that went over the testee contract.
struct ContractLine {
  let time: ContinuousClock.Instant
  /// Whether the kit sent it.
  let isSent: Bool
  /// Without the end of the line.
  let bytes: [UInt8]

  /// The beginning of the line, for people.
  func shown(_ byteCountMax: Int) -> String {
    String(decoding: bytes.prefix(byteCountMax), as: UTF8.self) + (bytes.count > byteCountMax ? "…" : "")
  }
}
