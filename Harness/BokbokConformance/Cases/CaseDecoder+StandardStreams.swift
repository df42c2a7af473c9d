extension CaseDecoder {
  static func relayOptions(_ source: JSON) -> RelayOptions {
    RelayOptions(
      lingers: source["lingers"]?.bool ?? false,
      ignoresTermination: source["ignoresTermination"]?.bool ?? false,
      arguments: source["arguments"]?.string ?? ""
    )
  }

  static func relayStep(_ source: JSON) throws -> RelayStep {
    let milliseconds = source["notBeforeMs"]?.integer
    let expected = source["expect"]?.string ?? ""
    guard milliseconds == nil || ["terminated", "killed"].contains(expected) else {
      throw Problem(step: nil, message: "\"notBeforeMs\" goes with terminated and killed")
    }
    guard source["words"] == nil && source["descriptors"] == nil || expected == "started" else {
      throw Problem(step: nil, message: "\"words\" and \"descriptors\" go with started")
    }
    switch expected {
    case "started":
      return .started(words: source["words"]?.strings, descriptors: source["descriptors"]?.array?.compactMap(\.integer))
    case "inputEnded": return .inputEnded
    case "terminated": return .terminated(notBefore: .milliseconds(milliseconds ?? 0))
    case "killed": return .killed(notBefore: .milliseconds(milliseconds ?? 0))
    case "ended": return .ended
    case "reaped": return .reaped
    default: return .kill
    }
  }

  /// What only standard input and output have, no case for other transports may ask for.
  static func checkStandardStreams(in item: Case) throws {
    if item.testee.relay != nil, item.transports != [.stdio] || item.roles != [.client] {
      throw Problem(step: nil, message: "\"relay\" is for the transport stdio and the role client alone")
    }
    if item.testee.standardStreams != .pipes, item.transports != [.stdio] || item.roles != [.server] {
      throw Problem(step: nil, message: "\"standardStreams\" is for the transport stdio and the role server alone")
    }
    let usesRelay = item.steps.contains { if case .relay = $0.action { true } else { false } }
    if usesRelay, item.testee.relay == nil {
      throw Problem(step: nil, message: "a step \"relay\" needs \"relay\" in \"testee\", if only {}")
    }
  }
}
