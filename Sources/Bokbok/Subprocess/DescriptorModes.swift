internal import NIOConcurrencyHelpers
internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Gives descriptors back as they were found: NIO makes them non-blocking, which every process that shares their
/// description would see.
///
/// It needs descriptors of its own for that, and closes the one that is written to as soon as the sending half is shut
/// down, which on a pipe is its close (F-3.e). A program that exits while it serves gives them back, too. On its event
/// loop only.
final class DescriptorModes: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private var input: CInt?
  private var output: CInt?

  /// Takes note of those that block now. `output` is nil where one socket is both.
  init(input: CInt, output: CInt?) {
    self.input = Self.note(input)
    self.output = output.flatMap { Self.note($0) }
  }

  deinit {
    Self.restore(&self.input)
    Self.restore(&self.output)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.outputClosed? = event as? ChannelEvent { Self.restore(&self.output) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    Self.restore(&self.output)
    Self.restore(&self.input)
    context.fireChannelInactive()
  }

  private static func note(_ descriptor: CInt) -> CInt? {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, flags & O_NONBLOCK == 0 else { return nil }
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { return nil }
    _ = self.isRestoringAtExit
    _ = self.copies.withLockedValue { $0.insert(copy) }
    return copy
  }

  /// Those whose mode has not been given back.
  private static let copies = NIOLockedValueBox<Set<CInt>>([])

  private static let isRestoringAtExit: Bool = {
    atexit { for copy in DescriptorModes.copies.withLockedValue({ $0 }) { DescriptorModes.block(copy) } } == 0
  }()

  private static func restore(_ descriptor: inout CInt?) {
    guard let copy = descriptor.take() else { return }
    _ = self.copies.withLockedValue { $0.remove(copy) }
    self.block(copy)
    _ = close(copy)
  }

  private static func block(_ descriptor: CInt) {
    let flags = fcntl(descriptor, F_GETFL)
    if flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) }
  }
}
