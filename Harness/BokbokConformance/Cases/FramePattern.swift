/// A frame that is expected, or a whole message in frames.
struct FramePattern: Sendable {
  let kind: WireKind
  let id: IDTemplate?
  /// For one frame with or without MORE; nil for a whole message.
  let more: Bool?
  var value: ValuePattern?
  let body: ByteTemplate?
  let codes: [String]?
  let message: ByteTemplate?
  let details: ValuePattern?
  let bodyByteCounts: ClosedRange<Int>?
  /// Whether fragments may come before: of the RESPONSE that an ERROR cuts short, or of REQUESTs before a CANCEL or CLOSE.
  let isAfterPart: Bool
  /// The name under which the body is kept.
  let captureName: String?
  /// The pattern as it stands in the file.
  let source: JSON

  /// Whether fragments are joined before they are compared.
  var isWholeMessage: Bool { kind.hasFragments && more == nil }

  /// Why the kind and the id of a frame do not fit; nil if they do. An id that is captured under a new name always fits.
  func mismatch(ofHead frame: WireFrame, in context: some TemplateContext) -> String? {
    guard frame.kind == kind.rawValue else { return "it is \(frame.kindName), not \(kind.name)" }
    if let id, let number = try? id.number(in: context), number != frame.id {
      return "its exchange id is \(frame.id), not \(number)"
    }
    if let more, more != frame.hasMore { return more ? "it has no flag MORE" : "it has the flag MORE" }
    return nil
  }

  /// Why a body does not fit; nil if it does.
  func mismatch(ofBody bytes: [UInt8], in context: some TemplateContext) throws -> String? {
    if let value, !value.matches(bytes) { return "its value is not \(value)" }
    if let body {
      let expected = try body.build(in: context)
      if bytes != expected { return Self.difference(bytes, expected) }
    }
    if let bodyByteCounts, !bodyByteCounts.contains(bytes.count) {
      return "its body has \(bytes.count) bytes, not \(bodyByteCounts.lowerBound) to \(bodyByteCounts.upperBound)"
    }
    guard codes != nil || message != nil || details != nil else { return nil }
    let parts: WireErrorBody
    do {
      parts = try WireErrorBody(bytes, takesDetails: kind == .error, clause: "E-1.a")
    } catch {
      return error.message
    }
    if let codes, !codes.contains(parts.code) {
      return "its code is \(parts.code), not \(codes.joined(separator: " or "))"
    }
    if let message {
      let expected = try message.build(in: context)
      if parts.message != expected { return "its message is another: \(Self.difference(parts.message, expected))" }
    }
    if let details, !details.matches(elements: parts.details) { return "its details are not \(details)" }
    return nil
  }

  private static func difference(_ bytes: [UInt8], _ expected: [UInt8]) -> String {
    let index = zip(bytes, expected).prefix { $0 == $1 }.map { _ in 1 }.count
    let counts = "\(bytes.count) bytes, \(expected.count) were expected"
    return "the bytes differ from byte \(index) on (\(counts))"
  }
}
