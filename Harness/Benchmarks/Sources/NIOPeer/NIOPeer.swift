import CBenchmark
import Foundation
import NIOCore
import NIOPosix

/// SwiftNIO with bare channel handlers: 4 bytes of length, then the message; sealed: each message for itself. One event
/// loop on each side, one write for each read, the receive buffer and the reads of a turn as Bokbok has them.
@main
struct NIOPeer {
  static func main() throws {
    var options = benchmark_options()
    benchmark_parse(CommandLine.argc, CommandLine.unsafeArgv, &options)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let host = String(cString: options.host)
    let isSealed = options.sealed
    if String(cString: options.role) == "server" {
      let bootstrap = ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 4096)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.maxMessagesPerRead, value: 4)
        .childChannelOption(
          .recvAllocator,
          value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 2048, maximum: 65_536)
        )
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            if channel.localAddress?.port != nil {
              try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            }
            try channel.pipeline.syncOperations.addHandler(EchoHandler(isSealed: isSealed))
          }
        }
      let channel =
        options.is_unix
        ? try bootstrap.bind(unixDomainSocketPath: host).wait()
        : try bootstrap.bind(host: host, port: Int(options.port)).wait()
      benchmark_server_is_ready()
      try channel.closeFuture.wait()
    } else {
      let work = ClientWork(options)
      let bootstrap = ClientBootstrap(group: group)
        .channelOption(.maxMessagesPerRead, value: 4)
        .channelOption(
          .recvAllocator,
          value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 2048, maximum: 65_536)
        )
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            if !work.isUnix { try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1) }
            try channel.pipeline.syncOperations.addHandler(RequestHandler(work))
          }
        }
      if work.isIdle {
        for _ in 0..<work.connections {
          _ =
            try work.isUnix
            ? bootstrap.connect(unixDomainSocketPath: host).wait()
            : bootstrap.connect(host: host, port: work.port).wait()
        }
        benchmark_say("open")
        sleep(3600)
      }
      benchmark_begin(&options, work.recordsLatency)
      for _ in 0..<work.connections {
        _ =
          try work.isUnix
          ? bootstrap.connect(unixDomainSocketPath: host).wait() : bootstrap.connect(host: host, port: work.port).wait()
      }
      work.isOver.wait()
      benchmark_report()
      exit(0)
    }
  }
}

final class ClientWork: Sendable {
  let isUnix: Bool
  let port: Int
  let isIdle: Bool
  let recordsLatency: Bool
  let connections: Int
  let underWay: Int
  let size: Int
  let isSealed: Bool
  let isOver = DispatchSemaphore(value: 0)

  init(_ options: benchmark_options) {
    self.isUnix = options.is_unix
    self.port = Int(options.port)
    self.isIdle = String(cString: options.work) == "idle"
    self.recordsLatency = String(cString: options.work) == "latency"
    self.connections = Int(options.connections)
    self.underWay = Int(options.under_way)
    self.size = options.size
    self.isSealed = options.sealed
  }
}

/// Cuts what comes into messages, and gathers what goes.
struct Framing {
  private let isSealed: Bool
  private var input = ByteBuffer()
  private var sealCount: UInt64 = 0
  private var openCount: UInt64 = 0
  var output = ByteBuffer()

  init(isSealed: Bool) {
    self.isSealed = isSealed
  }

  mutating func receive(_ bytes: ByteBuffer) {
    if self.input.readableBytes == 0 {
      self.input = bytes
    } else {
      self.input.discardReadBytes()
      self.input.writeImmutableBuffer(bytes)
    }
  }

  mutating func next<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard let length = self.input.getInteger(at: self.input.readerIndex, endianness: .little, as: UInt32.self) else {
      return nil
    }
    let count = Int(length)
    guard self.input.readableBytes >= 4 + count else {
      self.input.reserveCapacity(minimumWritableBytes: 4 + count - self.input.readableBytes)
      return nil
    }
    self.input.moveReaderIndex(forwardBy: 4)
    let result = self.input.withUnsafeMutableReadableBytes { bytes in
      if self.isSealed {
        benchmark_open(bytes.baseAddress, count, self.openCount)
        self.openCount += 1
      }
      return body(UnsafeRawBufferPointer(rebasing: bytes[..<(self.isSealed ? count - Int(BENCHMARK_TAG) : count)]))
    }
    self.input.moveReaderIndex(forwardBy: count)
    return result
  }

  mutating func send(_ message: UnsafeRawBufferPointer) {
    let count = message.count + (self.isSealed ? Int(BENCHMARK_TAG) : 0)
    self.output.writeInteger(UInt32(count), endianness: .little)
    let index = self.output.writerIndex
    self.output.writeBytes(message)
    guard self.isSealed else { return }
    self.output.writeRepeatingByte(0, count: Int(BENCHMARK_TAG))
    let offset = index - self.output.readerIndex
    self.output.withUnsafeMutableReadableBytes { bytes in
      benchmark_seal(bytes.baseAddress.map { $0 + offset }, message.count, self.sealCount)
    }
    self.sealCount += 1
  }

  mutating func takeOutput() -> ByteBuffer? {
    guard self.output.readableBytes > 0 else { return nil }
    let output = self.output
    self.output = ByteBuffer()
    return output
  }
}

final class EchoHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var framing: Framing

  init(isSealed: Bool) {
    self.framing = Framing(isSealed: isSealed)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    self.framing.receive(Self.unwrapInboundIn(data))
    var answers = ByteBuffer()
    while let isSmall = self.framing.next({ message in
      let number = benchmark_check(message.baseAddress, message.count, message.count)
      if message.count == Int(BENCHMARK_SMALL) {
        answers.writeBytes(message)
      } else {
        answers.writeInteger(number, endianness: .little)
      }
      return message.count == Int(BENCHMARK_SMALL)
    }) {
      answers.withUnsafeReadableBytes { self.framing.send($0) }
      answers.clear()
      _ = isSmall
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    guard let output = self.framing.takeOutput() else { return }
    context.writeAndFlush(Self.wrapOutboundOut(output), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

final class RequestHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let work: ClientWork
  private var framing: Framing
  private var message: [UInt8]
  private var sentCount: UInt64 = 0
  private var receivedCount: UInt64 = 0
  private var began: UInt64 = 0

  init(_ work: ClientWork) {
    self.work = work
    self.framing = Framing(isSealed: work.isSealed)
    self.message = [UInt8](repeating: 0, count: work.size)
    self.message.withUnsafeMutableBytes { benchmark_fill($0.baseAddress, $0.count, 0) }
  }

  func channelActive(context: ChannelHandlerContext) {
    guard !self.work.isIdle else { return }
    for _ in 0..<self.work.underWay { self.sendNext() }
    self.flush(context)
  }

  private func sendNext() {
    self.sentCount += 1
    self.message.withUnsafeMutableBytes { benchmark_set_number($0.baseAddress, self.sentCount) }
    if self.work.recordsLatency { self.began = benchmark_nanoseconds() }
    self.message.withUnsafeBytes { self.framing.send($0) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    self.framing.receive(Self.unwrapInboundIn(data))
    let expected = self.work.size == Int(BENCHMARK_SMALL) ? self.work.size : Int(BENCHMARK_ANSWER)
    while let number = self.framing.next({ benchmark_check($0.baseAddress, $0.count, expected) }) {
      self.receivedCount += 1
      guard number == self.receivedCount else { benchmark_fail("another's answer") }
      guard benchmark_completed(self.began) else {
        self.work.isOver.signal()
        return
      }
      self.sendNext()
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    self.flush(context)
  }

  private func flush(_ context: ChannelHandlerContext) {
    guard let output = self.framing.takeOutput() else { return }
    context.writeAndFlush(Self.wrapOutboundOut(output), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    benchmark_fail("\(error)")
  }
}
