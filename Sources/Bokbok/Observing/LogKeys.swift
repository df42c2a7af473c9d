internal import Logging

/// Keys of the metadata that the library logs with.
enum LogKeys {
  /// The number of the connection in this process.
  static let connection = "connection"
  /// The address of the other side.
  static let peer = "peer"
  /// The user, escaped (E-5).
  static let user = "user"
  /// The number of the exchange.
  static let exchange = "exchange"
  /// What failed.
  static let error = "error"
}

extension Logger {
  /// Says nothing.
  static let silent = Logger(label: "bokbok") { _ in SwiftLogNoOpLogHandler() }
}
