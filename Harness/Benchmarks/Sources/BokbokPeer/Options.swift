import Bokbok
import CBenchmark

/// The options that all peers have.
struct Options: Sendable {
  let role: String
  let address: Address
  let work: String
  let underWay: Int
  let connections: Int
  let size: Int
  let sealed: Bool
  let variant: String
  let caller: String
  let seconds: Double
  let requests: UInt64

  init() {
    var options = benchmark_options()
    benchmark_parse(CommandLine.argc, CommandLine.unsafeArgv, &options)
    self.role = String(cString: options.role)
    let host = String(cString: options.host)
    do {
      self.address = try options.is_unix ? .unix(path: host) : .tcp(host: host, port: Int(options.port))
    } catch {
      benchmark_fail("\(error)")
    }
    self.work = String(cString: options.work)
    self.underWay = Int(options.under_way)
    self.connections = Int(options.connections)
    self.size = options.size
    self.sealed = options.sealed
    self.variant = String(cString: options.variant)
    self.caller = String(cString: options.caller)
    self.seconds = options.seconds
    self.requests = options.requests
  }

  var recordsLatency: Bool { self.work == "latency" || self.work.hasPrefix("mixed") }

  func begin() {
    var options = benchmark_options()
    options.seconds = self.seconds
    options.requests = self.requests
    options.size = self.size
    self.work.withCString { work in
      options.work = work
      benchmark_begin(&options, self.recordsLatency)
    }
  }
}
