internal import CBokbokSystem

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A command that has been started, with this side's ends of its pipes.
struct SpawnedCommand {
  let process: pid_t
  /// The other end of its standard input.
  let input: CInt
  /// The other end of its standard output.
  let output: CInt
  /// The other end of its standard error.
  let errors: CInt
}

/// Starts commands.
enum CommandSpawn {
  /// The system refused.
  struct Failure: Error {
    let errorNumber: CInt
  }

  /// Signals that this process may ignore, which a command would inherit.
  private static let defaultSignals = [SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT]

  /// Starts a command with three pipes as its standard input, output and error, and no other descriptor (A-3.d).
  ///
  /// It stays in the process group of this process, so that a command such as ssh can ask at the terminal.
  static func start(_ words: [String], options: CommandOptions) throws(Failure) -> SpawnedCommand {
    var ends: [CInt] = []
    do throws(Failure) {
      for _ in 0..<3 { ends += try self.makePipe() }
      // Reader, writer: the command reads the first pipe, and writes the others.
      let process = try self.spawn(words, standard: [ends[0], ends[3], ends[5]], options: options)
      for end in [ends[0], ends[3], ends[5]] { _ = close(end) }
      return SpawnedCommand(process: process, input: ends[1], output: ends[2], errors: ends[4])
    } catch {
      for end in ends { _ = close(end) }
      throw error
    }
  }

  /// The ends of a new pipe, to read from and to write to. Neither is 0, 1 or 2, whatever this process has closed: the
  /// command's own would be written over.
  private static func makePipe() throws(Failure) -> [CInt] {
    var ends: [CInt] = [-1, -1]
    try self.check(bokbok_pipe(&ends))
    for index in ends.indices {
      let end = ends[index]
      if end > STDERR_FILENO { continue }
      let moved = fcntl(end, F_DUPFD_CLOEXEC, 3)
      let errorNumber = errno
      _ = close(end)
      ends[index] = moved
      guard moved >= 0 else {
        _ = close(ends[1 - index])
        throw Failure(errorNumber: errorNumber)
      }
    }
    return ends
  }

  private static func spawn(_ words: [String], standard: [CInt], options: CommandOptions) throws(Failure) -> pid_t {
    #if canImport(Darwin)
    var actions: posix_spawn_file_actions_t?
    var attributes: posix_spawnattr_t?
    #else
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    #endif
    try self.check(posix_spawn_file_actions_init(&actions))
    defer { posix_spawn_file_actions_destroy(&actions) }
    try self.check(posix_spawnattr_init(&attributes))
    defer { posix_spawnattr_destroy(&attributes) }

    for (descriptor, end) in standard.enumerated() {
      try self.check(posix_spawn_file_actions_adddup2(&actions, end, CInt(descriptor)))
    }
    if let directory = options.workingDirectory {
      try self.check(bokbok_spawn_change_directory(&actions, directory))
    }
    #if canImport(Darwin)
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_CLOEXEC_DEFAULT
    #else
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    #endif
    // A-3.d: also those that another part of the program forgot to mark.
    try self.check(bokbok_spawn_close_others(&actions))
    var signals = sigset_t()
    sigemptyset(&signals)
    try self.check(posix_spawnattr_setsigmask(&attributes, &signals))
    for signal in self.defaultSignals { sigaddset(&signals, signal) }
    try self.check(posix_spawnattr_setsigdefault(&attributes, &signals))
    try self.check(posix_spawnattr_setflags(&attributes, Int16(flags)))

    var arguments = words.map { strdup($0) } + [nil]
    let environment = options.environment ?? ProcessEnvironment.variables
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      for text in arguments + variables { free(text) }
    }
    var process: pid_t = 0
    try self.check(posix_spawnp(&process, words[0], &actions, &attributes, &arguments, &variables))
    return process
  }

  private static func check(_ code: CInt) throws(Failure) {
    guard code == 0 else { throw Failure(errorNumber: code) }
  }
}
