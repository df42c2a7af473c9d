internal import Bokbok

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// The system's calls on descriptors, with what they leave to the caller: interruption and partial transfers.
enum POSIXFile {
  /// The system refused to do something.
  struct Failure: Error, CustomStringConvertible {
    /// What `errno` said.
    let code: Int32

    /// The system's words for the code.
    var description: String { message(for: code) }
  }

  /// Writes all of the bytes; the result is `errno` where that failed.
  static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
  }

  /// Writes all of the bytes; the result is `errno` where that failed.
  static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
    var remaining = bytes[...]
    while !remaining.isEmpty {
      let count = write(descriptor, UnsafeRawBufferPointer(rebasing: remaining).baseAddress, remaining.count)
      if count >= 0 {
        remaining = remaining.dropFirst(count)
      } else if errno == EAGAIN {
        // Another process made the descriptor that is shared with it non-blocking.
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&poller, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return nil
  }

  /// Reads to the end of the file, but at most one byte more than `byteCountMax`, which shows that there is more.
  static func readToEnd(_ descriptor: Int32, byteCountMax: Int) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= byteCountMax {
      let count = try chunk.withUnsafeMutableBytes { readSome(descriptor, into: $0) }.get()
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<min(count, byteCountMax + 1 - bytes.count)])
    }
    return bytes
  }

  /// Reads a whole file that a user named, at most this many bytes.
  ///
  /// - Throws: a failure if it cannot be read or is longer.
  static func contents(of path: String, byteCountMax: Int) throws(CommandFailure) -> [UInt8] {
    let shownPath = "\"\(String(displaying: path, charactersMax: 1024))\""
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CommandFailure(.noInput, "The file \(shownPath) cannot be read: \(message(for: errno)).")
    }
    defer { close(descriptor) }
    let bytes: [UInt8]
    do {
      bytes = try readToEnd(descriptor, byteCountMax: byteCountMax)
    } catch {
      throw CommandFailure(.noInput, "The file \(shownPath) cannot be read: \(error).")
    }
    guard bytes.count <= byteCountMax else {
      throw CommandFailure(.dataError, "The file \(shownPath) is longer than \(byteCountMax) bytes.")
    }
    return bytes
  }

  /// Reads what is there into the memory, which is not empty; 0 at the end of the file.
  static func readSome(_ descriptor: Int32, into memory: UnsafeMutableRawBufferPointer) -> Result<Int, Failure> {
    while true {
      let count = read(descriptor, memory.baseAddress, memory.count)
      if count >= 0 { return .success(count) }
      if errno == EAGAIN {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&poller, 1, -1)
      } else if errno != EINTR {
        return .failure(Failure(code: errno))
      }
    }
  }

  /// The system's words for an `errno`.
  static func message(for code: Int32) -> String {
    String(cString: strerror(code))
  }
}
