internal import Foundation
public import Testing

/// A program of the system that starts servers or joins streams, for tests with real supervisors.
public enum Supervisor: String {
  /// OpenBSD's inetd.
  case inetd
  /// What tries socket activation without units.
  case socketActivate = "systemd-socket-activate"
  /// What checks unit files.
  case analyze = "systemd-analyze"
  /// The relay of many kinds of streams.
  case socat

  /// Where it is installed; nil if it is not.
  public var path: String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin", "/usr/bin"]
    return folders.map { "\($0)/\(self.rawValue)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Whether tests with it run: a missing one skips them, unless `BOKBOK_REQUIRE` says that nothing may be missing.
  public var isUsable: Bool {
    self.path != nil || !(ProcessInfo.processInfo.environment["BOKBOK_REQUIRE"] ?? "").isEmpty
  }

  /// Why its tests are skipped.
  public var missing: Comment {
    let package =
      switch self {
      case .inetd: "openbsd-inetd"
      case .socketActivate, .analyze: "systemd"
      case .socat: "socat"
      }
    return "\(self.rawValue) is not installed: it is in Debian's package \(package)"
  }
}
