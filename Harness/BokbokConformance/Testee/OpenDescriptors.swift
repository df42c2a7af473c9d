internal import Foundation

/// The descriptors that a testee has open, over its process and all that it started: after a case they must be no more than
/// before.
struct OpenDescriptors {
  private struct Descriptor: Hashable {
    let process: pid_t
    let number: CInt
  }

  private let descriptors: [Descriptor]

  var count: Int { descriptors.count }

  /// Nil where the system does not tell.
  init?(process: pid_t) {
    var descriptors: [Descriptor] = []
    var processes = [process]
    while let process = processes.popLast() {
      for number in Self.numbers(in: "/proc/\(process)/fd") {
        descriptors.append(Descriptor(process: process, number: number))
      }
      for thread in Self.numbers(in: "/proc/\(process)/task") {
        processes += Self.children(in: "/proc/\(process)/task/\(thread)/children")
      }
    }
    guard !descriptors.isEmpty else { return nil }
    self.descriptors = descriptors
  }

  /// What is open now and was not before, as it is at this moment, such as `4242: socket:[4711]`. A number that was closed
  /// and serves again is not among them; where there are more descriptors than before, at least as many have new ones.
  func additions(to before: OpenDescriptors) -> [String] {
    let old = Set(before.descriptors)
    return descriptors.filter { !old.contains($0) }.map { descriptor in
      let link = "/proc/\(descriptor.process)/fd/\(descriptor.number)"
      return "\(descriptor.process): \(Self.target(of: link) ?? "?")"
    }.sorted()
  }

  // The system's own calls and no texts: this is asked before and after each case, where texts took a twentieth of a run.

  /// The numbers that are names in a folder.
  private static func numbers(in folder: String) -> [CInt] {
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
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { line in
      let count = read(descriptor, line.baseAddress, line.count)
      guard count > 0 else { return [] }
      return String(decoding: line[..<count], as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    }
  }

  private static func target(of link: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link, &target, target.count)
    return count < 0 ? nil : String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
