extension Case {
  /// Whether the testee has to reject something: a step waits for a refusal, or for the end after a violation or
  /// tampering. Every other case is positive.
  package var isNegative: Bool { steps.contains(where: \.isRejection) }
}

extension Step {
  fileprivate var isRejection: Bool {
    switch action {
    case .refusal, .violation, .tampering: true
    case .repeat(let repetition): repetition.steps.contains(where: \.isRejection)
    default: false
    }
  }
}
