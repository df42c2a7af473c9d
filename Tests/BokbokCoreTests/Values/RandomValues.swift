import BokbokCore
import NIOCore

/// Random numbers that are the same in every run (SplitMix64, by Steele, Lea and Flood).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    self.state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension Value {
  /// A value of lists at most `depthMax` deep, whose atoms are of every kind that the notation knows.
  static func random(depthMax: Int, using generator: inout SeededGenerator) -> Value {
    if depthMax == 0 || Int.random(in: 0..<3, using: &generator) == 0 { return randomAtom(using: &generator) }
    let count = Int.random(in: 0..<6, using: &generator)
    return .list((0..<count).map { _ in random(depthMax: depthMax - 1, using: &generator) })
  }

  private static func randomAtom(using generator: inout SeededGenerator) -> Value {
    let count = Int.random(in: 0..<80, using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0:
      return Value(bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
    case 1:
      return Value(bytes: (0..<count).map { _ in UInt8.random(in: 0x20...0x7E, using: &generator) })
    case 2:
      return Value(Int.random(in: Int.min...Int.max, using: &generator))
    case 3:
      return Value(String((0..<count).compactMap { _ in "abcXYZ0189-./_:*+=".randomElement(using: &generator) }))
    default:
      return Value(
        String((0..<count).compactMap { _ in "aé水\u{1F600}\"\\\t\r\n\u{202E}\u{0}".randomElement(using: &generator) })
      )
    }
  }

  /// Lists within each other, this many, around one atom if there is one.
  static func nested(depth: Int, around innermost: Value? = nil) -> Value {
    var value = Value.list(innermost.map { [$0] } ?? [])
    for _ in 1..<depth { value = .list([value]) }
    return value
  }
}
