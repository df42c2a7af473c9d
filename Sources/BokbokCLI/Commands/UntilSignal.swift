internal import BokbokConformance

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Runs something that starts processes, and asks it to end by the first SIGINT or SIGTERM.
func untilSignal(_ run: (RunStop) async -> Int32) async throws -> Int32 {
  let stop = try RunStop()
  let signals = ProcessSignals([SIGINT, SIGTERM]) { number in
    // Whoever asks twice does not want to wait for the reports.
    if !stop.request(signal: number) { RunStop.endAtOnce(signal: number) }
  }
  defer { withExtendedLifetime(signals) {} }
  return await run(stop)
}
