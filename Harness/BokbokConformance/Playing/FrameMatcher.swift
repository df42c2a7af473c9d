internal import BokbokCore

/// Compares frames that have come with frames that are expected.
///
/// Pure: it looks at the frames again each time that more have come, and says whether they fit, cannot fit any more, or
/// are too few to tell.
struct FrameMatcher {
  enum Result {
    /// They fit; the frames at these places are used up.
    case matched(used: [Int], captures: Captures)
    /// More frames are needed.
    case needsMore
    case mismatch(expected: JSON, got: String)
  }

  /// What patterns capture.
  struct Captures {
    var ids: [String: UInt32] = [:]
    var bodies: [String: [UInt8]] = [:]
  }

  let context: CasePlayer

  /// The patterns in their order, and no other frame before or between.
  func match(_ patterns: [FramePattern], _ frames: [WireFrame]) throws -> Result {
    var captures = Captures()
    var used: [Int] = []
    var index = 0
    for pattern in patterns {
      while pattern.isAfterPart, index < frames.count, frames[index].isPart(of: pattern, in: context) {
        used.append(index)
        index += 1
      }
      guard index < frames.count else { return .needsMore }
      let frame = frames[index]
      if let mismatch = headMismatch(pattern, frame, captures) {
        return .mismatch(expected: pattern.source, got: "\(frame.summary): \(mismatch)")
      }
      var body = frame.body
      used.append(index)
      index += 1
      if pattern.isWholeMessage, frame.hasMore {
        let fragments = frames[index...].prefix { $0.kind == frame.kind && $0.id == frame.id && $0.hasMore }
        guard fragments.endIndex < frames.count else { return .needsMore }
        let last = frames[fragments.endIndex]
        guard last.kind == frame.kind, last.id == frame.id else {
          return .mismatch(expected: pattern.source, got: "\(last.summary) between the fragments of the message")
        }
        for fragment in fragments { body += fragment.body }
        body += last.body
        used += index...fragments.endIndex
        index = fragments.endIndex + 1
      }
      if let mismatch = try pattern.mismatch(ofBody: body, in: context) {
        return .mismatch(expected: pattern.source, got: "\(frame.summary): \(mismatch)")
      }
      capture(pattern, frame, body, &captures)
    }
    return .matched(used: used, captures: captures)
  }

  /// One of the sequences. If none can fit any more, the one that fitted longest is the one that was meant.
  func matchOneOf(_ sequences: [[FramePattern]], _ frames: [WireFrame]) throws -> Result {
    var mismatches: [String] = []
    var isOpen = false
    for sequence in sequences {
      switch try match(sequence, frames) {
      case .matched(let used, let captures): return .matched(used: used, captures: captures)
      case .needsMore: isOpen = true
      case .mismatch(_, let got): mismatches.append(got)
      }
    }
    if isOpen { return .needsMore }
    let expected = JSON.array(sequences.map { .array($0.map(\.source)) })
    return .mismatch(expected: expected, got: mismatches.joined(separator: "; or "))
  }

  /// All of the patterns in any order, and no other frame; fragments of different messages may alternate.
  func matchAnyOrder(_ patterns: [FramePattern], _ frames: [WireFrame]) throws -> Result {
    var remaining = patterns
    var captures = Captures()
    var used: [Int] = []
    var parts: [UInt64: (body: [UInt8], places: [Int])] = [:]
    for (index, frame) in frames.enumerated() {
      guard !remaining.isEmpty else { break }
      let key = UInt64(frame.kind) << 32 | UInt64(frame.id)
      var part = parts.removeValue(forKey: key) ?? ([], [])
      part.body += frame.body
      part.places.append(index)
      if frame.hasMore, frame.knownKind?.hasFragments == true {
        parts[key] = part
        continue
      }
      var reasons: [String] = []
      var found: Int?
      for (place, pattern) in remaining.enumerated() where found == nil {
        if let mismatch = headMismatch(pattern, frame, captures) {
          reasons.append(mismatch)
        } else if let mismatch = try pattern.mismatch(ofBody: part.body, in: context) {
          reasons.append(mismatch)
        } else {
          found = place
        }
      }
      guard let found else {
        let expected = JSON.array(remaining.map(\.source))
        let reason = reasons.joined(separator: "; ")
        return .mismatch(expected: expected, got: "\(frame.summary), which is none of them: \(reason)")
      }
      capture(remaining.remove(at: found), frame, part.body, &captures)
      used += part.places
    }
    return remaining.isEmpty ? .matched(used: used.sorted(), captures: captures) : .needsMore
  }

  /// The pattern's frame comes before the last fragment of the other message, of which parts may come before it.
  func matchOvertaking(_ pattern: FramePattern, _ overtaken: FramePattern, _ frames: [WireFrame]) throws -> Result {
    for (index, frame) in frames.enumerated() {
      if headMismatch(overtaken, frame, Captures()) == nil {
        guard frame.hasMore else {
          let got = "\(frame.summary), the end of the message that was to be overtaken"
          return .mismatch(expected: pattern.source, got: got)
        }
        continue
      }
      switch try match([pattern], Array(frames[index...])) {
      case .matched(let used, let captures): return .matched(used: used.map { $0 + index }, captures: captures)
      case let other: return other
      }
    }
    return .needsMore
  }

  private func headMismatch(_ pattern: FramePattern, _ frame: WireFrame, _ captures: Captures) -> String? {
    if case .captured(let name)? = pattern.id, let id = captures.ids[name], frame.kind == pattern.kind.rawValue {
      return id == frame.id ? nil : "its exchange id is \(frame.id), not \(id)"
    }
    return pattern.mismatch(ofHead: frame, in: context)
  }

  private func capture(_ pattern: FramePattern, _ frame: WireFrame, _ body: [UInt8], _ captures: inout Captures) {
    if case .captured(let name)? = pattern.id { captures.ids[name] = frame.id }
    if let name = pattern.captureName { captures.bodies[name] = body }
  }
}

extension WireFrame {
  /// Whether this is a fragment, but not the last, of what the pattern's ERROR or CANCEL cuts short.
  fileprivate func isPart(of pattern: FramePattern, in context: some TemplateContext) -> Bool {
    let partKind: WireKind = pattern.kind == .error ? .response : .request
    guard knownKind == partKind, hasMore else { return false }
    guard let expected = try? pattern.id?.number(in: context) else { return true }
    return expected == id
  }

  /// The frame in a few words.
  var summary: String {
    var text = kindName
    if knownKind?.hasExchange != false { text += " \(id)" }
    if hasMore { text += " MORE" }
    let value = (try? WireValues.decode(body)).map { String(displaying: $0.debugDescription, charactersMax: 120) }
    return text + " " + (value ?? "with a body of \(body.count) bytes")
  }
}
