internal import Foundation

/// A process and all that it has started, as the system tells in `/proc`.
///
/// The system's own calls and no texts: this is asked before and after each case, where texts took a twentieth of a run.
enum ProcessTree {
  /// The process, its children, theirs, and so on.
  static func members(of process: pid_t) -> [pid_t] {
    var members = [process]
    var next = 0
    while next < members.count {
      let folder = "/proc/\(members[next])/task"
      for thread in numbers(in: folder) { members += children(in: "\(folder)/\(thread)/children") }
      next += 1
    }
    return members
  }

  /// The numbers that are names in a folder.
  static func numbers(in folder: String) -> [CInt] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var numbers: [CInt] = []
    while let entry = readdir(stream) {
      withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          // Not "." and "..".
          if isdigit(CInt(name[0])) != 0 { numbers.append(atoi(name)) }
        }
      }
    }
    return numbers
  }

  /// The processes that a thread has started.
  private static func children(in file: String) -> [pid_t] {
    text(of: file).split(separator: " ").compactMap { pid_t($0) }
  }

  /// The first 4 KiB of a file; nothing where it cannot be read.
  static func text(of file: String) -> String {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { bytes in
      let count = read(descriptor, bytes.baseAddress, bytes.count)
      return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }
  }
}
