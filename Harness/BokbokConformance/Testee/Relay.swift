internal import Foundation

/// The command that the kit gives a testee to connect to in the configuration `stdio`: it joins its standard input and
/// output to the kit, which waits at a UNIX socket.
///
/// An end of one side becomes the end of that half on the other side, and nothing else is changed, delayed or kept back.
/// What ends it from outside, a signal, it says on standard error, with the time since its start.
public enum Relay {
  /// The words with which this command is started: `bokbok conformance relay PATH`.
  static let words = ["conformance", "relay"]

  /// The `exec:` address of a relay to this socket.
  static func address(socketPath: String) throws -> String {
    let words = [try Implementation.executablePath()] + words + [socketPath]
    return "exec:" + words.map(quoted).joined(separator: " ")
  }

  /// A word as a POSIX shell reads it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      byte >= 0x80 || Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber
        || "/._-+=:,@%".utf8.contains(byte)
    }
    return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }

  /// Runs a relay on this process's standard streams until both halves have ended.
  ///
  /// - Parameter socketPath: the path of a UNIX socket at which the kit listens.
  /// - Returns: the exit status: 0 after both ends, 1 if the kit cannot be reached.
  public static func run(socketPath: String) async -> Int32 {
    await onOwnThread {
      do {
        let descriptor = try SocketAddress.unix(path: socketPath).connectedDescriptor()
        try RelayLoop(socket: descriptor).run()
        return 0
      } catch {
        complain("\(error)")
        return 1
      }
    }
  }

  static func complain(_ text: String) {
    FileHandle.standardError.write(Data("bokbok conformance relay: \(text)\n".utf8))
  }
}

/// The two halves of a relay, on one thread.
private final class RelayLoop {
  private static let bufferByteCount = 65_536

  private let socket: Int32
  private let start = ContinuousClock.now
  /// What came from standard input and goes to the kit, and the other way.
  private var outgoing = Half(source: 0, sink: -1)
  private var incoming = Half(source: -1, sink: 1)
  private let signals: (reading: Int32, writing: Int32)

  /// One direction.
  private struct Half {
    let source: Int32
    let sink: Int32
    var buffer: [UInt8] = []
    var isSourceOpen = true
    var isSinkOpen = true
  }

  /// The end of the pipe that the signal handler writes to; written once, before the handler is set.
  private nonisolated(unsafe) static var signalPipe: Int32 = -1

  init(socket: Int32) throws {
    self.socket = socket
    self.outgoing = Half(source: 0, sink: socket)
    self.incoming = Half(source: socket, sink: 1)
    self.signals = try SystemCalls.pipe()
    Self.signalPipe = signals.writing
    for number in [SIGTERM, SIGINT, SIGHUP] {
      signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        _ = Foundation.write(RelayLoop.signalPipe, &byte, 1)
      }
    }
    try SystemCalls.setNonBlocking(socket)
  }

  func run() throws {
    while outgoing.isSinkOpen || incoming.isSinkOpen {
      var waits = [pollfd(fd: signals.reading, events: Int16(POLLIN), revents: 0)]
      for half in [outgoing, incoming] {
        if half.isSourceOpen, half.buffer.isEmpty {
          waits.append(pollfd(fd: half.source, events: Int16(POLLIN), revents: 0))
        }
        if half.isSinkOpen {
          // Without anything to write: only to learn that nobody reads any more.
          let events = half.buffer.isEmpty ? 0 : Int16(POLLOUT)
          waits.append(pollfd(fd: half.sink, events: events, revents: 0))
        }
      }
      guard poll(&waits, nfds_t(waits.count), -1) >= 0 else {
        if errno == EINTR { continue }
        throw SystemCallError(call: "poll", code: errno)
      }
      if waits[0].revents != 0 { return endBySignal() }
      let ready = waits.filter { $0.revents != 0 }
      serve(&outgoing, ready, closeSink: { shutdown($0, Int32(SHUT_WR)) })
      serve(&incoming, ready, closeSink: { close($0) })
    }
  }

  private func serve(_ half: inout Half, _ ready: [pollfd], closeSink: (Int32) -> Int32) {
    if half.isSourceOpen, half.buffer.isEmpty, ready.contains(where: { $0.fd == half.source }) {
      var buffer = [UInt8](repeating: 0, count: Self.bufferByteCount)
      let count = read(half.source, &buffer, buffer.count)
      if count > 0 {
        half.buffer = Array(buffer[..<count])
      } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
        half.isSourceOpen = false
      }
    }
    let failed = Int16(POLLERR | POLLNVAL)
    if half.sink != socket, ready.contains(where: { $0.fd == half.sink && $0.revents & failed != 0 }) {
      return giveUp(&half, closeSink)
    }
    while !half.buffer.isEmpty, half.isSinkOpen {
      // Standard output may be shared with the process that started this one: it is not made non-blocking.
      let count = write(half.sink, half.buffer, min(half.buffer.count, half.sink == socket ? .max : 4096))
      if count > 0 {
        half.buffer.removeFirst(count)
        if half.sink != socket { break }
      } else if errno == EAGAIN {
        break
      } else if errno != EINTR {
        return giveUp(&half, closeSink)
      }
    }
    if !half.isSourceOpen, half.buffer.isEmpty, half.isSinkOpen {
      half.isSinkOpen = false
      _ = closeSink(half.sink)
    }
  }

  /// Nobody reads any more: the one who writes learns it by the end of this side's reading.
  private func giveUp(_ half: inout Half, _ closeSink: (Int32) -> Int32) {
    half.buffer = []
    if half.isSinkOpen { _ = closeSink(half.sink) }
    half.isSinkOpen = false
    if half.isSourceOpen { _ = half.source == socket ? shutdown(socket, Int32(SHUT_RD)) : close(half.source) }
    half.isSourceOpen = false
  }

  private func endBySignal() {
    var number: UInt8 = 0
    _ = read(signals.reading, &number, 1)
    let milliseconds = (ContinuousClock.now - start).milliseconds
    Relay.complain("signal \(number) (\(String(cString: strsignal(Int32(number))))) after \(milliseconds) ms")
    signal(Int32(number), SIG_DFL)
    kill(getpid(), Int32(number))
  }
}
