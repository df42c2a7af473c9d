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

/// A command that has been started, and the channel over its standard input and output.
struct CommandStreams {
  let process: CommandProcess
  let channel: EventLoopFuture<any Channel>

  /// Starts a command; on the event loop.
  static func start(
    _ words: [String],
    options: CommandOptions,
    loop: LoopContext,
    logger: Logger
  ) throws(CommandSpawn.Failure) -> CommandStreams {
    let spawned = try CommandSpawn.start(words, options: options)
    let process = CommandProcess(spawned.process, options: options)
    let eventLoop = loop.eventLoop
    NIOPipeBootstrap(group: eventLoop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(CommandErrorsHandler(process: process, logger: logger))
        }
      }
      .takingOwnershipOfDescriptor(input: spawned.errors)
      .whenFailure { _ in
        _ = close(spawned.errors)
        process.errorsEnded(logger: logger)
      }
    let channel = NIOPipeBootstrap(group: eventLoop)
      // Nothing is read before the connection's handler is there.
      .channelOption(.autoRead, value: false)
      .channelInitializer { channel in
        channel.closeFuture.whenComplete { _ in process.streamClosed() }
        return channel.eventLoop.makeSucceededVoidFuture()
      }
      .takingOwnershipOfDescriptors(input: spawned.output, output: spawned.input)
    channel.whenFailure { _ in
      _ = close(spawned.input)
      _ = close(spawned.output)
      process.streamClosed()
    }
    return CommandStreams(process: process, channel: channel)
  }
}
