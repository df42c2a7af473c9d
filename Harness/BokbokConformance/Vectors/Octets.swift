/// Bytes as the vector files hold them: hexadecimal digits, or a list of parts in which a long repetition is written as
/// `{"repeat": "28", "count": 1000000}`, so that files stay small.
struct Octets: Equatable, Sendable {
  /// Some of the bytes.
  enum Part: Equatable, Sendable {
    case literal([UInt8])
    case repeated([UInt8], count: Int)
  }

  private(set) var parts: [Part]

  /// Nothing in a vector has more bytes: a bound for files with a wrong count.
  static let byteCountMax = 64 * 1024 * 1024

  init(_ parts: [Part]) {
    self.parts = parts
  }

  init(_ bytes: some Sequence<UInt8>) {
    self.init([.literal(Array(bytes))])
  }

  init(text: String) {
    self.init(text.utf8)
  }

  static func repeating(_ text: String, count: Int) -> Octets {
    Octets([.repeated(Array(text.utf8), count: count)])
  }

  static func + (left: Octets, right: Octets) -> Octets {
    Octets(left.parts + right.parts)
  }

  /// All the bytes.
  var bytes: [UInt8] {
    if case .literal(let bytes) = parts.first, parts.count == 1 { return bytes }
    var bytes: [UInt8] = []
    for part in parts {
      switch part {
      case .literal(let literal): bytes.append(contentsOf: literal)
      case .repeated(let pattern, let count):
        bytes.reserveCapacity(bytes.count + pattern.count * count)
        if pattern.count == 1 {
          bytes.append(contentsOf: repeatElement(pattern[0], count: count))
        } else {
          for _ in 0..<count { bytes.append(contentsOf: pattern) }
        }
      }
    }
    return bytes
  }
}

// MARK: - JSON

extension Octets {
  /// Reads either form; nil for any other value.
  init?(_ json: JSON) {
    if let text = json.string {
      guard let bytes = Self.bytes(ofDigits: text) else { return nil }
      self.init([.literal(bytes)])
      return
    }
    guard let elements = json.array else { return nil }
    var parts: [Part] = []
    var byteCount = 0
    for element in elements {
      if let text = element.string {
        guard let bytes = Self.bytes(ofDigits: text) else { return nil }
        parts.append(.literal(bytes))
        byteCount += bytes.count
      } else {
        guard let text = element["repeat"]?.string, let pattern = Self.bytes(ofDigits: text), !pattern.isEmpty,
          let count = element["count"]?.integer, (1...Self.byteCountMax).contains(count)
        else { return nil }
        parts.append(.repeated(pattern, count: count))
        byteCount += pattern.count * count
      }
      guard byteCount <= Self.byteCountMax else { return nil }
    }
    self.init(parts)
  }

  /// Lower case only, without spaces: a file has one spelling.
  private static func bytes(ofDigits text: String) -> [UInt8]? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return nil }
    return Hexadecimal.bytes(text)
  }

  /// The text, if there is no repetition; else the parts.
  var json: JSON {
    var elements: [JSON] = []
    var literal: [UInt8] = []
    for part in parts {
      switch part {
      case .literal(let bytes):
        literal.append(contentsOf: bytes)
      case .repeated(let pattern, let count):
        if !literal.isEmpty { elements.append(.string(Hexadecimal.text(literal))) }
        literal = []
        elements.append(["repeat": .string(Hexadecimal.text(pattern)), "count": .integer(count)])
      }
    }
    if elements.isEmpty { return .string(Hexadecimal.text(literal)) }
    if !literal.isEmpty { elements.append(.string(Hexadecimal.text(literal))) }
    return .array(elements)
  }
}

// MARK: - Finding repetitions

extension Octets {
  /// Repetitions of one byte that are shorter are written out.
  private static let runByteCountMin = 96

  /// The bytes, with long runs of one byte as repetitions.
  init(compacting bytes: [UInt8]) {
    var parts: [Part] = []
    var literalStart = 0
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      var end = index + 1
      while end < bytes.count, bytes[end] == byte { end += 1 }
      if end - index >= Self.runByteCountMin {
        if literalStart < index { parts.append(.literal(Array(bytes[literalStart..<index]))) }
        parts.append(.repeated([byte], count: end - index))
        literalStart = end
      }
      index = end
    }
    if literalStart < bytes.count || parts.isEmpty { parts.append(.literal(Array(bytes[literalStart...]))) }
    self.init(parts)
  }
}
