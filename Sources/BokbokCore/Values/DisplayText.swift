public import NIOCore

// E-5: text of the other side is shown and logged with control and format characters escaped, and cut.

extension String {
  /// Bytes of the other side for people and logs (E-5): UTF-8 with everything escaped that could pretend to be
  /// something else, and cut.
  ///
  /// - Control and format characters (also those that change the direction of writing), line and paragraph separators,
  ///   other invisible characters and code points that no version of Unicode known here assigns are written as
  ///   `\u{202E}`; a backslash is written as `\\`, so that the result cannot be mistaken.
  /// - Bytes that are not UTF-8 are written as `\xFF`.
  /// - What is longer is cut and ends in `…`; an escape is never cut in two.
  ///
  /// The work is bounded by `charactersMax`, whatever the number of bytes.
  ///
  /// - Parameters:
  ///   - buffer: its readable bytes are taken.
  ///   - charactersMax: how many characters (Unicode scalars, so that piled up combining marks count too) the result
  ///     has at most, with the `…`; 256 by default, at least 1.
  public init(displaying buffer: ByteBuffer, charactersMax: Int = 256) {
    self = buffer.withUnsafeReadableBytes { DisplayText.render($0, charactersMax: charactersMax) }
  }

  /// Bytes of the other side for people and logs (E-5): the same as of a buffer that holds them.
  public init(displaying bytes: [UInt8], charactersMax: Int = 256) {
    self = bytes.withUnsafeBytes { DisplayText.render($0, charactersMax: charactersMax) }
  }

  /// Text of the other side for people and logs (E-5): the same as of a buffer that holds its UTF-8 bytes.
  public init(displaying text: some StringProtocol, charactersMax: Int = 256) {
    var text = String(text)
    self = text.withUTF8 { DisplayText.render(UnsafeRawBufferPointer($0), charactersMax: charactersMax) }
  }
}

enum DisplayText {
  fileprivate static func render(_ bytes: UnsafeRawBufferPointer, charactersMax: Int) -> String {
    let countMax = max(1, charactersMax)
    var result = String.UnicodeScalarView()
    var count = 0
    var lastPieceCount = 0
    var pieces = Pieces(bytes)
    while let piece = pieces.next()?.unicodeScalars {
      let pieceCount = piece.count
      guard count + pieceCount <= countMax else {
        // The ellipsis needs a place of its own.
        if count == countMax { result.removeLast(lastPieceCount) }
        result.append("\u{2026}")
        break
      }
      result.append(contentsOf: piece)
      count += pieceCount
      lastPieceCount = pieceCount
    }
    return String(result)
  }

  /// What each scalar, and each byte that belongs to none, is shown as.
  private struct Pieces: IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private var input: UnsafeRawBufferPointer.Iterator
    private var parser = Unicode.UTF8.ForwardParser()
    private var offset = 0
    private var invalidEnd = 0

    /// The bytes must outlive the iterator.
    init(_ bytes: UnsafeRawBufferPointer) {
      self.bytes = bytes
      self.input = bytes.makeIterator()
    }

    mutating func next() -> String? {
      if offset == invalidEnd {
        switch parser.parseScalar(from: &input) {
        case .valid(let encoded):
          offset += encoded.count
          invalidEnd = offset
          return DisplayText.piece(for: Unicode.UTF8.decode(encoded))
        case .error(let length):
          invalidEnd = offset + length
        case .emptyInput:
          return nil
        }
      }
      let byte = bytes[offset]
      offset += 1
      return "\\x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
  }

  private static func piece(for scalar: Unicode.Scalar) -> String {
    if scalar == "\\" { return "\\\\" }
    if isHidden(scalar) { return "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}" }
    return String(scalar)
  }

  /// Whether a character shows nothing of its own, or changes how others are shown.
  static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
    return switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
    // Variation selectors are ignorable too, but only choose a look of the visible character before them.
    case .nonspacingMark: false
    default: scalar.properties.isDefaultIgnorableCodePoint
    }
  }
}
