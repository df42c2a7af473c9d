#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// The pipes between this process and a handler command, and one that says when the command has ended.
///
/// The ends on this side never block. Made under ``HandlerSpawn/lock``, so that no command that is started meanwhile
/// inherits one.
final class HandlerPipes {
  /// The command's standard input, output and error, at the command's side.
  private(set) var childEnds: [Int32] = []
  private(set) var inputWriter: Int32 = -1
  private(set) var outputReader: Int32 = -1
  private(set) var errorReader: Int32 = -1
  private(set) var exitReader: Int32 = -1
  private(set) var exitWriter: Int32 = -1

  init() throws(POSIXFile.Failure) {
    do throws(POSIXFile.Failure) {
      let input = try HandlerPipes.make()
      (childEnds, inputWriter) = ([input.reader], input.writer)
      let output = try HandlerPipes.make()
      childEnds.append(output.writer)
      outputReader = output.reader
      let error = try HandlerPipes.make()
      childEnds.append(error.writer)
      errorReader = error.reader
      (exitReader, exitWriter) = try HandlerPipes.make()
    } catch {
      closeAll()
      throw error
    }
    for descriptor in [inputWriter, outputReader, errorReader] {
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }
  }

  private static func make() throws(POSIXFile.Failure) -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw POSIXFile.Failure(code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  func closeChildEnds() {
    for end in childEnds { close(end) }
    childEnds = []
  }

  func closeInput() { HandlerPipes.discard(&inputWriter) }
  func closeOutput() { HandlerPipes.discard(&outputReader) }
  func closeError() { HandlerPipes.discard(&errorReader) }

  func closeAll() {
    closeChildEnds()
    closeInput()
    closeOutput()
    closeError()
    HandlerPipes.discard(&exitReader)
    HandlerPipes.discard(&exitWriter)
  }

  private static func discard(_ descriptor: inout Int32) {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }
}
