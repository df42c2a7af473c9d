internal import Metrics
internal import NIOCore

/// The metrics of a server, or of a client's connection.
struct ConnectionMetrics: Sendable {
  /// What has gone over a connection. The counters get what each turn of the event loop adds together, so that a request
  /// costs no call.
  struct Tally {
    var requestsSent: Int64 = 0
    var requestsReceived: Int64 = 0
    var answersSent: Int64 = 0
    var answersReceived: Int64 = 0
    var errorsSent: Int64 = 0
    var errorsReceived: Int64 = 0
    var bytesSent: Int64 = 0
    var bytesReceived: Int64 = 0
  }

  private let connectionsOpened: Counter
  private let connectionsActive: Meter
  private let handshakeFailures: Counter
  private let requestsSent: Counter
  private let requestsReceived: Counter
  private let answersSent: Counter
  private let answersReceived: Counter
  private let errorsSent: Counter
  private let errorsReceived: Counter
  private let bytesSent: Counter
  private let bytesReceived: Counter
  private let requestDuration: Timer

  /// nil where nobody looks.
  init?(role: String, factory: (any MetricsFactory)?) {
    let factory = factory ?? MetricsSystem.factory
    if factory is NOOPMetricsHandler { return nil }
    let dimensions = [("role", role)]
    func counter(_ label: String) -> Counter { Counter(label: label, dimensions: dimensions, factory: factory) }
    self.connectionsOpened = counter(MetricNames.connectionsOpened)
    self.connectionsActive = Meter(label: MetricNames.connectionsActive, dimensions: dimensions, factory: factory)
    self.handshakeFailures = counter(MetricNames.handshakeFailures)
    self.requestsSent = counter(MetricNames.requestsSent)
    self.requestsReceived = counter(MetricNames.requestsReceived)
    self.answersSent = counter(MetricNames.answersSent)
    self.answersReceived = counter(MetricNames.answersReceived)
    self.errorsSent = counter(MetricNames.errorsSent)
    self.errorsReceived = counter(MetricNames.errorsReceived)
    self.bytesSent = counter(MetricNames.bytesSent)
    self.bytesReceived = counter(MetricNames.bytesReceived)
    self.requestDuration = Timer(label: MetricNames.requestDuration, dimensions: dimensions, factory: factory)
  }

  func connectionOpened() {
    self.connectionsOpened.increment()
    self.connectionsActive.increment()
  }

  func connectionEnded() {
    self.connectionsActive.decrement()
  }

  func handshakeFailed() {
    self.handshakeFailures.increment()
  }

  /// Adds what has come since an earlier tally.
  func publish(_ tally: Tally, after earlier: Tally) {
    func add(_ count: KeyPath<Tally, Int64>, to counter: Counter) {
      let added = tally[keyPath: count] - earlier[keyPath: count]
      if added != 0 { counter.increment(by: added) }
    }
    add(\.requestsSent, to: self.requestsSent)
    add(\.requestsReceived, to: self.requestsReceived)
    add(\.answersSent, to: self.answersSent)
    add(\.answersReceived, to: self.answersReceived)
    add(\.errorsSent, to: self.errorsSent)
    add(\.errorsReceived, to: self.errorsReceived)
    add(\.bytesSent, to: self.bytesSent)
    add(\.bytesReceived, to: self.bytesReceived)
  }

  func record(requestDuration: TimeAmount) {
    self.requestDuration.recordNanoseconds(requestDuration.nanoseconds)
  }
}
