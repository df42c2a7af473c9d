internal import Dispatch

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Standard input, or another descriptor, in lines, read on a thread of its own.
enum InputLines {
  /// The lines without their ends; also what stands after the last end, if anything. The sequence ends with the input.
  static func standardInput() -> AsyncStream<[UInt8]> { of(STDIN_FILENO) }

  /// The same of another descriptor.
  static func of(_ descriptor: Int32) -> AsyncStream<[UInt8]> {
    let (lines, continuation) = AsyncStream.makeStream(of: [UInt8].self)
    DispatchQueue(label: "bokbok.input").async {
      var line: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while case .success(let count) = chunk.withUnsafeMutableBytes({ POSIXFile.readSome(descriptor, into: $0) }),
        count > 0
      {
        var rest = chunk[..<count]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          continuation.yield(line + rest[..<end])
          line.removeAll(keepingCapacity: true)
          rest = rest[(end + 1)...]
        }
        line.append(contentsOf: rest)
      }
      if !line.isEmpty { continuation.yield(line) }
      continuation.finish()
    }
    return lines
  }
}
