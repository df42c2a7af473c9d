/// One line about some bytes of a connection: where they are, what they mean, and the rule that they break.
public struct Annotation: Sendable, Equatable {
  /// Where the first byte stands, counted from 0: in the stream, or, for what was opened from a sealed record, in the
  /// frames of that record.
  public let offset: Int

  /// The bytes that the line is about; empty for a remark on what was said before.
  public let bytes: [UInt8]

  /// How deep the line is nested: 0 for a preamble or record, 1 for its frames, 2 for a frame's body.
  public let depth: Int

  /// Whether the offset counts within the frames of a sealed record.
  public let isInsideSealedRecord: Bool

  /// What the bytes mean, for people: text of the peer in it is escaped and cut.
  public let meaning: String

  /// The clause of the specification that the bytes break, such as `F-1.e`; nil if they break none that one direction
  /// of a connection shows.
  public let clause: String?

  /// The line as the command prints it: offset, the first bytes in hexadecimal, the meaning.
  public var line: String {
    let position = String(offset)
    let padding = String(repeating: " ", count: max(0, 6 - position.count))
    let shown = bytes.prefix(8).map { Hexadecimal.text([$0]) }.joined(separator: " ") + (bytes.count > 8 ? " …" : "")
    let hex = shown + String(repeating: " ", count: max(0, 26 - shown.count))
    let mark = isInsideSealedRecord ? "+" : " "
    let indentation = String(repeating: "  ", count: depth)
    let broken = clause.map { "  ← breaks \($0)" } ?? ""
    return "\(padding)\(position)\(mark) \(hex) \(indentation)\(meaning)\(broken)"
  }
}
