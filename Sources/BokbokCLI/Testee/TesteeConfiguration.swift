internal import Bokbok
internal import BokbokConformance

internal import struct Bokbok.Configuration

extension Configuration {
  /// The configuration that a command of the contract asks for.
  ///
  /// - Parameters:
  ///   - settings: names and numbers as on the wire.
  ///   - limits: names of the contract, times in milliseconds.
  init(settings: JSON.Object?, limits: JSON.Object?) throws(TesteeFailure) {
    self.init()
    // The harness has time limits of its own; a request fails here only for reasons of the protocol.
    requestTimeout = nil
    // whoever drives the testee may have it start commands. What they say is for the trace of a failing case.
    commands = CommandOptions()
    commands?.errorLine = { StandardStream.error.writeOrIgnore(String(displaying: $0) + "\n") }
    for (name, value) in settings?.members ?? [] {
      let number = try Configuration.number(value, name: name)
      switch name {
      case "max-message": messageBytesMax = number
      case "max-requests": requestsMax = number
      case "max-partial": partialBytesMax = number
      default: throw TesteeFailure(.unsupported, "there is no setting \"\(name)\"")
      }
    }
    for (name, value) in limits?.members ?? [] {
      let number = try Configuration.number(value, name: name)
      switch name {
      case "handshakeMs": handshakeTimeout = .milliseconds(number)
      case "drainMs": drainTimeout = .milliseconds(number)
      case "endMs": commands?.terminateTimeout = .milliseconds(number)
      case "keepaliveMs": keepaliveInterval = number == 0 ? nil : .milliseconds(number)
      case "keepaliveTimeoutMs": keepaliveTimeout = .milliseconds(number)
      case "maxConnections": connectionsMax = number
      case "maxOpening": openingStreamsMax = number
      case "killMs": commands?.killTimeout = .milliseconds(number)
      default: throw TesteeFailure(.unsupported, "there is no limit \"\(name)\"")
      }
    }
    // The handshake's own limit decides, not that of the whole attempt.
    connectTimeout = max(connectTimeout, handshakeTimeout + .seconds(10))
  }

  private static func number(_ value: JSON, name: String) throws(TesteeFailure) -> Int {
    guard let number = value.integer, number >= 0 else {
      throw TesteeFailure(.other, "\"\(name)\" is a whole number, not negative, but \(value.encodedText) was given")
    }
    return number
  }
}
