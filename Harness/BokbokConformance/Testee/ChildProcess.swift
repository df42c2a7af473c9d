internal import Foundation
internal import Synchronization

/// A process of the testee's command, in a process group of its own, with pipes on its standard streams, and a socket of
/// its own for the contract where its standard streams are taken.
final class ChildProcess {
  let processID: pid_t
  /// The kit's ends of the pipes, or sockets, which may be one. Who takes them closes them.
  let standardInput: Int32
  let standardOutput: Int32
  let standardError: Int32
  /// The kit's end of the control socket, if the process has one.
  let control: Int32?

  /// The environment variable that names the descriptor of the other end.
  static let controlVariable = "BOKBOK_CONTROL_FD"
  /// That descriptor.
  private static let childControl: Int32 = 3

  /// How the process ended; nil while nothing has been seen of it.
  private(set) var status: ExitStatus?

  enum ExitStatus: Equatable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    var description: String {
      switch self {
      case .exited(let code): "exited with status \(code)"
      case .signalled(let signal): "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
      }
    }
  }

  /// How a process that is only played back has ended; nil for a real one.
  private let playedStatus: (() -> ExitStatus?)?

  /// One that is played back from a capsule. `playedStatus` tells how it ended, once it has.
  init(
    standardInput: Int32,
    standardOutput: Int32,
    standardError: Int32,
    control: Int32?,
    playedStatus: @escaping () -> ExitStatus?
  ) {
    self.processID = -1
    self.standardInput = standardInput
    self.standardOutput = standardOutput
    self.standardError = standardError
    self.control = control
    self.playedStatus = playedStatus
  }

  /// Starts the command; the first word is looked up in `PATH`.
  init(
    command: [String],
    directory: String?,
    hasControl: Bool = false,
    streams: TesteeOptions.StandardStreams = .pipes
  ) throws {
    _ = Self.keepsInheritedDescriptors
    var command = command
    guard !command.isEmpty else { throw SystemCallError(call: "an empty command", code: EINVAL) }
    // Not every system can spawn into another folder.
    if let directory { command = ["/bin/sh", "-c", #"cd "$0" && exec "$@""#, directory] + command }
    let (input, output) = try Self.makeStreams(streams)
    let error = try SystemCalls.pipe()
    let control = hasControl ? try SystemCalls.socketPair() : nil
    #if os(Linux)
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    #else
    var actions: posix_spawn_file_actions_t?
    var attributes: posix_spawnattr_t?
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
      for end in Set([input.theirs, output.theirs, error.writing]) { close(end) }
      if let control { close(control.theirs) }
    }
    posix_spawn_file_actions_adddup2(&actions, input.theirs, 0)
    posix_spawn_file_actions_adddup2(&actions, output.theirs, 1)
    posix_spawn_file_actions_adddup2(&actions, error.writing, 2)
    if let control { posix_spawn_file_actions_adddup2(&actions, control.theirs, Self.childControl) }
    // The kit's threads block SIGPIPE, which the testee must not inherit.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    // Nor what the command does not let end itself, so that it can write its reports.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for signal in [SIGINT, SIGTERM] { sigaddset(&defaults, signal) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var environment = ProcessInfo.processInfo.environment
    environment[Self.controlVariable] = control == nil ? nil : "\(Self.childControl)"
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var processID: pid_t = 0
    let code = SystemCalls.withBirthLock {
      let code = posix_spawnp(&processID, command[0], &actions, &attributes, &arguments, &variables)
      // While no other can begin or be killed: none is left out.
      if code == 0 { Self.running.withLock { _ = $0.insert(processID) } }
      return code
    }
    guard code == 0 else {
      for end in Set([input.ours, output.ours, error.reading]) { close(end) }
      if let control { close(control.ours) }
      throw SystemCallError(call: "start \(command.joined(separator: " "))", code: code)
    }
    self.playedStatus = nil
    self.processID = processID
    self.standardInput = input.ours
    self.standardOutput = output.ours
    self.standardError = error.reading
    self.control = control?.ours
  }

  /// What the kit itself was given beyond its standard streams, no testee gets: it would look like the testee's own, and
  /// go on to the commands that it starts.
  private static let keepsInheritedDescriptors: Void = {
    for descriptor in Int32(3)..<1024 where fcntl(descriptor, F_GETFD) >= 0 {
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
  }()

  /// The two ends of its standard input, and those of its standard output.
  private static func makeStreams(
    _ streams: TesteeOptions.StandardStreams
  ) throws -> (input: (ours: Int32, theirs: Int32), output: (ours: Int32, theirs: Int32)) {
    switch streams {
    case .pipes:
      let (input, output) = (try SystemCalls.pipe(), try SystemCalls.pipe())
      return ((input.writing, input.reading), (output.reading, output.writing))
    case .sockets: return (try SystemCalls.socketPair(), try SystemCalls.socketPair())
    case .socket:
      let socket = try SystemCalls.socketPair()
      return (socket, socket)
    }
  }

  // MARK: All of them

  /// Those that were started and not yet killed; each leads a process group.
  private static let running = Mutex<Set<pid_t>>([])

  /// Kills all that run, with their groups, and then ends this process: nothing is started any more.
  static func killAll(thenExit status: Int32) -> Never {
    SystemCalls.withBirthLock {
      let processes = running.withLock { $0 }
      for process in processes { Foundation.kill(-process, SIGKILL) }
      // So that whoever looks for one when this process has ended finds none. A thread that waits for it may be first.
      for process in processes {
        var raw: Int32 = 0
        while waitpid(process, &raw, 0) < 0, errno == EINTR {}
      }
      _exit(status)
    }
  }

  /// Looks whether the process has ended, without waiting.
  func updateStatus() -> ExitStatus? {
    if let status { return status }
    if let playedStatus {
      status = playedStatus()
      return status
    }
    var raw: Int32 = 0
    guard waitpid(processID, &raw, WNOHANG) == processID else { return nil }
    let signal = raw & 0x7F
    status = signal == 0 ? .exited((raw >> 8) & 0xFF) : .signalled(signal)
    return status
  }

  /// Ends everything in the process group and waits for the process itself.
  func kill() {
    guard playedStatus == nil else { return }
    // Also where the process itself has ended: its children may live.
    Foundation.kill(-processID, SIGKILL)
    // Not before it has been waited for: who kills all meanwhile has to wait for it, too.
    defer { Self.running.withLock { _ = $0.remove(processID) } }
    guard status == nil else { return }
    var raw: Int32 = 0
    while waitpid(processID, &raw, 0) < 0, errno == EINTR {}
    status = .signalled(SIGKILL)
  }
}
