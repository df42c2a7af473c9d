/// Where what the kit sends at once is cut when the implementation reads it.
package enum Split: Sendable, Equatable, CustomStringConvertible {
  /// Nowhere.
  case whole
  /// Every byte by itself.
  case bytes
  /// In two, behind so many bytes; negative: before the last so many.
  case at(Int)

  /// Longer than this, only the first and the last bytes of what is sent at once are read one by one.
  package static let byteByByteMax = 65_536
  private static let edgeByteCount = 4096
  /// All ways to cut other than none, if the kit sends at most so much at once: byte by byte, and in two at each place.
  ///
  /// Where more than 288 bytes are sent at once, these are the first 256 places and the last 32; of more than 64 KiB, the
  /// first 8 and the last 4: such a case takes long, and what is in the middle of a body is alike.
  package static func all(longestSend: Int) -> [Split] {
    let (startCount, endCount) = longestSend > byteByByteMax ? (8, 4) : (256, 32)
    let fromStart = (1...startCount).filter { $0 < longestSend }.map { Split.at($0) }
    let fromEnd = (1...endCount).filter { longestSend - $0 > startCount }.map { Split.at(-$0) }
    return [.bytes] + fromStart + fromEnd
  }

  /// Some of the ways, spread evenly over them: other ones for each case and configuration, so that all of them together
  /// miss little.
  package static func some(_ count: Int, longestSend: Int, of path: String) -> [Split] {
    let all = all(longestSend: longestSend)
    guard count < all.count else { return all }
    // FNV-1a: the same in every run.
    let hash = path.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let offset = Int(hash % UInt64(all.count))
    return (0..<count).map { all[(offset + $0 * all.count / count) % all.count] }
  }

  /// How many bytes are read at once, from this place on in a piece that was sent at once.
  package func readLength(at offset: Int, of byteCount: Int) -> Int {
    let rest = byteCount - offset
    switch self {
    case .whole:
      return rest
    case .bytes:
      guard byteCount > Self.byteByByteMax else { return 1 }
      let isAtEdge = offset < Self.edgeByteCount || rest <= Self.edgeByteCount
      // A prime number, so that no boundary of a frame is met by chance again and again.
      return isAtEdge ? 1 : min(4093, rest - Self.edgeByteCount)
    case .at(let place):
      let place = place < 0 ? byteCount + place : place
      return place > offset && place < byteCount ? place - offset : rest
    }
  }

  package var description: String {
    switch self {
    case .whole: "nowhere"
    case .bytes: "byte by byte"
    case .at(let place) where place < 0: "\(-place) bytes before the end of what was sent at once"
    case .at(let place): "after byte \(place) of what was sent at once"
    }
  }
}

/// In which ways the kit's bytes are cut in a run.
package enum Splitting: String, Sendable, CaseIterable {
  /// They are not.
  case whole
  /// Byte by byte.
  case bytes
  /// Each case is played uncut, byte by byte, and cut in two at every place.
  case every
}
