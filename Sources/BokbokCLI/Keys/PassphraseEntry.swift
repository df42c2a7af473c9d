internal import BokbokCore

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// Asks for a passphrase: at a terminal without showing it, else from standard input.
enum PassphraseEntry {
  private static let byteCountMax = 65_536

  /// The passphrase, which is UTF-8 as it was typed (K-1) and not empty.
  ///
  /// At a terminal it is asked for twice, since nobody sees what is typed. Else it is all of standard input, less one
  /// line break at the end.
  static func read() throws(CommandFailure) -> String {
    let bytes: [UInt8]
    if StandardStream.input.isTerminal {
      bytes = try readLine(prompt: "Passphrase: ")
      let repetition = try readLine(prompt: "Once more: ")
      guard bytes == repetition else {
        throw CommandFailure(.dataError, "The two passphrases differ. Nothing was derived; try again.")
      }
    } else {
      bytes = withoutLineBreak(try StandardStream.input.readToEnd(byteCountMax: byteCountMax))
      guard !bytes.contains(UInt8(ascii: "\n")) else {
        throw CommandFailure(.dataError, "Standard input has more than one line; a passphrase is one line.")
      }
    }
    guard !bytes.isEmpty else {
      throw CommandFailure(.dataError, "The passphrase is empty. To get a good one, run: bokbok key passphrase")
    }
    guard let passphrase = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure(.dataError, "The passphrase is not UTF-8. Type it in a terminal that is set to UTF-8.")
    }
    return passphrase
  }

  private static func withoutLineBreak(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.last == UInt8(ascii: "\n") else { return bytes }
    let line = bytes.dropLast()
    return Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
  }

  /// Reads a line from the terminal without showing it.
  ///
  /// The terminal hands over single keys meanwhile, also the one for interrupting: so nothing ends this process while
  /// the terminal does not show what is typed.
  private static func readLine(prompt: String) throws(CommandFailure) -> [UInt8] {
    var saved = termios()
    guard tcgetattr(STDIN_FILENO, &saved) == 0 else { throw terminalFailure() }
    var silent = saved
    silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
    guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0 else { throw terminalFailure() }
    defer {
      _ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved)
      StandardStream.error.writeOrIgnore("\n")
    }
    StandardStream.error.writeOrIgnore(prompt)

    var line: [UInt8] = []
    while line.count < byteCountMax {
      guard let key = try readKey() else { return line }
      switch key {
      case UInt8(ascii: "\r"), UInt8(ascii: "\n"):
        return line
      case 0x03, 0x1C:  // Control-C, Control-backslash
        throw CommandFailure(.interrupted, "Interrupted; nothing was derived.")
      case 0x04:  // Control-D
        return line
      case 0x15:  // Control-U
        line.removeAll()
      case 0x08, 0x7F:  // Backspace: a whole character of UTF-8
        while let last = line.popLast(), last & 0xC0 == 0x80 {}
      case 0x1A:  // Control-Z would leave the terminal silent.
        break
      default:
        line.append(key)
      }
    }
    throw CommandFailure(.dataError, "The passphrase is longer than \(byteCountMax) bytes.")
  }

  private static func readKey() throws(CommandFailure) -> UInt8? {
    var key: UInt8 = 0
    switch withUnsafeMutableBytes(of: &key, { POSIXFile.readSome(STDIN_FILENO, into: $0) }) {
    case .success(let count): return count == 0 ? nil : key
    case .failure: throw terminalFailure()
    }
  }

  private static func terminalFailure() -> CommandFailure {
    CommandFailure(.inputOutputError, "The terminal cannot be read: \(POSIXFile.message(for: errno)).")
  }
}
