internal import NIOConcurrencyHelpers

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Starts a handler command.
enum HandlerSpawn {
  /// Held while descriptors are made that no command may inherit, and while one is started.
  static let lock = NIOLockedValueBox(())

  /// Signals that this process may ignore, which a command would inherit.
  private static let defaultSignals = [SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT]

  /// Starts the command in a process group of its own, with the pipes as its standard input, output and error.
  static func start(
    words: [String],
    environment: [String: String],
    pipes: HandlerPipes
  ) throws(POSIXFile.Failure) -> pid_t {
    #if canImport(Darwin)
    var actions: posix_spawn_file_actions_t?
    var attributes: posix_spawnattr_t?
    #else
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    #endif
    try check(posix_spawn_file_actions_init(&actions))
    defer { posix_spawn_file_actions_destroy(&actions) }
    try check(posix_spawnattr_init(&attributes))
    defer { posix_spawnattr_destroy(&attributes) }

    for (descriptor, end) in pipes.childEnds.enumerated() {
      try check(posix_spawn_file_actions_adddup2(&actions, end, Int32(descriptor)))
    }
    var signals = sigset_t()
    sigemptyset(&signals)
    try check(posix_spawnattr_setsigmask(&attributes, &signals))
    for signal in defaultSignals { sigaddset(&signals, signal) }
    try check(posix_spawnattr_setsigdefault(&attributes, &signals))
    try check(posix_spawnattr_setpgroup(&attributes, 0))
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
    #if canImport(Darwin)
    try check(posix_spawnattr_setflags(&attributes, Int16(flags | POSIX_SPAWN_CLOEXEC_DEFAULT)))
    #else
    try check(posix_spawnattr_setflags(&attributes, Int16(flags)))
    #endif

    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      for text in arguments + variables { free(text) }
    }
    var process: pid_t = 0
    let code = lock.withLockedValue { _ in
      posix_spawnp(&process, words[0], &actions, &attributes, &arguments, &variables)
    }
    try check(code)
    return process
  }

  private static func check(_ code: Int32) throws(POSIXFile.Failure) {
    guard code == 0 else { throw POSIXFile.Failure(code: code) }
  }
}
