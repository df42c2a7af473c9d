internal import Dispatch

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Signals to this process as a sequence, or as calls. While it is there they do nothing else.
final class ProcessSignals: Sendable {
  /// The numbers of the signals, one after the other; ended where calls take them.
  let received: AsyncStream<Int32>
  /// Unsafe in name only: nothing but kept, for the sources to go on.
  private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

  convenience init(_ numbers: [Int32]) {
    let (received, continuation) = AsyncStream.makeStream(of: Int32.self)
    self.init(numbers, received) { continuation.yield($0) }
  }

  /// Calls the handler with the number of each signal on a thread of the system's own, also where all threads of Swift's
  /// tasks are busy.
  convenience init(_ numbers: [Int32], handler: @escaping @Sendable (Int32) -> Void) {
    self.init(numbers, AsyncStream { $0.finish() }, handler)
  }

  private init(_ numbers: [Int32], _ received: AsyncStream<Int32>, _ handler: @escaping @Sendable (Int32) -> Void) {
    self.received = received
    // A queue of its own always gets a thread.
    let queue = DispatchQueue(label: "bokbok.signals")
    sources = numbers.map { number in
      // Else the signal would end the process before it is seen here.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { handler(number) }
      source.activate()
      return source
    }
  }
}
