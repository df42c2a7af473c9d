internal import NIOCore

extension Configuration {
  /// The limits of the machine, each checked.
  ///
  /// - Throws: ``BokbokError`` with the code `configuration` that names the first setting out of range.
  func machineConfiguration() throws(BokbokError) -> MachineConfiguration {
    try self.check()
    var machine = MachineConfiguration()
    let partialBytesMax = try self.partialBytesMax.map { (given: Int) throws(BokbokError) in
      try Self.wireNumber(given, "partialBytesMax", atLeast: self.messageBytesMax)
    }
    let messageBytesMax = try Self.wireNumber(self.messageBytesMax, "messageBytesMax", atLeast: 1024)
    let requestsMax = try Self.wireNumber(self.requestsMax, "requestsMax", atLeast: 1)
    do throws(Violation) {
      machine.settings = try Settings(
        messageBytesMax: messageBytesMax,
        requestsMax: requestsMax,
        partialBytesMax: partialBytesMax
      )
    } catch {
      throw BokbokError(.configuration, "the limits do not go together: \(error.message)")
    }
    machine.handshakeTimeout = TimeAmount(clamping: self.handshakeTimeout)
    machine.drainTimeout = TimeAmount(clamping: self.drainTimeout)
    machine.endTimeout = TimeAmount(clamping: self.endTimeout)
    machine.keepaliveInterval = self.keepaliveInterval.map { TimeAmount(clamping: $0) }
    machine.keepaliveTimeout = self.keepaliveTimeout.map { TimeAmount(clamping: $0) }
    machine.protocolOutputBytesMax = self.protocolOutputBytesMax
    machine.answerBytesWaitingMax = self.answerBytesWaitingMax
    machine.heldRequestBytesMax = self.heldRequestBytesMax ?? .max
    return machine
  }

  private func check() throws(BokbokError) {
    try Self.check(self.handshakeTimeout, "handshakeTimeout")
    try Self.check(self.connectTimeout, "connectTimeout")
    try Self.check(self.requestTimeout, "requestTimeout")
    try Self.check(self.handlerTimeout, "handlerTimeout")
    try Self.check(self.drainTimeout, "drainTimeout", allowsZero: true)
    try Self.check(self.endTimeout, "endTimeout", allowsZero: true)
    try Self.check(self.idleTimeout, "idleTimeout")
    try Self.check(self.keepaliveInterval, "keepaliveInterval")
    try Self.check(self.keepaliveTimeout, "keepaliveTimeout")
    try Self.check(self.slowTurnThreshold, "slowTurnThreshold")
    try Self.check(self.connectionsMax, "connectionsMax", atLeast: 1)
    try Self.check(self.openingStreamsMax, "openingStreamsMax", atLeast: 1)
    try Self.check(self.protocolOutputBytesMax, "protocolOutputBytesMax", atLeast: 0)
    try Self.check(self.answerBytesWaitingMax, "answerBytesWaitingMax", atLeast: 0)
    try Self.check(self.heldRequestBytesMax ?? .max, "heldRequestBytesMax", atLeast: 1)
    try Self.check(self.commands?.terminateTimeout, "commands.terminateTimeout", allowsZero: true)
    try Self.check(self.commands?.killTimeout, "commands.killTimeout", allowsZero: true)
    guard self.unixSocketMode <= 0o777 else {
      throw BokbokError(
        .configuration,
        "unixSocketMode is 0 to 0o777, but 0o\(String(self.unixSocketMode, radix: 8)) was given"
      )
    }
  }

  private static func check(_ given: Int, _ name: String, atLeast least: Int) throws(BokbokError) {
    guard given >= least else {
      throw BokbokError(.configuration, "\(name) is at least \(least), but \(given) was given")
    }
  }

  private static func check(_ given: Duration?, _ name: String, allowsZero: Bool = false) throws(BokbokError) {
    guard let given else { return }
    guard allowsZero ? given >= .zero : given > .zero else {
      throw BokbokError(
        .configuration,
        "\(name) is \(allowsZero ? "not negative" : "more than zero"), but \(given) was given"
      )
    }
  }

  private static func wireNumber(_ given: Int, _ name: String, atLeast least: Int) throws(BokbokError) -> UInt32 {
    guard given >= least, let number = UInt32(exactly: given) else {
      throw BokbokError(.configuration, "\(name) is \(least) to \(UInt32.max), but \(given) was given")
    }
    return number
  }
}

extension TimeAmount {
  /// A duration, cut to a hundred years in either direction, so that no sum with a point in time overflows.
  init(clamping duration: Duration) {
    let limit: Int64 = 100 * 366 * 86_400
    let (seconds, attoseconds) = duration.components
    guard seconds.magnitude < UInt64(limit) else {
      self = .seconds(seconds < 0 ? -limit : limit)
      return
    }
    self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
