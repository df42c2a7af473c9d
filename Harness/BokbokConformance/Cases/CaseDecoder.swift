/// Makes a case of JSON that fits the schema.
struct CaseDecoder {
  /// What the schema cannot see: notation that is none, a step that does not fit.
  struct Problem: Error {
    let step: String?
    let message: String
  }

  private let source: JSON
  private let subject: String

  init(case source: JSON, subject: String) {
    self.source = source
    self.subject = subject
  }

  func decode() throws -> Case {
    let start = Case.Start(rawValue: source["start"]?.string ?? "open") ?? .open
    let options = source["testee"]
    let decoded = Case(
      id: source["id"]?.string ?? "",
      subject: subject,
      title: source["title"]?.string ?? "",
      clauses: source["clauses"]?.strings ?? [],
      level: Case.Level(rawValue: source["level"]?.string ?? "must") ?? .must,
      roles: source["roles"]?.strings.compactMap { Configuration.Role(rawValue: $0) } ?? Configuration.Role.allCases,
      security: source["security"]?.strings.compactMap { Configuration.Security(rawValue: $0) }
        ?? Configuration.Security.allCases,
      transports: source["transports"]?.strings.compactMap { Configuration.Transport(rawValue: $0) }
        ?? Configuration.Transport.allCases,
      needs: source["needs"]?.strings ?? [],
      why: source["why"]?.string ?? "",
      start: start,
      opening: try Self.opening(source["opening"] ?? [:], pieces: nil),
      receiveBufferByteCount: source["receiveBufferBytes"]?.integer,
      testee: TesteeOptions(
        settings: options?["settings"],
        limits: options?["limits"],
        users: options?["users"],
        user: options?["user"]?.string,
        key: options?["key"]?.string,
        relay: options?["relay"].map { Self.relayOptions($0) },
        standardStreams: options?["standardStreams"]?.string.flatMap { .init(rawValue: $0) } ?? .pipes
      ),
      closesAtEnd: source["finish"]?.string != "none",
      steps: try Self.steps(source["steps"]?.array ?? [], prefix: ""),
      source: source
    )
    try Self.checkSilences(in: decoded)
    try Self.checkStandardStreams(in: decoded)
    try Self.checkMemory(in: decoded)
    return decoded
  }

  /// Once a connection is open, a fence proves more than waiting does.
  private static func checkSilences(in item: Case) throws {
    var openConnections: Set<String> = item.start == .open ? ["a"] : []
    for step in item.steps {
      switch step.action {
      case .connect(let connect) where connect.start == .open: openConnections.insert(connect.name)
      case .opening(until: .open, _): openConnections.insert(step.connection)
      case .silence where openConnections.contains(step.connection):
        throw Problem(step: step.place, message: "silence proves nothing once the connection is open: use a fence")
      default: break
      }
    }
  }

  static func steps(_ sources: [JSON], prefix: String) throws -> [Step] {
    try sources.enumerated().map { index, source in
      let place = prefix + String(index + 1)
      do {
        return try step(source, place: place)
      } catch let problem as Problem {
        throw problem.step == nil ? Problem(step: place, message: problem.message) : problem
      } catch {
        throw Problem(step: place, message: "\(error)")
      }
    }
  }

  private static let modifiers: Set = ["on", "only", "note", "withinMs", "notBeforeMs", "pieces", "everyMs"]
  private static let sendingActions: Set = ["send", "sendMessage", "sendRecord", "sendBytes"]

  private static func step(_ source: JSON, place: String) throws -> Step {
    let members = source.object?.members ?? []
    let actions = members.filter { !modifiers.contains($0.name) }
    guard let action = actions.first, actions.count == 1 else {
      let names = actions.isEmpty ? "none" : actions.map(\.name).joined(separator: ", ")
      throw Problem(step: place, message: "a step has exactly one action, found \(names)")
    }
    guard source["pieces"] == nil || sendingActions.contains(action.name) else {
      throw Problem(step: place, message: "\"pieces\" is for steps that send, not for \(action.name)")
    }
    guard source["everyMs"] == nil || source["pieces"] != nil else {
      throw Problem(step: place, message: "\"everyMs\" needs \"pieces\"")
    }
    guard source["notBeforeMs"] == nil || action.name == "expect" else {
      throw Problem(step: place, message: "\"notBeforeMs\" is for expect, not for \(action.name)")
    }
    return Step(
      place: place,
      connection: source["on"]?.string ?? "a",
      only: source["only"]?.strings ?? [],
      timeLimit: source["withinMs"]?.integer.map { .milliseconds($0) },
      notBefore: source["notBeforeMs"]?.integer.map { .milliseconds($0) },
      pieces: pieces(source),
      action: try self.action(action.name, action.value, place: place),
      source: source
    )
  }

  static func pieces(_ source: JSON) -> Step.Pieces? {
    source["pieces"]?.integer.map {
      Step.Pieces(byteCount: $0, interval: .milliseconds(source["everyMs"]?.integer ?? 0))
    }
  }

  static func opening(_ source: JSON, pieces: Step.Pieces?) throws -> OpeningStep {
    if source["settings"] != nil, source["settingsBody"] != nil {
      throw Problem(step: nil, message: "\"settings\" and \"settingsBody\" exclude each other")
    }
    return OpeningStep(
      user: try source["user"].map { user in
        try user.string.map { .bytes(Array($0.utf8)) } ?? TemplateDecoder.bytes(user)
      },
      key: source["key"]?.string.flatMap { Hexadecimal.bytes($0) },
      preamble: try source["preamble"].map { try TemplateDecoder.bytes($0) },
      message1: try source["message1"].map { try handshakeEdit($0) },
      message2: try source["message2"].map { try handshakeEdit($0) },
      settings: try source["settings"].map { .bytes(TemplateDecoder.settings($0)) }
        ?? source["settingsBody"].map { try TemplateDecoder.bytes($0) },
      isPreambleSent: source["preambleSent"]?.bool ?? false,
      pieces: pieces
    )
  }

  private static func handshakeEdit(_ source: JSON) throws -> HandshakeEdit {
    HandshakeEdit(
      change: source["changed"].map { TemplateDecoder.change($0) },
      cutTo: source["cutTo"]?.integer,
      append: try source["append"].map { try TemplateDecoder.bytes($0) },
      ephemeral: source["ephemeral"]?.string.flatMap { Hexadecimal.bytes($0) },
      replacement: try source["replacement"].map { try TemplateDecoder.bytes($0) }
    )
  }
}

extension JSON {
  /// The texts of an array, or the one text.
  var strings: [String] { array?.compactMap(\.string) ?? string.map { [$0] } ?? [] }
}
