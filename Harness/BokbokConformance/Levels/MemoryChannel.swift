internal import DequeModule
internal import Foundation
internal import NIOCore

/// The library's end of a ``VirtualStream`` as a channel: it reads, writes, ends and fails as a channel over a socket does,
/// and asks the stream whenever the clock asks it.
///
/// Sendable although it has mutable state: it is touched on its event loop only.
final class MemoryChannel: Channel, ChannelCore, VirtualActor, @unchecked Sendable {
  let eventLoop: any EventLoop
  let allocator = ByteBufferAllocator()
  private let stream: VirtualStream
  private let clock: VirtualClock
  private let closePromise: EventLoopPromise<Void>
  // Made when it is first used: it holds the channel.
  private(set) lazy var pipeline = ChannelPipeline(channel: self)

  private var readsByItself = true
  private var wantsRead = false
  private var takesHalfClosure = false
  private var waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 32_768, high: 65_536)
  private var hasSeenEnd = false
  private var hasEndedOutput = false
  private var hasClosed = false

  private struct Write {
    let bytes: ByteBuffer
    let promise: EventLoopPromise<Void>?
  }

  private var writes: Deque<Write> = []
  private var flushedCount = 0
  private var waitingByteCount = 0
  private(set) var isWritable = true

  init(stream: VirtualStream, loop: VirtualEventLoop, clock: VirtualClock) {
    self.stream = stream
    self.eventLoop = loop
    self.clock = clock
    self.closePromise = loop.makePromise()
    clock.add(self)
  }

  // MARK: Channel

  var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
  var localAddress: NIOCore.SocketAddress? { nil }
  var remoteAddress: NIOCore.SocketAddress? { nil }
  var parent: (any Channel)? { nil }
  var isActive: Bool { !hasClosed }
  var _channelCore: any ChannelCore { self }
  var syncOptions: (any NIOSynchronousChannelOptions)? { SynchronousOptions(channel: self) }

  func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
    eventLoop.makeCompletedFuture { try set(option, value) }
  }

  func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
    eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
  }

  private struct SynchronousOptions: NIOSynchronousChannelOptions {
    let channel: MemoryChannel

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
      try channel.set(option, value)
    }

    func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
      throw ChannelError.operationUnsupported
    }
  }

  private func set<Option: ChannelOption>(_ option: Option, _ value: Option.Value) throws {
    guard !hasClosed else { throw ChannelError.ioOnClosedChannel }
    switch (option, value) {
    case (is ChannelOptions.Types.AutoReadOption, let value as Bool): readsByItself = value
    case (is ChannelOptions.Types.AllowRemoteHalfClosureOption, let value as Bool): takesHalfClosure = value
    case (_, let value as ChannelOptions.Types.WriteBufferWaterMark): waterMark = value
    // How much is read at once is the split's business.
    case (is ChannelOptions.Types.MaxMessagesPerReadOption, _), (is ChannelOptions.Types.RecvAllocatorOption, _): break
    default: throw ChannelError.operationUnsupported
    }
  }

  // MARK: The clock

  var deadline: ContinuousClock.Instant? { nil }

  func act() -> Bool {
    guard !hasClosed else { return false }
    return write() || read()
  }

  private func read() -> Bool {
    guard readsByItself || wantsRead, !hasSeenEnd else { return false }
    if stream.isReset {
      hasSeenEnd = true
      pipeline.fireErrorCaught(IOError(errnoCode: ECONNRESET, reason: "read"))
      close0(error: ChannelError.eof, mode: .all, promise: nil)
      return true
    }
    if let piece = stream.read() {
      wantsRead = false
      pipeline.fireChannelRead(ByteBuffer(bytes: piece))
      pipeline.fireChannelReadComplete()
      return true
    }
    guard stream.isAtEnd else { return false }
    hasSeenEnd = true
    if takesHalfClosure {
      pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      pipeline.fireChannelReadComplete()
    } else {
      close0(error: ChannelError.eof, mode: .all, promise: nil)
    }
    return true
  }

  /// Hands the first write to the stream, if that takes it.
  private func write() -> Bool {
    guard flushedCount > 0, let next = writes.first else { return false }
    guard !stream.isClosedByKit else {
      // What has come before counts: it is read first.
      while read() {}
      close0(error: IOError(errnoCode: EPIPE, reason: "write"), mode: .all, promise: nil)
      return true
    }
    guard stream.isWritable || next.bytes.readableBytes == 0 else { return false }
    writes.removeFirst()
    flushedCount -= 1
    stream.write(next.bytes.readableBytesView)
    waitingByteCount -= next.bytes.readableBytes
    next.promise?.succeed(())
    if !isWritable, waitingByteCount < waterMark.low {
      isWritable = true
      pipeline.fireChannelWritabilityChanged()
    }
    return true
  }

  // MARK: ChannelCore

  func localAddress0() throws -> NIOCore.SocketAddress { throw ChannelError.operationUnsupported }
  func remoteAddress0() throws -> NIOCore.SocketAddress { throw ChannelError.operationUnsupported }

  func register0(promise: EventLoopPromise<Void>?) { promise?.succeed(()) }
  func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { promise?.succeed(()) }
  func bind0(to: NIOCore.SocketAddress, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.operationUnsupported)
  }
  func connect0(to: NIOCore.SocketAddress, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.operationUnsupported)
  }
  func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.operationUnsupported)
  }
  func channelRead0(_ data: NIOAny) {}
  func errorCaught0(error: any Error) {}

  func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !hasClosed, !hasEndedOutput else {
      promise?.fail(hasClosed ? ChannelError.ioOnClosedChannel : ChannelError.outputClosed)
      return
    }
    let bytes = unwrapData(data, as: ByteBuffer.self)
    writes.append(Write(bytes: bytes, promise: promise))
    waitingByteCount += bytes.readableBytes
    if isWritable, waitingByteCount > waterMark.high {
      isWritable = false
      pipeline.fireChannelWritabilityChanged()
    }
  }

  func flush0() {
    flushedCount = writes.count
    // As a socket: what there is room for is gone when this returns.
    while !hasClosed, !stream.isClosedByKit, write() {}
  }

  func read0() { wantsRead = true }

  func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard !hasClosed else {
      promise?.fail(ChannelError.alreadyClosed)
      return
    }
    if case .output = mode {
      hasEndedOutput = true
      stream.endWriting()
      promise?.succeed(())
      return
    }
    hasClosed = true
    isWritable = false
    stream.closePeer()
    clock.remove(self)
    let failed = writes
    writes = []
    flushedCount = 0
    for write in failed { write.promise?.fail(error) }
    promise?.succeed(())
    pipeline.fireChannelInactive()
    pipeline.fireChannelUnregistered()
    // Later, since the pipeline may be in the middle of something.
    eventLoop.execute { [self] in
      removeHandlers(pipeline: pipeline)
      closePromise.succeed(())
    }
  }
}
