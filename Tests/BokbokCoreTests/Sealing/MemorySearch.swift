#if os(Linux)
import BokbokCore
import Glibc

/// Looks for a secret in all memory of this process that can be written: heap, stacks and secret memory (H-8).
///
/// It remembers 16 bytes from the middle of the secret, in a map of its own that it does not search.
struct MemorySearch: ~Copyable {
  private static let needleByteCount = 16
  private static let windowByteCount = 1 << 20

  private let memory: UnsafeMutableRawPointer
  private let memoryByteCount: Int
  private var window: UnsafeMutableRawPointer { self.memory + 4096 }

  struct Failed: Error {
    var what: String
  }

  /// The first and last eight bytes are left out: an X25519 secret is used with some of their bits changed.
  init(for secret: borrowing SecretBytes) throws {
    self.memoryByteCount = 4096 + Self.windowByteCount
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard
      let memory = mmap(nil, self.memoryByteCount, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED
    else { throw Failed(what: "mmap") }
    self.memory = memory
    secret.withUnsafeBytes { secret in
      if let start = secret.baseAddress {
        memory.copyMemory(from: start + 8, byteCount: Self.needleByteCount)
      }
    }
  }

  deinit {
    munmap(self.memory, self.memoryByteCount)
  }

  /// The addresses at which the secret is found, each with the name of the map that it is in.
  func findings() throws -> [UInt: String] {
    let descriptor = Glibc.open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failed(what: "/proc/self/mem") }
    defer { close(descriptor) }
    var findings: [UInt: String] = [:]
    for map in try Self.writableMaps() {
      for range in self.withoutOwnMemory(map.range) {
        self.search(range, descriptor: descriptor) { findings[$0] = map.name }
      }
    }
    memset(self.window, 0, Self.windowByteCount)
    return findings
  }

  /// The system may have joined the search's own memory to a map beside it.
  private func withoutOwnMemory(_ range: Range<UInt>) -> [Range<UInt>] {
    let start = UInt(bitPattern: self.memory)
    let own = (start..<start + UInt(self.memoryByteCount)).clamped(to: range)
    return own.isEmpty ? [range] : [range.lowerBound..<own.lowerBound, own.upperBound..<range.upperBound]
  }

  private func search(_ range: Range<UInt>, descriptor: CInt, found: (UInt) -> Void) {
    var start = range.lowerBound
    while start < range.upperBound {
      let wanted = min(Self.windowByteCount, Int(range.upperBound - start))
      let got = pread(descriptor, self.window, wanted, off_t(bitPattern: start))
      // A map may have gone since the list was made.
      guard got >= Self.needleByteCount else { return }
      for offset in self.occurrences(byteCount: got) {
        found(start + UInt(offset))
      }
      guard got < Int(range.upperBound - start) else { return }
      start += UInt(got - Self.needleByteCount + 1)
    }
  }

  private func occurrences(byteCount: Int) -> [Int] {
    // Most memory is zero, so that another byte is looked for first.
    let needle = UnsafeRawBufferPointer(start: self.memory, count: Self.needleByteCount)
    let anchor = needle.firstIndex { $0 != 0 } ?? 0
    var offsets: [Int] = []
    var position = anchor
    let end = byteCount - Self.needleByteCount + anchor + 1
    while position < end, let found = memchr(self.window + position, Int32(needle[anchor]), end - position) {
      position = found - self.window
      if memcmp(self.window + position - anchor, self.memory, Self.needleByteCount) == 0 {
        offsets.append(position - anchor)
      }
      position += 1
    }
    return offsets
  }

  private struct Map {
    var range: Range<UInt>
    var name: String
  }

  private static func writableMaps() throws -> [Map] {
    guard let file = fopen("/proc/self/maps", "re") else { throw Failed(what: "/proc/self/maps") }
    defer { fclose(file) }
    var maps: [Map] = []
    var line = [CChar](repeating: 0, count: 4096)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let fields = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
      let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      if bounds.count == 2, fields[1].hasPrefix("rw") {
        maps.append(Map(range: bounds[0]..<bounds[1], name: fields.count > 5 ? String(fields[5]) : "anonymous"))
      }
    }
    return maps
  }
}
#endif
