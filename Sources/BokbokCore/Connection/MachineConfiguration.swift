package import NIOCore

/// Every limit of a connection machine.
package struct MachineConfiguration: Sendable, Equatable {
  /// What this side takes from the other; announced in its SETTINGS (S-2).
  package var settings: Settings {
    get { storedSettings }
    // Not an observer: one is passed by where an initializer sets them.
    set {
      guard newValue != storedSettings else { return }
      storedSettings = newValue
      settingsBody = Self.body(of: newValue)
    }
  }
  private var storedSettings = Settings.default
  /// The body of this side's SETTINGS frame, encoded once for all connections that have this configuration.
  private(set) var settingsBody = MachineConfiguration.defaultSettingsBody
  /// How long a connection may take to open (O-10).
  package var handshakeTimeout: TimeAmount = .seconds(10)
  /// How long the side that asked for a close waits for the clean end (C-5).
  package var drainTimeout: TimeAmount = .seconds(5)
  /// How long a last word may take to be written, and how long input is discarded after it (F-3); also how long is
  /// read on after a failed write (F-4).
  package var endTimeout: TimeAmount = .seconds(1)
  /// A side that receives no record for so long sends a PING (P-3); nil: keepalive is off.
  package var keepaliveInterval: TimeAmount?
  /// How long after that PING a record may take to come (P-3); nil: as long as the interval.
  package var keepaliveTimeout: TimeAmount?
  /// Reading stops while PONGs and ERRORs of the protocol layer that wait to be sent exceed this, in bytes (P-4).
  package var protocolOutputBytesMax = 262_144
  /// No request is handed to the handler while answers that wait to be sent, the longest not counted, exceed this, in
  /// bytes (P-5).
  package var answerBytesWaitingMax = 1_048_576
  /// A request that would take the sum of the whole requests in memory over this, in bytes, is answered with ERROR
  /// `overloaded`, unless it is the only one.
  package var heldRequestBytesMax = Int.max

  package init() {}

  private static let defaultSettingsBody = body(of: .default)

  private static func body(of settings: Settings) -> ByteBuffer {
    var body = ByteBuffer()
    settings.value.encode(into: &body)
    return body
  }
}
