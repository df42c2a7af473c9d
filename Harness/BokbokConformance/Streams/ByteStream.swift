internal import Foundation

/// How the incoming half of a stream ended: two different observations, which cases keep apart.
enum StreamEnd: String, Sendable {
  /// The other side has finished sending.
  case end
  /// The stream was reset, or failed otherwise.
  case reset
}

/// One end of a byte stream, played by the kit: reading whatever comes, writing in pieces that are as small as a case
/// wants, with half-close and reset as distinct acts.
///
/// It has a descriptor for each way, which are the same for a socket and differ for a pair of pipes.
final class ByteStream: PollSource, CaseStream {
  private var inputDescriptor: Int32
  private var outputDescriptor: Int32
  private let poller: Poller
  private let trace: StreamTrace
  private let writesByteByByte: Bool

  /// What has come and was not taken yet.
  private(set) var input: [UInt8] = []
  /// How the incoming half ended; nil while it has not.
  private(set) var inputEnd: StreamEnd?
  /// Whether writing has failed: the peer is gone.
  private(set) var hasOutputFailed = false
  /// While set, nothing is read, so that the peer's sending comes to a halt.
  var isReadingPaused = false
  /// Set by who wants to know, while reading is paused, that the system holds bytes; false again when it does.
  var watchesUnreadInput = false

  /// While set, what is sent waits; then all of it goes out at once.
  var isHeld = false {
    didSet { if !isHeld { flush() } }
  }

  private var output: [UInt8] = []
  private var shutsDownAfterOutput = false
  private var inputOffset = 0

  /// - Parameter writesByteByByte: whether each byte goes to the system in a write of its own; of much that waits, the last
  ///   64 KiB.
  init(
    input: Int32,
    output: Int32,
    poller: Poller,
    trace: StreamTrace,
    writesByteByByte: Bool = false
  ) throws {
    self.writesByteByByte = writesByteByByte
    try SystemCalls.setNonBlocking(input)
    if output != input { try SystemCalls.setNonBlocking(output) }
    self.inputDescriptor = input
    self.outputDescriptor = output
    self.poller = poller
    self.trace = trace
    poller.add(self)
  }

  deinit {
    closeDescriptors()
  }

  // MARK: What comes

  /// The bytes that were not taken yet.
  var available: ArraySlice<UInt8> { input[inputOffset...] }

  /// Takes that many of the available bytes.
  func take(_ count: Int) -> [UInt8] {
    let bytes = Array(input[inputOffset..<(inputOffset + count)])
    inputOffset += count
    if inputOffset == input.count {
      input.removeAll(keepingCapacity: true)
      inputOffset = 0
    } else if inputOffset > 1 << 20 {
      input.removeFirst(inputOffset)
      inputOffset = 0
    }
    return bytes
  }

  // MARK: What goes

  /// Queues bytes and writes as much as the system takes at once.
  func send(_ bytes: [UInt8]) {
    guard isOpen, !hasOutputFailed else { return }
    trace.note(.sent(bytes))
    output.append(contentsOf: bytes)
    flush()
  }

  /// Whether everything that was queued has been handed to the system, or cannot be any more.
  var isFlushed: Bool { output.isEmpty || hasOutputFailed || !isOpen }

  /// Shuts down the sending half, behind what is queued.
  func shutDownOutput() {
    guard isOpen, !shutsDownAfterOutput else { return }
    trace.note(.remark(.kitEndsSending))
    shutsDownAfterOutput = true
    flush()
  }

  /// Resets the stream, as far as its transport can.
  func reset() {
    guard isOpen else { return }
    trace.note(.remark(.kitResets))
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(outputDescriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    closeDescriptors()
    inputEnd = inputEnd ?? .end
  }

  /// Closes both halves. Whoever wants no reset reads to the end first.
  func close() {
    guard isOpen else { return }
    trace.note(.remark(.kitCloses))
    closeDescriptors()
    inputEnd = inputEnd ?? .end
  }

  var isOpen: Bool { inputDescriptor >= 0 }

  private func closeDescriptors() {
    guard inputDescriptor >= 0 else { return }
    poller.remove(self)
    Foundation.close(inputDescriptor)
    if outputDescriptor != inputDescriptor, outputDescriptor >= 0 { Foundation.close(outputDescriptor) }
    inputDescriptor = -1
    outputDescriptor = -1
  }

  // MARK: Polling

  var interests: [(descriptor: Int32, events: Int16)] {
    guard isOpen else { return [] }
    var interests: [(descriptor: Int32, events: Int16)] = []
    let wantsReading = inputEnd == nil && (!isReadingPaused || watchesUnreadInput)
    let wantsWriting = !output.isEmpty && !hasOutputFailed && !isHeld
    if inputDescriptor == outputDescriptor {
      let events = (wantsReading ? Int16(POLLIN) : 0) | (wantsWriting ? Int16(POLLOUT) : 0)
      if events != 0 { interests.append((inputDescriptor, events)) }
    } else {
      if wantsReading { interests.append((inputDescriptor, Int16(POLLIN))) }
      if wantsWriting { interests.append((outputDescriptor, Int16(POLLOUT))) }
    }
    return interests
  }

  func handle(_ descriptor: Int32, _ events: Int16) {
    if descriptor == outputDescriptor, events & Int16(POLLOUT) != 0 { flush() }
    if descriptor == inputDescriptor, events & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
      if watchesUnreadInput, isReadingPaused { trace.note(.remark(.inputWaits)) }
      watchesUnreadInput = false
      if !isReadingPaused { fill() }
    }
    // A stream that is not read and has failed would otherwise be reported again and again.
    if descriptor == outputDescriptor, events & Int16(POLLERR) != 0, isReadingPaused { hasOutputFailed = true }
  }

  private func fill() {
    guard inputEnd == nil, isOpen else { return }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = read(inputDescriptor, &buffer, buffer.count)
    if count > 0 {
      trace.note(.received(Array(buffer[..<count])))
      input.append(contentsOf: buffer[..<count])
    } else if count == 0 {
      trace.note(.remark(.inputEnded(.end, reason: "")))
      inputEnd = .end
    } else if errno != EAGAIN, errno != EINTR {
      trace.note(.remark(.inputEnded(.reset, reason: String(cString: strerror(errno)))))
      inputEnd = .reset
      hasOutputFailed = true
    }
  }

  private func flush() {
    guard !isHeld else { return }
    var written = 0
    defer { output.removeFirst(written) }
    while written < output.count, !hasOutputFailed, isOpen {
      let rest = output.count - written
      let length = writesByteByByte && rest <= Split.byteByByteMax ? 1 : min(rest, 262_144)
      let count = output[written...].withUnsafeBytes { write(outputDescriptor, $0.baseAddress, length) }
      if count > 0 {
        written += count
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        trace.note(.remark(.kitCannotWrite(reason: String(cString: strerror(errno)))))
        hasOutputFailed = true
      }
    }
    guard shutsDownAfterOutput, isOpen, outputDescriptor >= 0 else { return }
    if outputDescriptor == inputDescriptor {
      shutdown(outputDescriptor, Int32(SHUT_WR))
    } else {
      Foundation.close(outputDescriptor)
      outputDescriptor = -1
    }
  }
}
