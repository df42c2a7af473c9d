#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Feeds a handler command its input and reads what it writes, until it has ended.
///
/// What the command leaves running in the background may keep the pipes open: the end of the command decides, and what
/// stands in the pipes then is still read.
struct HandlerTransfer {
  /// Standard output: at most one byte more than the limit, which shows that it was too long.
  private(set) var output: [UInt8] = []
  /// The end of standard error.
  private(set) var errorTail: [UInt8] = []

  private let pipes: HandlerPipes
  private var input: ArraySlice<UInt8>
  private let outputBytesMax: Int
  private let errorBytesMax: Int
  private var chunk = [UInt8](repeating: 0, count: 65_536)

  init(pipes: HandlerPipes, input: [UInt8], outputBytesMax: Int, errorBytesMax: Int) {
    self.pipes = pipes
    self.input = input[...]
    self.outputBytesMax = outputBytesMax
    self.errorBytesMax = errorBytesMax
  }

  /// Returns when the command has ended.
  ///
  /// - Parameter onOverflow: called once if the output gets too long; it is to end the command.
  mutating func run(onOverflow: () -> Void) {
    var hasOverflowed = false
    var hasEnded = false
    while !hasEnded {
      // A descriptor of -1 is passed over.
      var polled = [
        pollfd(fd: pipes.inputWriter, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: pipes.outputReader, events: Int16(POLLIN), revents: 0),
        pollfd(fd: pipes.errorReader, events: Int16(POLLIN), revents: 0),
        pollfd(fd: pipes.exitReader, events: Int16(POLLIN), revents: 0),
      ]
      if poll(&polled, nfds_t(polled.count), -1) < 0 { continue }
      hasEnded = polled[3].revents != 0
      if polled[0].revents != 0 { writeInput() }
      // At the end as much as a pipe can hold; before it in turns, so that endless output cannot hold up the rest.
      let chunkCount = hasEnded ? 16 : 1
      if polled[1].revents != 0 || hasEnded { readOutput(upTo: chunkCount) }
      if polled[2].revents != 0 || hasEnded { readError(upTo: chunkCount) }
      if !hasOverflowed, output.count > outputBytesMax {
        hasOverflowed = true
        onOverflow()
      }
    }
  }

  private mutating func writeInput() {
    while !input.isEmpty {
      let count = input.withUnsafeBytes { write(pipes.inputWriter, $0.baseAddress, $0.count) }
      if count >= 0 {
        input = input.dropFirst(count)
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        // A command need not read its input.
        input = []
      }
    }
    pipes.closeInput()
  }

  private mutating func readOutput(upTo chunkCountMax: Int) {
    for _ in 0..<chunkCountMax where pipes.outputReader >= 0 {
      guard let count = readChunk(pipes.outputReader) else { return }
      if count == 0 { return pipes.closeOutput() }
      output.append(contentsOf: chunk[..<min(count, outputBytesMax + 1 - output.count)])
    }
  }

  private mutating func readError(upTo chunkCountMax: Int) {
    for _ in 0..<chunkCountMax where pipes.errorReader >= 0 {
      guard let count = readChunk(pipes.errorReader) else { return }
      if count == 0 { return pipes.closeError() }
      errorTail.append(contentsOf: chunk[..<count])
      if errorTail.count > errorBytesMax { errorTail.removeFirst(errorTail.count - errorBytesMax) }
    }
  }

  /// Reads what is there; 0 at the end, nil if nothing is there now.
  private mutating func readChunk(_ descriptor: Int32) -> Int? {
    while true {
      let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 { return count }
      if errno == EAGAIN { return nil }
      if errno != EINTR { return 0 }
    }
  }
}
