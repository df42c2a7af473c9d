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
    let descriptors = ProcessTree.members(of: process).flatMap { process in
      ProcessTree.numbers(in: "/proc/\(process)/fd").map { Descriptor(process: process, number: $0) }
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

  private static func target(of link: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link, &target, target.count)
    return count < 0 ? nil : String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
