/// One thing that a new testee must be able to do, in the order in which an author makes it work.
struct SmokeStage: Sendable {
  let title: String
  /// What to look at when it does not work.
  let advice: String
  let security: Configuration.Security
  let role: Configuration.Role
  /// The steps of a case, in the format of the case files.
  let steps: String

  static let all: [SmokeStage] = Configuration.Security.allCases.flatMap { security in
    Configuration.Role.allCases.flatMap { stages(security, $0) }
  }

  private static func stages(_ security: Configuration.Security, _ role: Configuration.Role) -> [SmokeStage] {
    let name = "\(security.rawValue) \(role.rawValue)"
    let command =
      role == .server
      ? "the command listen, with its reply's real address, and the event opened"
      : "the command connect, whose reply comes once the connection is open"
    let opening =
      security == .plain
      ? "the preamble (section 2 of the specification) and SETTINGS, a frame in a record (sections 4 and 5)"
      : "the handshake (section 3): vectors of the subject handshakes show every byte of it"
    return [
      SmokeStage(
        title: "\(name): opens a connection, and closes it in order",
        advice: "look at \(command); then at \(opening); then at CLOSE and the event closed",
        security: security,
        role: role,
        steps: #"[{ "fence": {} }]"#
      ),
      SmokeStage(
        title: "\(name): answers (echo hello) of the kit",
        advice: "look at the event request and at the conformance service, of which echo is the first",
        security: security,
        role: role,
        steps: #"[{ "roundTrip": { "value": "(echo hello)" } }]"#
      ),
      SmokeStage(
        title: "\(name): sends (echo hello) and gets the answer",
        advice: "look at the command request: its payload is hexadecimal, and so is response in its reply",
        security: security,
        role: role,
        steps: #"""
          [{ "command": { "name": "request", "as": "r", "payload": "(echo hello)" } },
           { "expect": { "kind": "REQUEST", "id": "$r", "value": "(echo hello)" } },
           { "send": { "kind": "RESPONSE", "id": "$r", "value": "(echo hello)" } },
           { "reply": { "to": "r", "ok": { "response": "(echo hello)" } } }]
          """#
      ),
    ]
  }

  /// The stage as a case. Throws ``DataError`` if the steps are wrong.
  func makeCase(_ loader: CaseLoader) throws(DataError) -> Case {
    let text = """
      { "subject": "smoke", "cases": [{ "id": "F-1/smoke", "title": "A connection works at all", "clauses": ["F-1.a"],
        "why": "Whoever cannot do this fails nearly every case.", "steps": \(steps) }] }
      """
    guard let item = try loader.load(Array(text.utf8), file: "smoke").first else {
      throw DataError(file: "smoke", message: "no case")
    }
    return item
  }
}
