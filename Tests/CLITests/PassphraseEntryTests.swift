import BokbokTestSupport
import Foundation
import Testing

/// `bokbok key derive` at a terminal.
@Suite(.timeLimit(.minutes(1)))
struct PassphraseEntryTests {
  private static let passphrase = "lusab-babad-gutih-tugad-mulit-dofob-vazij"

  @Test func `a passphrase is asked for twice and never shown`() async throws {
    let terminal = try Terminal()
    let command = try RunningCommand(["key", "derive", "--user", "alice"], input: terminal.slave)
    defer { command.end() }
    // The terminal is silent by then.
    #expect(await command.errors.take(upTo: "Passphrase: "))
    // Corrected as on any line: a wrong letter, and a whole wrong beginning.
    try terminal.type("wrong\u{15}\(Self.passphrase)é\u{7F}\n")
    // The terminal is silent by then.
    #expect(await command.errors.take(upTo: "Once more: "))
    try terminal.type("\(Self.passphrase)\n")
    let key = try await command.nextLine()
    #expect(await command.waitForEnd() == 0)
    let piped = try await run("key", "derive", "--user", "alice", input: Self.passphrase)
    #expect(key == piped.output)
    #expect(terminal.echoed().isEmpty)
    #expect(try terminal.echoes())
  }

  @Test func `two different passphrases give no key`() async throws {
    let terminal = try Terminal()
    let command = try RunningCommand(["key", "derive", "--group"], input: terminal.slave)
    defer { command.end() }
    // The terminal is silent by then.
    #expect(await command.errors.take(upTo: "Passphrase: "))
    try terminal.type("\(Self.passphrase)\n")
    // The terminal is silent by then.
    #expect(await command.errors.take(upTo: "Once more: "))
    try terminal.type("\(Self.passphrase)x\n")
    #expect(await command.waitForEnd() == 65)
    #expect(await command.output.rest().isEmpty)
  }

  @Test func `Control-C ends the command, and the terminal shows again what is typed`() async throws {
    let terminal = try Terminal()
    let command = try RunningCommand(["key", "derive", "--group"], input: terminal.slave)
    defer { command.end() }
    // The terminal is silent by then.
    #expect(await command.errors.take(upTo: "Passphrase: "))
    try terminal.type("abc\u{3}")
    #expect(await command.waitForEnd() == 130)
    #expect(try terminal.echoes())
  }
}

/// A terminal whose keys a test presses.
private final class Terminal {
  let slave: FileHandle
  private let master: FileHandle

  init() throws {
    let descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    try #require(descriptor >= 0)
    master = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    #if os(Linux)
    // What unlockpt and ptsname do, TIOCSPTLCK and TIOCGPTN: the module of the C library has neither.
    var (number, isLocked): (Int32, Int32) = (0, 0)
    try #require(ioctl(descriptor, UInt(0x4004_5431), &isLocked) == 0)
    try #require(ioctl(descriptor, UInt(0x8004_5430), &number) == 0)
    let path = "/dev/pts/\(number)"
    #else
    try #require(grantpt(descriptor) == 0 && unlockpt(descriptor) == 0)
    let path = String(cString: try #require(ptsname(descriptor)))
    #endif
    let slaveDescriptor = open(path, O_RDWR | O_NOCTTY)
    try #require(slaveDescriptor >= 0)
    slave = FileHandle(fileDescriptor: slaveDescriptor, closeOnDealloc: true)
  }

  func type(_ text: String) throws {
    try master.write(contentsOf: Data(text.utf8))
  }

  /// What the terminal has shown of what was typed.
  func echoed() -> String {
    var text = ""
    while true {
      var poller = pollfd(fd: master.fileDescriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, 0) == 1, poller.revents & Int16(POLLIN) != 0 else { return text }
      text += String(decoding: master.availableData, as: UTF8.self)
    }
  }

  /// Whether the terminal is set to show what is typed.
  func echoes() throws -> Bool {
    var settings = termios()
    try #require(tcgetattr(slave.fileDescriptor, &settings) == 0)
    return settings.c_lflag & tcflag_t(ECHO) != 0
  }
}
