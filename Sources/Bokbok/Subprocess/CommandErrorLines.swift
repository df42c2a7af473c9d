internal import DequeModule
internal import Logging
internal import NIOCore

/// What a command writes to standard error, in lines, and the last of them.
struct CommandErrorLines {
  private static let lineBytesMax = 8192
  private static let lastCountMax = 10

  private var partial = ByteBuffer()
  private var kept: Deque<String> = []

  /// The last lines that say something.
  var last: [String] { Array(self.kept) }

  /// Takes bytes, and returns the lines that are complete now.
  mutating func receive(_ bytes: ByteBuffer) -> [String] {
    var bytes = bytes
    var lines: [String] = []
    while bytes.readableBytes > 0 {
      let room = Self.lineBytesMax - self.partial.readableBytes
      let view = bytes.readableBytesView.prefix(room)
      if let end = view.firstIndex(of: UInt8(ascii: "\n")) {
        self.partial.writeBytes(view[..<end])
        bytes.moveReaderIndex(to: end + 1)
        lines.append(self.takeLine())
      } else {
        self.partial.writeBytes(view)
        bytes.moveReaderIndex(forwardBy: view.count)
        if self.partial.readableBytes >= Self.lineBytesMax { lines.append(self.takeLine()) }
      }
    }
    return lines
  }

  /// The rest, without a line end.
  mutating func finish() -> [String] {
    self.partial.readableBytes > 0 ? [self.takeLine()] : []
  }

  private mutating func takeLine() -> String {
    let line = String(buffer: self.partial)
    self.partial.clear()
    if !line.allSatisfy(\.isWhitespace) {
      if self.kept.count == Self.lastCountMax { self.kept.removeFirst() }
      self.kept.append(line)
    }
    return line
  }
}

/// Hands what a command writes to standard error to its process.
final class CommandErrorsHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let process: CommandProcess
  private let log: Logger

  init(process: CommandProcess, logger: Logger) {
    self.process = process
    self.log = logger
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    self.process.receiveErrors(Self.unwrapInboundIn(data), logger: self.log)
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.process.errorsEnded(logger: self.log)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
