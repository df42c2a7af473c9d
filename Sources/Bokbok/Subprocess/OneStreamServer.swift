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

/// The one stream of a server on `stdio:`, or on a connection that a supervisor has accepted: the server ends when
/// it does.
struct OneStreamServer: StreamSource {
  let address: Address

  /// There is nothing more to come: the stream itself is the server's to end.
  func close() async {}

  /// Takes this process's standard input and output, and begins to serve.
  ///
  /// - Throws: ``BokbokError`` with the code `listen`, `resources` or `configuration`.
  static func startOnStandardStreams(core: ServerCore, group: any EventLoopGroup) async throws -> OneStreamServer {
    guard ClientBootstrap(validatingGroup: group) != nil else { throw EventLoopGroupError.notThreaded }
    return try await self.start(on: try StandardDescriptors.take(), address: .standardIO, core: core, group: group)
  }

  /// Begins to serve on descriptors, which it closes at the end, and when it fails.
  static func start(
    on streams: StandardDescriptors.Streams,
    address: Address,
    core: ServerCore,
    group: any EventLoopGroup
  ) async throws -> OneStreamServer {
    let eventLoop = group.next()
    do {
      _ = try await self.channel(on: streams, eventLoop: eventLoop) { channel in
        // A-2.a: what is accepted here is all there is.
        guard core.accepted(channel) else { throw ChannelError.ioOnClosedChannel }
        channel.closeFuture.whenComplete { _ in core.listenerClosed() }
        try core.take(channel, address: address)
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
        "a server cannot serve on \(address): \(SystemFailure.text(error))",
        cause: error
      )
    }
    return OneStreamServer(address: address)
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
