internal import Dispatch

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Signals to this process as a sequence. While it is there they do nothing else.
final class ProcessSignals: Sendable {
  /// The numbers of the signals, one after the other.
  let received: AsyncStream<Int32>
  /// Unsafe in name only: nothing but kept, for the sources to go on.
  private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

  init(_ numbers: [Int32]) {
    let (received, continuation) = AsyncStream.makeStream(of: Int32.self)
    self.received = received
    sources = numbers.map { number in
      // Else the signal would end the process before it is seen here.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler { continuation.yield(number) }
      source.activate()
      return source
    }
  }
}
