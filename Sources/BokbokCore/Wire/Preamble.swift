package import NIOCore

/// The first eight bytes of each side (section 2): "BOKBOK", version, mode.
package struct Preamble: Equatable, Sendable {
  package static let magic: [UInt8] = Array("BOKBOK".utf8)
  /// The size of a preamble, in bytes.
  package static let byteCount = 8
  /// The only version this implementation speaks.
  package static let currentVersion: UInt8 = 1

  /// The mode byte of a preamble.
  package struct Mode: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    package static let plain = Mode(rawValue: 0x00)
    package static let sealed = Mode(rawValue: 0x01)
    package static let refused = Mode(rawValue: 0xFF)
  }

  package var version: UInt8
  package var mode: Mode

  package init(version: UInt8 = Preamble.currentVersion, mode: Mode) {
    self.version = version
    self.mode = mode
  }

  /// The preamble as it goes over the wire.
  package var bytes: [UInt8] {
    Preamble.magic + [version, mode.rawValue]
  }

  /// What the bytes that have come so far are.
  package enum Reading: Equatable, Sendable {
    /// All bytes so far fit; more are needed.
    case incomplete
    /// One of the first six bytes is another (O-3, O-9).
    case foreign
    case preamble(Preamble)
  }

  /// Looks at the start of a stream without taking anything from it.
  package static func read(_ bytes: ByteBuffer) -> Reading {
    let view = bytes.readableBytesView
    for (expected, byte) in zip(magic, view) where expected != byte {
      return .foreign
    }
    guard view.count >= byteCount else { return .incomplete }
    let start = view.startIndex
    return .preamble(Preamble(version: view[start + 6], mode: Mode(rawValue: view[start + 7])))
  }
}
