internal import BokbokCore

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// Files that hold keys: only their owner may read them, and what is read from them is erased after use.
enum SecretFile {
  /// Reads a whole file into memory that is erased when it is released.
  ///
  /// A pipe is taken as well, so that `--key-file <(…)` works in a shell.
  ///
  /// - Parameters:
  ///   - path: where it is.
  ///   - kind: what it is, for messages, as in `users file`.
  ///   - byteCountMax: how long it may be.
  /// - Throws: a failure if it cannot be read, if its mode lets the group or others do anything with it, or if it is
  ///   longer.
  static func read(_ path: String, kind: String, byteCountMax: Int) throws(CommandFailure) -> SecretContents {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CommandFailure(.noInput, "The \(kind) \(quoted(path)) cannot be read: \(POSIXFile.message(for: errno)).")
    }
    defer { close(descriptor) }
    let size = try checkedSize(of: descriptor, path: path, kind: kind)
    guard size <= byteCountMax else { throw tooLong(path, kind: kind, byteCountMax: byteCountMax) }

    // One byte more than may be there, which shows whether there is more; a pipe does not say its size.
    let capacity = (size == 0 ? byteCountMax : size) + 1
    let memory: SecretBytes
    var count = 0
    var failure: CommandFailure?
    do {
      memory = try SecretBytes(count: capacity) { bytes in
        while count < capacity {
          let free = UnsafeMutableRawBufferPointer(rebasing: bytes[count...])
          switch POSIXFile.readSome(descriptor, into: free) {
          case .success(0):
            return
          case .success(let readCount):
            count += readCount
          case .failure(let error):
            failure = CommandFailure(.inputOutputError, "Reading the \(kind) \(quoted(path)) failed: \(error).")
            return
          }
        }
      }
    } catch {
      throw CommandFailure(.systemError, "There is no memory for the contents of \(quoted(path)).")
    }
    if let failure { throw failure }
    guard count < capacity else { throw tooLong(path, kind: kind, byteCountMax: byteCountMax) }
    return SecretContents(memory: memory, count: count)
  }

  /// Writes a file that only its owner can read or write.
  ///
  /// - Parameters:
  ///   - bytes: the contents.
  ///   - path: where it is made.
  ///   - kind: what it is, for messages.
  ///   - overwrites: whether a file that is there is replaced, in one step; else that is a failure.
  static func write(
    _ bytes: UnsafeRawBufferPointer,
    to path: String,
    kind: String,
    overwrites: Bool
  ) throws(CommandFailure) {
    // A new file takes the place of an old one, whose mode, readers and links would else live on.
    let writtenPath = overwrites ? "\(path).new-\(getpid())" : path
    let descriptor = open(writtenPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      if errno == EEXIST, !overwrites {
        throw CommandFailure(
          .cannotCreate,
          "The \(kind) \(quoted(path)) exists already. Give another name, or --force to replace it: its key is then lost."
        )
      }
      throw cannotWrite(path, kind: kind)
    }
    // The mode asked for is narrowed by the umask, which may take too much from the owner.
    var isWritten = fchmod(descriptor, 0o600) == 0 && POSIXFile.writeAll(bytes, to: descriptor) == nil
    isWritten = isWritten && fsync(descriptor) == 0
    let code = errno
    close(descriptor)
    errno = code
    if isWritten, !overwrites || rename(writtenPath, path) == 0 { return }
    let failure = cannotWrite(path, kind: kind)
    unlink(writtenPath)
    throw failure
  }

  /// A path in a message: as text for people, in quotes.
  static func quoted(_ path: String) -> String {
    "\"\(String(displaying: path, charactersMax: 1024))\""
  }

  /// The size of the file; 0 for a pipe, or for an empty file.
  private static func checkedSize(of descriptor: Int32, path: String, kind: String) throws(CommandFailure) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw CommandFailure(.noInput, "The \(kind) \(quoted(path)) cannot be read: \(POSIXFile.message(for: errno)).")
    }
    let type = status.st_mode & S_IFMT
    guard type == S_IFREG || type == S_IFIFO else {
      throw CommandFailure(.noInput, "The \(kind) \(quoted(path)) is neither a file nor a pipe.")
    }
    let mode = status.st_mode & 0o777
    guard mode & 0o077 == 0 else {
      throw CommandFailure(
        .configuration,
        "The \(kind) \(quoted(path)) has mode 0\(String(mode, radix: 8)): others than its owner can use it. "
          + "It holds keys; run: chmod 600 \(shellWord(path))"
      )
    }
    return type == S_IFREG ? Int(status.st_size) : 0
  }

  private static func tooLong(_ path: String, kind: String, byteCountMax: Int) -> CommandFailure {
    CommandFailure(.configuration, "The \(kind) \(quoted(path)) is longer than \(byteCountMax) bytes.")
  }

  private static func cannotWrite(_ path: String, kind: String) -> CommandFailure {
    CommandFailure(
      .cannotCreate,
      "The \(kind) \(quoted(path)) cannot be written: \(POSIXFile.message(for: errno))."
    )
  }

  /// The path as one word of a shell, to be copied from a message.
  private static func shellWord(_ path: String) -> String {
    let isPlain = path.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: ","):
        true
      default:
        false
      }
    }
    return isPlain
      ? path : "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}

/// What a secret file held. It is erased with this value.
struct SecretContents: ~Copyable {
  private let memory: SecretBytes
  private let count: Int

  init(memory: consuming SecretBytes, count: Int) {
    self.memory = memory
    self.count = count
  }

  /// Lends the contents to the closure; the pointer ends with the call.
  borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try memory.withUnsafeBytes { (bytes) throws(Failure) -> Result in
      try body(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }
  }
}
