#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Standard input, output or error, without a buffer: what is written is out when the call returns.
struct StandardStream: Sendable {
  private let descriptor: Int32
  private let name: String

  static let input = StandardStream(descriptor: 0, name: "standard input")
  static let output = StandardStream(descriptor: 1, name: "standard output")
  static let error = StandardStream(descriptor: 2, name: "standard error")

  /// Whether a person sits at it.
  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Writes all of the text.
  func write(_ text: String) throws(CommandFailure) {
    try write(Array(text.utf8))
  }

  /// Writes all of the bytes.
  func write(_ bytes: [UInt8]) throws(CommandFailure) {
    if let code = POSIXFile.writeAll(bytes, to: descriptor) {
      throw CommandFailure(.inputOutputError, "Writing to \(name) failed: \(POSIXFile.message(for: code)).")
    }
  }

  /// Writes what can be written: where a failure has no one left to tell it to.
  func writeOrIgnore(_ text: String) {
    _ = POSIXFile.writeAll(Array(text.utf8), to: descriptor)
  }

  /// Reads to the end, at most this many bytes.
  ///
  /// - Throws: a failure if reading fails or there is more.
  func readToEnd(byteCountMax: Int) throws(CommandFailure) -> [UInt8] {
    let bytes: [UInt8]
    do {
      bytes = try POSIXFile.readToEnd(descriptor, byteCountMax: byteCountMax)
    } catch {
      throw CommandFailure(.inputOutputError, "Reading \(name) failed: \(error).")
    }
    guard bytes.count <= byteCountMax else {
      throw CommandFailure(.dataError, "There are more than \(byteCountMax) bytes on \(name), which is the limit.")
    }
    return bytes
  }
}
