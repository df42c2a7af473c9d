internal import Logging
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The one stream of a server on `stdio:`: the server ends when it does.
struct StandardStreamServer: StreamSource {
  let address = Address.standardIO

  /// There is nothing more to come: the stream itself is the server's to end.
  func close() async {}

  /// Takes this process's standard input and output, and begins to serve.
  ///
  /// - Throws: ``BokbokError`` with the code `listen`, `resources` or `configuration`.
  static func start(core: ServerCore, group: any EventLoopGroup) async throws -> StandardStreamServer {
    let eventLoop = group.next()
    guard ClientBootstrap(validatingGroup: eventLoop) != nil else { throw EventLoopGroupError.notThreaded }
    let streams = try StandardDescriptors.take()
    do {
      _ = try await self.channel(on: streams, eventLoop: eventLoop) { channel in
        // A-2.a: what is accepted here is all there is.
        guard core.accepted(channel) else { throw ChannelError.ioOnClosedChannel }
        channel.closeFuture.whenComplete { _ in core.listenerClosed() }
        try core.take(channel, address: .standardIO)
      }.get()
    } catch {
      switch streams {
      case .socket(let descriptor):
        _ = Self.closed(descriptor)
      case .pair(let input, let output):
        _ = Self.closed(input)
        _ = Self.closed(output)
      }
      throw BokbokError(
        .listen,
        "a server cannot serve on stdio:: \(SystemFailure.text(error))",
        cause: error
      )
    }
    return StandardStreamServer()
  }

  private static func closed(_ descriptor: CInt) -> CInt {
    #if canImport(Glibc)
    Glibc.close(descriptor)
    #elseif canImport(Musl)
    Musl.close(descriptor)
    #else
    Darwin.close(descriptor)
    #endif
  }

  private static func channel(
    on streams: StandardDescriptors.Streams,
    eventLoop: any EventLoop,
    _ initialize: @escaping @Sendable (any Channel) throws -> Void
  ) -> EventLoopFuture<any Channel> {
    switch streams {
    case .socket(let descriptor):
      // NIO makes it non-blocking before the channel is initialized.
      let modes = NIOLoopBoundBox.makeEmptyBox(valueType: DescriptorModes.self, eventLoop: eventLoop)
      return eventLoop.flatSubmit {
        modes.value = DescriptorModes(input: descriptor, output: nil)
        return ClientBootstrap(group: eventLoop)
          .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
              if let modes = modes.value { try channel.pipeline.syncOperations.addHandler(modes) }
              try initialize(channel)
            }
          }
          .withConnectedSocket(descriptor)
      }
    case .pair(let input, let output):
      let modes = NIOLoopBoundBox.makeEmptyBox(valueType: DescriptorModes.self, eventLoop: eventLoop)
      return eventLoop.flatSubmit {
        modes.value = DescriptorModes(input: input, output: output)
        return NIOPipeBootstrap(group: eventLoop)
          .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
              if let modes = modes.value { try channel.pipeline.syncOperations.addHandler(modes) }
              try initialize(channel)
            }
          }
          .takingOwnershipOfDescriptors(input: input, output: output)
      }
    }
  }
}
