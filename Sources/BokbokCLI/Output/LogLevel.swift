internal import ArgumentParser
internal import Logging

/// How much is logged, as an option of a command.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
  case trace, debug, info, notice, warning, error

  static let help = ArgumentHelp(
    "The least serious messages that are logged on standard error.",
    valueName: "level"
  )

  /// A logger that writes to standard error.
  func logger(label: String) -> Logger {
    var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = level
    return logger
  }

  private var level: Logger.Level {
    switch self {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    }
  }
}
