internal import Foundation

/// The descriptors that a testee has open, over its process and all that it started: after a case they must be back to
/// what they were before.
struct OpenDescriptors: Equatable {
  /// What each is, such as `socket:[4711]`, by process.
  let targets: [String]

  var count: Int { targets.count }

  /// Nil where the system does not tell.
  init?(process: pid_t) {
    var targets: [String] = []
    var processes = [process]
    while let process = processes.popLast() {
      let folder = "/proc/\(process)/fd"
      guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { continue }
      for name in names {
        let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")) ?? "?"
        targets.append("\(process): \(target)")
      }
      processes += Self.children(of: process)
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

  /// The processes that a process's threads have started.
  private static func children(of process: pid_t) -> [pid_t] {
    let folder = "/proc/\(process)/task"
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return threads.flatMap { thread -> [pid_t] in
      let text = (try? String(contentsOfFile: "\(folder)/\(thread)/children", encoding: .utf8)) ?? ""
      return text.split(separator: " ").compactMap { pid_t($0) }
    }
  }
}
