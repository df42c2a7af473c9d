internal import Dispatch

/// Standard input in lines, read on a thread of its own.
enum InputLines {
  /// The lines without their ends; also what stands after the last end, if anything. The sequence ends with the input.
  static func standardInput() -> AsyncStream<[UInt8]> {
    let (lines, continuation) = AsyncStream.makeStream(of: [UInt8].self)
    DispatchQueue(label: "bokbok.input").async {
      var line: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while case .success(let count) = chunk.withUnsafeMutableBytes({ POSIXFile.readSome(0, into: $0) }), count > 0 {
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
