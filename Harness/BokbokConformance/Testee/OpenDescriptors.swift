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
      for name in Self.names(in: folder) {
        targets.append("\(process): \(Self.target(of: "\(folder)/\(name)") ?? "?")")
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
    return names(in: folder).flatMap { thread -> [pid_t] in
      guard let file = fopen("\(folder)/\(thread)/children", "r") else { return [] }
      defer { fclose(file) }
      var line = [UInt8](repeating: 0, count: 4096)
      let count = fread(&line, 1, line.count, file)
      return String(decoding: line[..<count], as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    }
  }

  // The system's own calls: this is asked before and after each case, where Foundation's took a twentieth of a run.

  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  private static func target(of link: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link, &target, target.count)
    return count < 0 ? nil : String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
