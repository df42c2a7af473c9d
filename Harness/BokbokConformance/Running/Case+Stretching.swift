extension Case {
  /// Whether the outcome may depend on how fast the machine is: the case tells the testee time limits, waits for silence,
  /// sends in slow pieces, or wants something sooner than the run's time limit.
  var dependsOnTime: Bool {
    let hasLimits = testee.limits?.object?.members.contains { Self.isTime($0.name) } ?? false
    return hasLimits || steps.contains(where: \.dependsOnTime)
  }

  /// The case with all times that it names stretched by the factor: the testee's limits, silences, the time between two
  /// pieces, and, beside such limits, how long a handler is asked to sleep. Else a limit would grow beyond the sleep that
  /// is to outlast it.
  func stretched(by factor: Double) -> Case {
    guard factor > 1 else { return self }
    var item = self
    if let limits = testee.limits?.object {
      item.testee.limits = .object(
        JSON.Object(
          limits.members.map { name, value in
            guard Self.isTime(name), let milliseconds = value.integer else { return (name, value) }
            return (name, .integer(Int((Double(milliseconds) * factor).rounded())))
          }
        )
      )
    }
    // The specification's own times, which hold where the case gives none, are not stretched.
    let givesTimes = testee.limits?.object?.members.contains { Self.isTime($0.name) } ?? false
    item.steps = steps.map { $0.stretched(by: factor, withLimits: givesTimes) }
    return item
  }

  /// In the testee contract all times, and nothing else, end so.
  private static func isTime(_ limit: String) -> Bool { limit.hasSuffix("Ms") }
}

extension Step {
  fileprivate var dependsOnTime: Bool {
    if timeLimit != nil || (pieces?.interval ?? .zero) > .zero { return true }
    switch action {
    case .silence: return true
    case .connect(let step): return (step.opening.pieces?.interval ?? .zero) > .zero
    case .opening(_, let opening): return (opening.pieces?.interval ?? .zero) > .zero
    case .repeat(let repetition): return repetition.steps.contains(where: \.dependsOnTime)
    default: return false
    }
  }

  /// From here on `withinMs` allows for much work; below it demands that something happens soon.
  private static let allowanceMin: Duration = .seconds(5)

  /// A short `withinMs` stays: a testee that is not at fault is much faster, and one that is at fault may be no slower
  /// than a longer time.
  fileprivate func stretched(by factor: Double, withLimits: Bool) -> Step {
    var step = self
    if let timeLimit, timeLimit >= Self.allowanceMin { step.timeLimit = timeLimit * factor }
    step.pieces = pieces?.stretched(by: factor)
    switch action {
    case .silence(let duration): step.action = .silence(duration * factor)
    case .send(let frames) where withLimits: step.action = .send(frames.map { $0.stretched(by: factor) })
    case .expect(let patterns) where withLimits: step.action = .expect(patterns.map { $0.stretched(by: factor) })
    case .expectAnyOrder(let patterns) where withLimits:
      step.action = .expectAnyOrder(patterns.map { $0.stretched(by: factor) })
    case .connect(let connect):
      step.action = .connect(
        ConnectStep(
          name: connect.name,
          start: connect.start,
          opening: connect.opening.stretched(by: factor),
          receiveBufferByteCount: connect.receiveBufferByteCount
        )
      )
    case .opening(let stage, let opening): step.action = .opening(until: stage, opening.stretched(by: factor))
    case .relay(.terminated(let duration)) where withLimits:
      step.action = .relay(.terminated(notBefore: duration * factor))
    case .relay(.killed(let duration)) where withLimits: step.action = .relay(.killed(notBefore: duration * factor))
    case .repeat(var repetition):
      repetition.steps = repetition.steps.map { $0.stretched(by: factor, withLimits: withLimits) }
      step.action = .repeat(repetition)
    default: break
    }
    return step
  }
}

extension OpeningStep {
  fileprivate func stretched(by factor: Double) -> OpeningStep {
    var opening = self
    opening.pieces = pieces?.stretched(by: factor)
    return opening
  }
}

extension Step.Pieces {
  fileprivate func stretched(by factor: Double) -> Step.Pieces {
    Step.Pieces(byteCount: byteCount, interval: interval * factor)
  }
}

extension FrameTemplate {
  /// A request `(sleep MS)` asks for a longer sleep.
  fileprivate func stretched(by factor: Double) -> FrameTemplate {
    guard case .bytes(let bytes) = body,
      let match = String(decoding: bytes, as: UTF8.self).wholeMatch(of: /\(5:sleep[0-9]+:([0-9]+)\)/),
      let milliseconds = Double(match.1)
    else { return self }
    let digits = "\(Int((milliseconds * factor).rounded()))"
    return FrameTemplate(
      kind: kind,
      flags: flags,
      id: id,
      body: .bytes(Array("(5:sleep\(digits.utf8.count):\(digits))".utf8)),
      declaredByteCount: declaredByteCount
    )
  }
}

extension FramePattern {
  /// The answer `(slept MS)` to what was stretched.
  fileprivate func stretched(by factor: Double) -> FramePattern {
    guard let match = value?.description.wholeMatch(of: /\(slept "([0-9]+)"\)/), let milliseconds = Double(match.1),
      let stretched = try? ValuePattern("(slept \"\(Int((milliseconds * factor).rounded()))\")")
    else { return self }
    var pattern = self
    pattern.value = stretched
    return pattern
  }
}
