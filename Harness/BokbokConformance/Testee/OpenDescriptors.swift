internal import Foundation

/// The descriptors that a testee has open, over all processes of its group: after a case they must be back to what they
/// were before.
struct OpenDescriptors: Equatable {
  /// What each is, such as `socket:[4711]`, by process.
  let targets: [String]

  var count: Int { targets.count }

  /// Nil where the system does not tell.
  init?(processGroup: pid_t) {
    guard let processes = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else { return nil }
    var targets: [String] = []
    for process in processes where process.allSatisfy(\.isNumber) {
      guard Self.group(of: process) == processGroup else { continue }
      let folder = "/proc/\(process)/fd"
      for descriptor in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
        let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(descriptor)")) ?? "?"
        targets.append("\(process): \(target)")
      }
    }
    guard !targets.isEmpty else { return nil }
    self.targets = targets.sorted()
  }

  /// What is open now and was not before.
  func additions(to before: OpenDescriptors) -> [String] {
    var old = before.targets
    return targets.filter { target in
      guard let index = old.firstIndex(of: target) else { return true }
      old.remove(at: index)
      return false
    }
  }

  /// The process group of a process: the fifth field of its `stat`, behind the name in parentheses.
  private static func group(of process: String) -> pid_t? {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = stat.lastIndex(of: ")")
    else { return nil }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    return fields.count > 2 ? pid_t(fields[2]) : nil
  }
}
